const pending = new Set<() => void>()
let isScheduled = false

/**
 * Calls a function before the next frame is painted, once however often it was asked for: whatever arrives, a component
 * is rendered at most once for each frame, and not at all while its page is hidden.
 */
export function onNextFrame(callback: () => void): void {
  pending.add(callback)
  if (isScheduled) return
  isScheduled = true
  if (typeof requestAnimationFrame === 'function') requestAnimationFrame(flush)
  else setTimeout(flush, frameMs)
}

/** Forgets what was asked for. */
export function cancelFrame(callback: () => void): void {
  pending.delete(callback)
}

/** Where there are no frames, in milliseconds. */
const frameMs = 16

function flush(): void {
  isScheduled = false
  const callbacks = [...pending]
  pending.clear()
  for (const callback of callbacks) callback()
}
