import { useSyncExternalStore } from 'react'

const listeners = new Set<() => void>()

/** A preference that this browser remembers, shared by everything that uses it. No secret is ever among them. */
export function useStored<Value extends string>(
  name: string,
  values: readonly Value[],
  usual: Value,
): [Value, (value: Value) => void] {
  const key = `signalbox.${name}`
  const value = useSyncExternalStore(subscribe, () => {
    const stored = localStorage.getItem(key)
    return values.find((one) => one === stored) ?? usual
  })
  return [
    value,
    (next) => {
      localStorage.setItem(key, next)
      for (const listener of listeners) listener()
    },
  ]
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  window.addEventListener('storage', listener)
  return () => {
    listeners.delete(listener)
    window.removeEventListener('storage', listener)
  }
}
