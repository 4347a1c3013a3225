import { setTimeout as sleep } from 'node:timers/promises'

/** Whether the promise is fulfilled in time; one that is rejected in time rejects this, too. */
export async function within(timeoutMs: number, promise: Promise<unknown>): Promise<boolean> {
  const timer = new AbortController()
  const late = sleep(timeoutMs, false, { signal: timer.signal }).catch(() => false)
  try {
    return await Promise.race([promise.then(() => true), late])
  } finally {
    timer.abort()
  }
}
