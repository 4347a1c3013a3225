import { lockOfAccount } from '#platform/database/account-lock.ts'
import type { Transaction } from '#platform/database/transaction.ts'
import type { By } from '#platform/journal/entry.ts'
import { lockEvent } from './events.ts'
import { type HeldLock, type Lock, renewalEntryMs, type Waiter } from './lock.ts'
import {
  deleteLock,
  deleteWaiters,
  extendLock,
  type LockOpening,
  putLock,
  type Renewals,
  readOpening,
} from './store.ts'

const bySystem: By = { actor: { kind: 'system', id: 'system', name: 'system' } }

/** Who is given a lock. */
type Taker = Pick<Waiter, 'by' | 'principalId' | 'reason'>

/** One lock, changed in a transaction that excludes others of the account. */
export class LockChange {
  /** Who waited and was given the lock, to be told once that is committed. */
  granted: { readonly waiterId: string; readonly lock: Lock } | undefined
  lock: HeldLock | undefined
  readonly opening: LockOpening
  readonly #tx: Transaction
  readonly #accountId: string
  readonly #name: string
  #lastFence: number
  #renewals: Renewals
  #isTaken = false

  /** Opens it; a lease that is over ends, and the lock goes to whose turn it is. */
  static async open(tx: Transaction, accountId: string, name: string): Promise<LockChange> {
    tx.beside(lockOfAccount(tx, accountId, 'entries'))
    const change = new LockChange(tx, accountId, name, await readOpening(tx, accountId, name))
    change.#expire()
    return change
  }

  private constructor(tx: Transaction, accountId: string, name: string, opening: LockOpening) {
    this.#tx = tx
    this.#accountId = accountId
    this.#name = name
    this.opening = opening
    this.lock = opening.lock
    this.#lastFence = opening.lastFence
    this.#renewals = opening.renewals
  }

  /** When the lease ends that begins now, by the database's clock. */
  after(ttlMs: number): Date {
    return new Date(this.opening.now.getTime() + ttlMs)
  }

  /** Gives the lock, which nobody holds. */
  give({ by, principalId, reason }: Taker, ttlMs: number, waiterId?: string): Lock {
    const { now } = this.opening
    this.#lastFence += 1
    const fence = this.#lastFence
    const expiresAt = this.after(ttlMs)
    const lock = { name: this.#name, fence, holder: by.actor, principalId, reason, acquiredAt: now, expiresAt }
    putLock(this.#tx, this.#accountId, lock, waiterId)
    const data = { name: this.#name, fence, expiresAt: lock.expiresAt.toISOString() }
    const more = { ...(waiterId && { waiterId }), ...(reason !== null && { reason }) }
    this.#tx.journal(lockEvent('lock.acquired', this.#accountId, by, { ...data, ...more }))
    this.lock = lock
    this.#renewals = { count: 0, notedAt: undefined }
    if (waiterId !== undefined) this.granted = { waiterId, lock }
    return lock
  }

  /**
   * Lets the lease last for so long from now. The journal has an entry of the first renewal, and then of one a minute,
   * with how many there were; of one that somebody else than the holder asks for always.
   */
  renew(held: HeldLock, by: By, ttlMs: number): Lock {
    const { now } = this.opening
    const { notedAt } = this.#renewals
    const renewals = this.#renewals.count + 1
    const lock = { ...held, expiresAt: this.after(ttlMs) }
    const isHolder = by.actor.id === held.holder.id
    if (notedAt !== undefined && now.getTime() - notedAt.getTime() < renewalEntryMs && isHolder) {
      this.#tx.quiet('a renewal that the next entry counts')
      this.#renewals = { count: renewals, notedAt }
    } else {
      const data = { name: this.#name, fence: held.fence, expiresAt: lock.expiresAt.toISOString(), renewals }
      this.#tx.journal(lockEvent('lock.renewed', this.#accountId, by, data))
      this.#renewals = { count: 0, notedAt: now }
    }
    extendLock(this.#tx, this.#accountId, lock, this.#renewals)
    this.lock = lock
    return lock
  }

  /** Ends the lease, and gives the lock to whose turn it is. */
  end(type: 'lock.released' | 'lock.expired' | 'lock.forced', by: By, more: { cleared?: true } = {}): void {
    const held = this.lock
    if (held === undefined) return
    const { fence, holder } = held
    const { count } = this.#renewals
    const data = { name: this.#name, fence, holder, ...(count > 0 && { renewals: count }), ...more }
    this.#tx.journal(lockEvent(type, this.#accountId, by, data))
    this.lock = undefined
    this.#passOn()
    if (this.lock === undefined) deleteLock(this.#tx, this.#accountId, this.#name)
  }

  /** Sends all who wait away, and then ends the lease. */
  clear(by: By): void {
    deleteWaiters(this.#tx, this.#accountId, this.#name)
    this.#isTaken = true
    this.end('lock.forced', by, { cleared: true })
  }

  #expire(): void {
    if (this.lock !== undefined && this.lock.expiresAt <= this.opening.now) this.end('lock.expired', bySystem)
    else if (this.lock === undefined) this.#passOn()
  }

  #passOn(): void {
    const { waiter } = this.opening
    if (waiter === undefined || this.#isTaken) return
    // What was read of the queue is good for one turn.
    this.#isTaken = true
    this.give(waiter, waiter.ttlMs, waiter.id)
  }
}
