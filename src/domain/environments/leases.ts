import type { Caller } from '#domain/access/service.ts'
import type { Lock } from '#domain/locks/service.ts'
import { isId } from '#lib/ids.ts'
import type { EnvironmentDeps } from './deps.ts'
import { type Environment, lockNameOf } from './environment.ts'
import type { EnvironmentReads } from './environment-reads.ts'
import { EnvironmentHeld, NoSuchEnvironment } from './errors.ts'
import { type EnvironmentFilter, findUsable } from './store.ts'

/** Which environment is wanted, for how long, and for how long somebody waits for it. */
export interface EnvironmentRequest {
  /** Any of these; undefined: of all that match `where`. */
  readonly anyOf?: readonly string[] | null | undefined
  readonly where?: EnvironmentFilter | null | undefined
  readonly ttlMs: number
  readonly waitMs: number
  readonly reason?: string | null | undefined
}

/** Of how many environments one is waited for. */
const maxCandidates = 20

/** The commands of those who use environments. */
export function createLeases({ sql, locks }: EnvironmentDeps, { get }: EnvironmentReads) {
  /**
   * Acquires an environment, or waits for the first that becomes free, in the order of asking: the default ones first.
   * @throws {NoSuchEnvironment} @throws {EnvironmentHeld} @throws {InvalidInput}
   */
  async function acquire(caller: Caller, request: EnvironmentRequest, left?: AbortSignal): Promise<Environment> {
    caller.must('salesforce:deploy')
    const { anyOf, where, ...wish } = request
    const filter = { ...where, ids: anyOf?.filter(isId) }
    const candidates = await findUsable(sql, caller.accountId, filter, maxCandidates)
    if (candidates.length === 0) throw new NoSuchEnvironment()
    const names = candidates.map(({ id }) => lockNameOf(id))
    const lock = await locks.owned.acquire(caller, names, wish, left).catch((error: unknown) => {
      throw heldFailure(locks, candidates, error)
    })
    return get(caller, idOf(candidates, lock))
  }

  /** Lets the caller's own lease last for so long from now. @throws {FenceLost} @throws {NotLockHolder} @throws {InvalidInput} */
  async function extend(caller: Caller, { id, fence }: HeldEnvironment, ttlMs: number): Promise<Environment> {
    caller.must('salesforce:deploy')
    const { lock: _, ...environment } = await get(caller, id)
    const lock = await locks.owned.renew(caller, { name: lockNameOf(id), fence }, ttlMs)
    return { ...environment, lock }
  }

  /** Gives the caller's own environment to the next who waits. @throws {FenceLost} @throws {NotLockHolder} */
  async function release(caller: Caller, { id, fence }: HeldEnvironment): Promise<Environment> {
    caller.must('salesforce:deploy')
    await get(caller, id)
    await locks.owned.release(caller, { name: lockNameOf(id), fence })
    return get(caller, id)
  }

  return { acquire, extend, release }
}

export interface HeldEnvironment {
  readonly id: string
  readonly fence: number
}

function idOf(candidates: readonly { readonly id: string }[], { name }: Lock): string {
  return candidates.find(({ id }) => lockNameOf(id) === name)?.id ?? ''
}

/** The same refusal with an environment's name instead of a lock's; other errors stay what they are. */
export function heldFailure(
  locks: EnvironmentDeps['locks'],
  candidates: readonly { readonly id: string; readonly name: string }[],
  error: unknown,
): unknown {
  const refusal = locks.owned.refusalOf(error)
  if (refusal === undefined) return error
  const held = candidates.find(({ id }) => lockNameOf(id) === refusal.lock?.name)
  return new EnvironmentHeld(held?.name, refusal.lock, { cause: error })
}
