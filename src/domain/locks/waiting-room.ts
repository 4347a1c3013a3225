import { type CompositeKey, compositeKey } from '#lib/composite-key.ts'
import type { Lock } from './lock.ts'

interface Place {
  readonly accountId: string
  readonly name: string
  readonly granted: PromiseWithResolvers<Lock | 'dismissed' | undefined>
  /** Whether its place in the queue is committed. */
  isCommitted?: boolean
  /** Who is in the lock's queue; undefined until it is known that the lock is held. */
  queuedFor?: string
}

/** Those who wait at this process. */
export class WaitingRoom {
  readonly #places = new Map<string, Place>()
  readonly #queued = new Map<string, number>()
  readonly #timers = new Map<CompositeKey, NodeJS.Timeout>()
  readonly #onLeaseEnd: (accountId: string, name: string) => void

  /** `onLeaseEnd` is called when a lease that a caller here waits for may have ended. */
  constructor(onLeaseEnd: (accountId: string, name: string) => void) {
    this.#onLeaseEnd = onLeaseEnd
  }

  get ids(): string[] {
    return [...this.#places.keys()]
  }

  /**
   * Begins to wait; the promise has the lock once it is granted, `dismissed` when the queue was cleared, or nothing when
   * this process gives up.
   */
  enter(id: string, accountId: string, name: string): Promise<Lock | 'dismissed' | undefined> {
    const granted = Promise.withResolvers<Lock | 'dismissed' | undefined>()
    this.#places.set(id, { accountId, name, granted })
    return granted.promise
  }

  /** Counts one who waits among the caller's, until it leaves. */
  queue(id: string, limitKey: string): void {
    const place = this.#places.get(id)
    if (place === undefined || place.queuedFor !== undefined) return
    place.queuedFor = limitKey
    this.#queued.set(limitKey, this.queuedFor(limitKey) + 1)
  }

  /** Its place in the queue is committed: if it is not found there any more, its wait is over. */
  commit(id: string): void {
    const place = this.#places.get(id)
    if (place !== undefined) place.isCommitted = true
  }

  /** Those of these whose places in queues are committed. */
  committed(ids: readonly string[]): Set<string> {
    return new Set(ids.filter((id) => this.#places.get(id)?.isCommitted))
  }

  /** Who waits here for a lock. */
  idsOf(accountId: string, name: string): string[] {
    const places = [...this.#places].filter(([, place]) => place.accountId === accountId && place.name === name)
    return places.map(([id]) => id)
  }

  /** How many of a caller's requests wait here. */
  queuedFor(limitKey: string): number {
    return this.#queued.get(limitKey) ?? 0
  }

  leave(id: string): void {
    const place = this.#places.get(id)
    this.#places.delete(id)
    if (place?.queuedFor !== undefined) this.#uncount(place.queuedFor)
    if (place === undefined || this.#waitsFor(place.accountId, place.name)) return
    const key = keyOf(place.accountId, place.name)
    clearTimeout(this.#timers.get(key))
    this.#timers.delete(key)
  }

  /** Somebody's turn has come; no effect when they don't wait here, or know it already. */
  grant(id: string, lock: Lock | undefined): void {
    this.#places.get(id)?.granted.resolve(lock)
  }

  /** Its queue was cleared; no effect when it doesn't wait here. */
  dismiss(id: string): void {
    this.#places.get(id)?.granted.resolve('dismissed')
  }

  /** Looks after a lock again when its lease may be over, if somebody waits here. */
  lookAfter(accountId: string, name: string, inMs: number): void {
    if (!this.#waitsFor(accountId, name)) return
    const key = keyOf(accountId, name)
    clearTimeout(this.#timers.get(key))
    this.#timers.set(
      key,
      setTimeout(() => this.#onLeaseEnd(accountId, name), Math.max(soonestMs, inMs)),
    )
  }

  /** Lets all go without a lock. */
  close(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer)
    for (const { granted } of this.#places.values()) granted.resolve(undefined)
  }

  #uncount(limitKey: string): void {
    const left = this.queuedFor(limitKey) - 1
    if (left > 0) this.#queued.set(limitKey, left)
    else this.#queued.delete(limitKey)
  }

  #waitsFor(accountId: string, name: string): boolean {
    return this.#places.values().some((place) => place.accountId === accountId && place.name === name)
  }
}

/** A lease ends by the database's clock, which can be a moment behind. */
const soonestMs = 10

function keyOf(accountId: string, name: string): CompositeKey {
  return compositeKey(accountId, name)
}
