import type { Sql } from '#platform/database/sql.ts'
import { LockHeld, queueCleared } from './errors.ts'
import type { Lock } from './lock.ts'
import type { LockChanges } from './lock-changes.ts'
import { deleteWaiter, findGranted, findLock } from './store.ts'

/** One lock that is asked for, with the place in its queue. */
export interface Place {
  readonly name: string
  readonly id: string
  readonly granted: Promise<Lock | 'dismissed' | undefined>
}

/** Waits for locks in whose queues somebody is, and leaves them. */
export function createLockWaits({ sql, change }: Pick<LockChanges, 'change'> & { readonly sql: Sql }) {
  /** Waits until one of these is given, and leaves the queues of the others. @throws {LockHeld} */
  async function waitForAny(
    accountId: string,
    places: readonly Place[],
    waitMs: number,
    left: AbortSignal | undefined,
  ): Promise<Lock> {
    const { given, isCleared } = await firstGiven(places, waitMs, left)
    const others = places.filter(({ name }) => name !== given?.name)
    if (given !== undefined) {
      await leaveAll(accountId, others)
      return given
    }
    const [late, ...more] = (await Promise.all(others.map(({ id }) => giveUp(id)))).filter((lock) => lock !== undefined)
    for (const lock of more) await letGo(accountId, lock)
    if (late !== undefined) return late
    const [first] = places
    if (isCleared) throw new LockHeld(first?.name ?? '', undefined, queueCleared)
    const held = await findLock(sql, accountId, first?.name ?? '')
    throw new LockHeld(first?.name ?? '', held, othersToo(places.length))
  }

  async function leaveAll(accountId: string, places: readonly Place[]): Promise<void> {
    for (const { id } of places) {
      const lock = await giveUp(id)
      if (lock !== undefined) await letGo(accountId, lock)
    }
  }

  /** A lock that nobody is there for any more goes to the next. */
  async function unlessLeft(accountId: string, lock: Lock, left: AbortSignal | undefined): Promise<Lock> {
    if (left?.aborted) await letGo(accountId, lock)
    return lock
  }

  /** Leaves the queue; the lock, when the turn had come meanwhile. */
  async function giveUp(id: string): Promise<Lock | undefined> {
    if (await deleteWaiter(sql, id)) return undefined
    return (await findGranted(sql, [id])).get(id)
  }

  async function letGo(accountId: string, { name, fence, holder }: Lock): Promise<void> {
    await change(accountId, name, (change) => {
      if (change.lock?.fence === fence) change.end('lock.released', { actor: holder })
    })
  }

  return { waitForAny, leaveAll, unlessLeft }
}

/** Why one of several locks is named that are all held; undefined: there is only the one. */
export function othersToo(count: number): string | undefined {
  if (count === 1) return undefined
  return `so ${count === 2 ? 'is the other one' : `are the ${count - 1} others`}: ask again later, or wait longer`
}

/** The first lock that is given within the time; `isCleared`: the queues of all were cleared. */
async function firstGiven(
  places: readonly Place[],
  waitMs: number,
  left: AbortSignal | undefined,
): Promise<{ given: Lock | undefined; isCleared: boolean }> {
  const over = Promise.withResolvers<undefined>()
  const end = () => over.resolve(undefined)
  const timer = setTimeout(end, waitMs)
  left?.addEventListener('abort', end, { once: true })
  if (left?.aborted) end()
  const waiting = new Map(places.map(({ id, granted }) => [id, granted.then((answer) => ({ id, answer }))]))
  try {
    while (waiting.size > 0) {
      const next = await Promise.race([...waiting.values(), over.promise])
      if (next?.answer === undefined) return { given: undefined, isCleared: false }
      if (next.answer !== 'dismissed') return { given: next.answer, isCleared: false }
      waiting.delete(next.id)
    }
    return { given: undefined, isCleared: true }
  } finally {
    clearTimeout(timer)
    left?.removeEventListener('abort', end)
  }
}
