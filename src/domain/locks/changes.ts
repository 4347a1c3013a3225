import { lockOfAccount } from '#platform/database/account-lock.ts'
import type { Transaction } from '#platform/database/transaction.ts'
import type { By } from '#platform/journal/entry.ts'
import { lockEvent } from './events.ts'
import type { HeldLock, Lock, Waiter } from './lock.ts'
import { deleteLock, type LockOpening, putLock, readOpening } from './store.ts'

const bySystem: By = { actor: { kind: 'system', id: 'system', name: 'system' } }

/** Who is given a lock. */
type Taker = Pick<Waiter, 'by' | 'principalId'>

/** One lock in a transaction that no other of the account runs beside, and what becomes of it there. */
export class LockChange {
  /** Who waited and was given the lock, to be told once that is committed. */
  granted: { readonly waiterId: string; readonly lock: Lock } | undefined
  lock: HeldLock | undefined
  readonly opening: LockOpening
  readonly #tx: Transaction
  readonly #accountId: string
  readonly #name: string
  #lastFence: number
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
  }

  /** When the lease ends that begins now, by the database's clock. */
  after(ttlMs: number): Date {
    return new Date(this.opening.now.getTime() + ttlMs)
  }

  /** Gives the lock, which nobody holds. */
  give({ by, principalId }: Taker, ttlMs: number, waiterId?: string): Lock {
    const { now } = this.opening
    this.#lastFence += 1
    const fence = this.#lastFence
    const expiresAt = this.after(ttlMs)
    const lock = { name: this.#name, fence, holder: by.actor, principalId, acquiredAt: now, expiresAt }
    putLock(this.#tx, this.#accountId, lock, waiterId)
    const data = { name: this.#name, fence, expiresAt: lock.expiresAt.toISOString() }
    this.#tx.journal(lockEvent('lock.acquired', this.#accountId, by, { ...data, ...(waiterId && { waiterId }) }))
    this.lock = lock
    if (waiterId !== undefined) this.granted = { waiterId, lock }
    return lock
  }

  /** Ends the lease, and gives the lock to whose turn it is. */
  end(type: 'lock.released' | 'lock.expired' | 'lock.forced', by: By): void {
    const held = this.lock
    if (held === undefined) return
    const { fence, holder } = held
    this.#tx.journal(lockEvent(type, this.#accountId, by, { name: this.#name, fence, holder }))
    this.lock = undefined
    this.#passOn()
    if (this.lock === undefined) deleteLock(this.#tx, this.#accountId, this.#name)
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
