import type { Caller } from '#domain/access/service.ts'
import type { Lock } from '#domain/locks/service.ts'
import type { Transaction } from '#platform/database/transaction.ts'
import type { EnvironmentDeps } from './deps.ts'
import { type AssignmentType, type Environment, isAssigned, lockNameOf } from './environment.ts'
import type { EnvironmentReads } from './environment-reads.ts'
import { NoSuchEnvironment } from './errors.ts'
import { environmentEvent } from './events.ts'
import { type AssignmentRequest, parseAssignment } from './input.ts'
import { heldFailure } from './leases.ts'
import { findAssigned, findUsable, saveAssignment } from './store.ts'

const hourMs = 60 * 60 * 1000
/** How long something lasts that has no end, in milliseconds: a hundred years. */
const foreverMs = 100 * 365 * 24 * hourMs
const maxCandidates = 20

/** The commands that set environments aside, for a pull request, say. */
export function createAssignments({ sql, locks }: EnvironmentDeps, { get, findAll }: EnvironmentReads) {
  /**
   * Sets a free environment of the repository aside; one that is set aside for the same is used again.
   * @throws {InvalidInput} @throws {NoSuchEnvironment} @throws {EnvironmentHeld} when none is free
   */
  async function assign(
    caller: Caller,
    given: AssignmentRequest,
  ): Promise<{ environment: Environment; isNew: boolean }> {
    caller.must('salesforce:deploy')
    const { repository, poolTag, isImmortal, expirationHours, override, ...wanted } = parseAssignment(given)
    const known = await findAssignment(caller, { repository, ...wanted })
    if (known !== undefined && isAssigned(known)) {
      if (!override) return { environment: known, isNew: false }
      await locks.owned.clear(caller, lockNameOf(known.id), { queue: false })
    }
    const filter = { repository, tags: poolTag === undefined ? null : [poolTag] }
    const candidates = await findUsable(sql, caller.accountId, filter, maxCandidates)
    if (candidates.length === 0) throw new NoSuchEnvironment()
    const ttlMs = isImmortal ? foreverMs : expirationHours * hourMs
    const reason = `${wanted.type.toLowerCase()} ${wanted.id}`
    const names = candidates.map(({ id }) => lockNameOf(id))
    const rowOf = (lock: Lock) => candidates.find(({ id }) => lockNameOf(id) === lock.name)
    const alongside = (tx: Transaction, lock: Lock) => {
      const row = rowOf(lock)
      if (row === undefined) return
      const { fence, acquiredAt, expiresAt } = lock
      const end = isImmortal ? null : expiresAt.toISOString()
      const at = acquiredAt.toISOString()
      tx.beside(saveAssignment(tx, row, { ...wanted, by: caller.actor, at, expiresAt: end, fence }))
      const data = { assignmentType: wanted.type, assignmentId: wanted.id, fence }
      tx.journal(environmentEvent('salesforce.environment_assigned', row, caller.by(), data))
    }
    const wish = { ttlMs, waitMs: 0, reason, isUnbounded: true, alongside }
    const lock = await locks.owned.acquire(caller, names, wish).catch((error: unknown) => {
      throw heldFailure(locks, candidates, error)
    })
    const row = rowOf(lock)
    if (row === undefined) throw new NoSuchEnvironment()
    return { environment: await get(caller, row.id), isNew: true }
  }

  /** The environment that is, or was last, set aside for something. */
  async function findAssignment(
    caller: Caller,
    asked: { repository: string; type: AssignmentType; id: string },
  ): Promise<Environment | undefined> {
    caller.must('salesforce:use')
    const row = await findAssigned(sql, caller.accountId, asked)
    return row && (await findAll(caller, [row.id]))[0]
  }

  return { assign, findAssignment }
}
