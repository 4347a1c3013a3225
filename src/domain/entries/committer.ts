import { LRUCache } from 'lru-cache'
import { createBatcher } from '#lib/batcher.ts'
import { AppError } from '#lib/errors.ts'
import { lockOfAccount } from '#platform/database/account-lock.ts'
import { type KeyedRequest, runOnce } from '#platform/database/idempotency.ts'
import { isRefusedData } from '#platform/database/refusal.ts'
import type { Transact, Transaction } from '#platform/database/transaction.ts'
import type { EntryOutcome, EntryRequest, EntryWrite } from './entry.ts'
import { entryEvent } from './events.ts'
import { decodeResult, encodeResult } from './idempotent-result.ts'
import { readStandings, writeChanges } from './store.ts'
import { WriteBatch } from './write-batch.ts'

/** The fence with which each of these locks is held now; locks that nobody holds are missing. Until the commit none changes hands. */
type HeldFences = (tx: Transaction, accountId: string, locks: readonly string[]) => Promise<Map<string, number>>

/** Commits requests, for the commands of the service. */
export type Committer = ReturnType<typeof createCommitter>

export interface CommitterDeps {
  readonly transact: Transact
  readonly heldFences: HeldFences
  /** Throws unless this is the fence that the lock is held with. */
  readonly checkFence: (fence: NonNullable<EntryRequest['fence']>, held: number | undefined) => void
  /** How many versions of an entry are kept. */
  readonly keptVersions: number
}

/** Most requests that share one commit. */
const groupSize = 200
/** How long a commit waits for company where there was some before, in milliseconds; it takes longer itself. */
const maxGatherMs = 10
/** Accounts whose requests are grouped; those of others begin a new group beside one that may be under way. */
const maxAccounts = 1_000

type Answer = EntryOutcome | AppError | Error

/**
 * Commits requests. Those of one account go one after the other, across all processes, so that its revisions have no
 * gap; whatever arrives while a commit is under way shares the next one.
 */
export function createCommitter(deps: CommitterDeps) {
  const { transact, heldFences, checkFence, keptVersions } = deps
  const groups = new LRUCache<string, (request: EntryRequest) => Promise<Answer>>({ max: maxAccounts })

  function groupOf(accountId: string) {
    const known = groups.get(accountId)
    if (known !== undefined) return known
    const made = createBatcher<EntryRequest, Answer>({
      maxSize: groupSize,
      gatherMs: maxGatherMs,
      run: (requests) => commit(accountId, requests).catch((error: unknown) => commitApart(accountId, requests, error)),
    })
    groups.set(accountId, made)
    return made
  }

  /** What the database refuses in one request must not keep the others of its group from being written. */
  async function commitApart(accountId: string, requests: readonly EntryRequest[], error: unknown): Promise<Answer[]> {
    if (requests.length === 1 || !isRefusedData(error)) throw error
    const answers: Answer[] = []
    for (const request of requests)
      answers.push(...(await commit(accountId, [request]).catch((reason: unknown) => [reason as Error])))
    return answers
  }

  function commit(accountId: string, requests: readonly EntryRequest[]): Promise<Answer[]> {
    return transact((tx) => {
      tx.beside(lockOfAccount(tx, accountId, 'entries'))
      return answerAll(tx, accountId, requests)
    })
  }

  /** For who holds the account's lock. */
  async function answerAll(tx: Transaction, accountId: string, requests: readonly EntryRequest[]): Promise<Answer[]> {
    const locks = [...new Set(requests.flatMap(({ fence }) => fence?.lock ?? []))]
    const [opening, fences] = await Promise.all([
      readStandings(tx, accountId, keysOf(requests)),
      locks.length === 0 ? new Map<string, number>() : heldFences(tx, accountId, locks),
    ])
    const batch = new WriteBatch(opening.keyStates, opening.revision, opening.now)
    const answers = requests.map((request) => answer(batch, request, fences))
    if (batch.changes.length > 0) writeChanges(tx, accountId, batch, keptVersions)
    for (const change of batch.changes) tx.journal(entryEvent(accountId, change))
    return answers
  }

  /** Commits what keeps a value, once for all who ask so under this key. @throws {IdempotencyKeyReused} and what the batch throws */
  async function setOnce(request: EntryRequest, value: unknown, keyed: KeyedRequest): Promise<EntryOutcome> {
    return transact(async (tx) => {
      // Before the key's row gives the transaction its number, which orders revisions in the journal.
      tx.beside(lockOfAccount(tx, request.accountId, 'entries'))
      const { outcome } = await runOnce(tx, keyed, async () => {
        const [answer] = await answerAll(tx, request.accountId, [request])
        if (answer instanceof Error) throw answer
        return encodeResult(answer as EntryOutcome)
      })
      return decodeResult(outcome, value)
    })
  }

  function answer(batch: WriteBatch, request: EntryRequest, fences: ReadonlyMap<string, number>): Answer {
    try {
      if (request.fence !== undefined) checkFence(request.fence, fences.get(request.fence.lock))
      return batch.decide(request)
    } catch (error) {
      if (error instanceof AppError) return error
      throw error
    }
  }

  async function commitOne(request: EntryRequest): Promise<EntryOutcome> {
    const outcome = await groupOf(request.accountId)(request)
    if (outcome instanceof Error) throw outcome
    return outcome
  }

  return { commit: commitOne, setOnce }
}

/** Every key that the requests are about; values are read only where the decision depends on them. */
function keysOf(requests: readonly EntryRequest[]): Map<string, { readValue: boolean }> {
  const keys = new Map<string, { readValue: boolean }>()
  const add = (key: string, readValue: boolean) => {
    keys.set(key, { readValue: readValue || keys.get(key)?.readValue === true })
  }
  const addWrite = ({ key, kind }: EntryWrite) => add(key, kind === 'increment')
  for (const { checks, writes, otherwise, sweep = [] } of requests) {
    // A check that fails is answered with what is there.
    for (const { key } of checks) add(key, true)
    writes.forEach(addWrite)
    otherwise.forEach(addWrite)
    for (const key of sweep) add(key, false)
  }
  return keys
}
