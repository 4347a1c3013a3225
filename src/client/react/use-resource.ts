import { useCallback, useSyncExternalStore } from 'react'
import { useClient } from './context.ts'
import { type Live, loading, skipped } from './live.ts'
import { resourcesOf, type Source } from './resource.ts'

/** Follows a resource; `key` says which (undefined: none), and must change with whatever its source depends on. */
export function useResource<Data>(key: string | undefined, source: Source<Data>) {
  const resources = resourcesOf(useClient())
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new function for the same key is the same source
  const subscribe = useCallback(
    (listener: () => void) => (key === undefined ? () => {} : resources.subscribe(key, source, listener)),
    [resources, key],
  )
  const snapshot = useCallback(
    (): Live<Data> => (key === undefined ? skipped : resources.peek<Data>(key)),
    [resources, key],
  )
  const live = useSyncExternalStore(subscribe, snapshot, () => (key === undefined ? skipped : loading))
  const refresh = useCallback(async () => {
    if (key !== undefined) await resources.refresh(key)
  }, [resources, key])
  return { ...live, refresh }
}

/** A key of values: equal for equal ones. */
export function keyOf(...parts: readonly unknown[]): string {
  return JSON.stringify(parts, (_name, value: unknown) => (isPlain(value) ? sorted(value) : value))
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function sorted(value: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)))
}
