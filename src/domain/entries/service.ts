import type { Caller } from '#domain/access/service.ts'
import type { Fence } from '#domain/locks/service.ts'
import type { QuotaService } from '#domain/quotas/service.ts'
import { createBatcher } from '#lib/batcher.ts'
import { invalidValue } from '#lib/errors.ts'
import { behindPrefix, keyFault, prefixFault } from '#lib/key-rule.ts'
import { patternRegex } from '#lib/path-pattern.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { Transact } from '#platform/database/transaction.ts'
import type { Journal } from '#platform/journal/journal.ts'
import { type EntryUpdate, followEntries } from './changes.ts'
import { type CommitterDeps, createCommitter } from './committer.ts'
import type { Entry, EntryOutcome, EntryRequest, EntryWrite } from './entry.ts'
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
import {
  type EntryName,
  findEntries,
  findExpired,
  findVersionValue,
  forgetEnded,
  type KeyRange,
  listEntries,
  listVersions,
  readStretch,
} from './store.ts'
import { bySystem } from './write-batch.ts'

export interface EntryServiceDeps extends Pick<CommitterDeps, 'heldFences' | 'checkFence' | 'keptVersions'> {
  readonly sql: Sql
  readonly transact: Transact
  readonly journal: Journal
  readonly quotas: Pick<QuotaService, 'hold'>
}

/** Everything that can be done with entries; the only way in for callers. */
export type EntryService = ReturnType<typeof createEntryService>

/** Names of one read: what arrives while one is under way goes together in the next. */
const readTogether = 200
/** What is read at once of what a subscription begins with. */
const stretch = { entries: 200, bytes: 1024 * 1024 }
const sweptAtOnce = 500
const forgottenAtOnce = 500
/** The last version that there can be, and one more. */
const behindAllVersions = 2 ** 31 - 1

/** One write that is alone in its commit. */
type Fenced<Asked> = Asked & { readonly fence?: Fence | undefined }

export function createEntryService(deps: EntryServiceDeps) {
  const { sql, journal, quotas } = deps
  const { commit, setOnce } = createCommitter(deps)
  const read = createBatcher<EntryName, Entry | undefined>({
    maxSize: readTogether,
    run: (names) => findEntries(sql, names),
  })

  /** The entry of this key, as it is after all that was answered before; undefined when there is none. @throws {InvalidInput} */
  async function find(caller: Caller, key: string): Promise<Entry | undefined> {
    caller.must('entries:read', key)
    mustBeKey(key)
    return read({ accountId: caller.accountId, key })
  }

  /** Up to `limit` entries whose keys begin with this, behind a key, by the bytes of their keys. @throws {InvalidInput} */
  async function list(caller: Caller, prefix: string, after: string, limit: number): Promise<Entry[]> {
    return listEntries(sql, caller.accountId, rangeOf(caller, prefix, after), limit)
  }

  /** Kept versions of an entry before this one, newest first; without one, all of them. */
  async function history(caller: Caller, key: string, before: number | undefined, limit: number) {
    caller.must('entries:read', key)
    return listVersions(sql, { accountId: caller.accountId, key }, before ?? behindAllVersions, limit)
  }

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

  /** @see followEntries */
  async function changes(
    caller: Caller,
    prefix: string,
    after: string | undefined,
  ): Promise<AsyncGenerator<EntryUpdate>> {
    const { accountId } = caller
    const range = rangeOf(caller, prefix, '')
    const follow = {
      journal,
      readStretch: (behind: string) => readStretch(sql, accountId, { ...range, after: behind }, stretch),
      findValue: (key: string, version: number) => findVersionValue(sql, { accountId, key }, version),
      isTold: (key: string) => key.startsWith(prefix) && caller.can('entries:read', key),
    }
    return followEntries(follow, accountId, after)
  }

  /** Lets entries whose time is over expire, 500 at a time; several processes may do so at once. */
  async function sweep(): Promise<void> {
    for (let count = sweptAtOnce; count === sweptAtOnce; ) {
      const expired = await findExpired(sql, sweptAtOnce)
      for (const [accountId, names] of Map.groupBy(expired, (name) => name.accountId)) {
        const keys = names.map(({ key }) => key)
        await commit({ accountId, by: bySystem, checks: [], writes: [], otherwise: [], sweep: keys })
      }
      count = expired.length
    }
  }

  return {
    find,
    list,
    history,
    set,
    remove,
    increment,
    transact: transactAll,
    changes,
    sweep,
    /** Forgets, step by step, what entries were that ended so many days ago. */
    async forget(days: number): Promise<void> {
      while ((await forgetEnded(sql, days, forgottenAtOnce)) >= forgottenAtOnce);
    },
  }
}

/** Checks, and what follows from them. */
export interface EntryTransaction {
  readonly checks: readonly Checking[]
  readonly writes: readonly Writing[]
  readonly otherwise: readonly Writing[]
  readonly fence?: Fence | undefined
}

function bytesOf(writes: readonly EntryWrite[]): number {
  return writes.reduce((sum, write) => sum + (write.kind === 'set' ? write.sizeBytes : 0), 0)
}

function mustBeKey(key: string): void {
  const message = keyFault(key)
  if (message !== undefined) throw invalidValue('The key', 'key', message)
}

/** The keys with this beginning that the caller may read. @throws {Forbidden} when those are none at all. @throws {InvalidInput} */
function rangeOf(caller: Caller, prefix: string, after: string): KeyRange {
  const patterns = caller.mustSomewhere('entries:read')
  const message = prefixFault(prefix)
  if (message !== undefined) throw invalidValue('The prefix', 'prefix', message)
  return { from: prefix, to: behindPrefix(prefix), after, patterns: patterns?.map(patternRegex) ?? null }
}
