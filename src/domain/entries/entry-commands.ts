import type { Caller } from '#domain/access/service.ts'
import type { Fence } from '#domain/locks/service.ts'
import type { QuotaService } from '#domain/quotas/service.ts'
import type { Committer } from './committer.ts'
import type { EntryOutcome, EntryRequest, EntryWrite } from './entry.ts'
import {
  type Checking,
  type Deleting,
  Findings,
  type Incrementing,
  noteFence,
  planChecks,
  planDelete,
  planIncrement,
  planSet,
  planWrites,
  type Setting,
  type Writing,
} from './request.ts'

export interface EntryCommandsDeps extends Committer {
  readonly quotas: Pick<QuotaService, 'hold'>
}

/** Checks, and what follows from them. */
export interface EntryTransaction {
  readonly checks: readonly Checking[]
  readonly writes: readonly Writing[]
  readonly otherwise: readonly Writing[]
  readonly fence?: Fence | undefined
}

/** One write that is alone in its commit. */
type Fenced<Asked> = Asked & { readonly fence?: Fence | undefined }

/** The commands that change entries. */
export function createEntryCommands({ commit, setOnce, quotas }: EntryCommandsDeps) {
  /**
   * Keeps a value under a key; under an idempotency key once, however often it is asked for. @throws {InvalidInput}
   * @throws {EntryVersionConflict} @throws {EntryNotFound} @throws {FenceLost} @throws {QuotaExceeded} @throws {IdempotencyKeyReused}
   */
  async function set(caller: Caller, asked: Fenced<Setting>, idempotencyKey?: string): Promise<EntryOutcome> {
    caller.must('entries:write', asked.key)
    const plan = (at: Findings) => planSet(asked, at)
    if (idempotencyKey === undefined) return writeOne(caller, asked.fence, plan)
    const { accountId, principalId } = caller
    const keyed = { accountId, principalId, key: idempotencyKey, operation: 'setEntry', request: asked }
    return writeOne(caller, asked.fence, plan, (request) => setOnce(request, asked.value, keyed))
  }

  /** Deletes an entry; what it was stays in its versions for some days. @throws as {@link set} */
  async function remove(caller: Caller, asked: Fenced<Deleting>): Promise<EntryOutcome> {
    caller.must('entries:write', asked.key)
    return writeOne(caller, asked.fence, (at) => planDelete(asked, at))
  }

  /** Adds to a whole number. @throws as {@link set} @throws {EntryNotNumber} @throws {EntryOutOfBounds} */
  async function increment(caller: Caller, asked: Fenced<Incrementing>): Promise<EntryOutcome> {
    caller.must('entries:write', asked.key)
    return writeOne(caller, asked.fence, (at) => planIncrement(asked, at))
  }

  async function writeOne(
    caller: Caller,
    fence: Fence | undefined,
    plan: (at: Findings) => EntryWrite,
    work = commit,
  ): Promise<EntryOutcome> {
    const at = new Findings()
    const write = plan(at)
    noteFence(fence, at)
    at.refuse('The entry')
    return submit(caller, { fence, checks: [], writes: [write], otherwise: [] }, work)
  }

  /**
   * In one commit: the writes if all checks hold, otherwise the others, or nothing. A check that does not hold is not a
   * failure but one of the two outcomes. @throws as {@link increment}
   */
  async function transactAll(caller: Caller, asked: EntryTransaction): Promise<EntryOutcome> {
    const at = new Findings()
    const { fence } = asked
    for (const { key } of asked.checks) caller.must('entries:read', key)
    for (const { set, delete: deleting, increment: adding } of [...asked.writes, ...asked.otherwise])
      caller.must('entries:write', (set ?? deleting ?? adding)?.key)
    const checks = planChecks(asked.checks, at)
    const writes = planWrites(asked.writes, at, 'writes')
    const otherwise = planWrites(asked.otherwise, at, 'otherwise')
    noteFence(fence, at)
    if (asked.checks.length + asked.writes.length + asked.otherwise.length === 0)
      at.note('writes', 'is empty, and so is everything else')
    at.refuse('The request')
    return submit(caller, { fence, checks, writes, otherwise })
  }

  async function submit(
    caller: Caller,
    asked: Omit<EntryRequest, 'accountId' | 'by'>,
    work = commit,
  ): Promise<EntryOutcome> {
    const { accountId } = caller
    const storedBytes = Math.max(bytesOf(asked.writes), bytesOf(asked.otherwise))
    const release = storedBytes > 0 ? await quotas.hold(accountId, { storedBytes }) : undefined
    return work({ accountId, by: caller.by(), ...asked }).finally(release)
  }

  return { set, remove, increment, transact: transactAll }
}

function bytesOf(writes: readonly EntryWrite[]): number {
  return writes.reduce((sum, write) => sum + (write.kind === 'set' ? write.sizeBytes : 0), 0)
}
