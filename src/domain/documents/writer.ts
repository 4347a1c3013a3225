import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Fence } from '#domain/locks/service.ts'
import { createBatcher } from '#lib/batcher.ts'
import { AppError, InvalidInput } from '#lib/errors.ts'
import { FairQueue } from '#lib/fair-queue.ts'
import { type KeyedRequest, runOnce } from '#platform/database/idempotency.ts'
import { isRefusedData } from '#platform/database/refusal.ts'
import type { Transact, Transaction } from '#platform/database/transaction.ts'
import type { DocumentState } from './document.ts'
import { WritesRefused } from './errors.ts'
import { type FenceKeeper, lostFences } from './fences.ts'
import { decodeResult, encodeResult } from './idempotent-result.ts'
import { type SchemaChecker, type SchemaChecks, SlowCheck } from './schemas/schema-checker.ts'
import type { Write } from './write.ts'
import { RetryTransaction, WriteBatch } from './write-batch.ts'

/** Most single writes that share one commit. */
const groupSize = 200
/** How long a commit waits for company where there was some before, in milliseconds; it takes longer itself. */
const maxGatherMs = 10
/** Most bytes of documents that the writes of one request may make, which patches and restores make of few bytes. */
const requestBytes = 64 * 1024 * 1024
/** Transactions with slow checks at once. */
const maxSlow = 2
/** How long writes are decided in one turn of the event loop, in milliseconds; one write may take longer. */
const turnMs = 10
/** How often writes are retried because the same documents were written or created concurrently. */
const maxRaces = 20

/** What writes documents, for the commands of the service. */
export type DocumentWriter = ReturnType<typeof createDocumentWriter>

export interface DocumentWriterDeps {
  readonly transact: Transact
  readonly locks: FenceKeeper
  readonly schemas: SchemaChecker
}

/** Makes what writes documents: state, version and journal entry in one transaction. */
export function createDocumentWriter({ transact, locks, schemas }: DocumentWriterDeps) {
  /** Transactions in which a schema takes long; few, so that connections are left to everybody else. */
  const slow = new FairQueue(maxSlow)

  /** Commits writes together. A refused write is an error at its index and does not stop the others. */
  async function writeGroup(writes: readonly Write[]): Promise<(DocumentState | Error)[]> {
    return again((isLastTry) => transact((tx) => writeEach(tx, writes, isLastTry, schemas.quickChecks())))
  }

  async function writeEach(
    tx: Transaction,
    writes: readonly Write[],
    isLastTry: boolean,
    checks: SchemaChecks,
    maxBytes?: number,
  ): Promise<(DocumentState | Error)[]> {
    return (await prepare(tx, writes, isLastTry, checks, maxBytes))()
  }

  /** Runs the work of one request with quick checks and, if one is slow, again with patient ones, in the slow queue. */
  async function withChecks<Result>(
    accountId: string,
    work: (checks: SchemaChecks) => Promise<Result>,
  ): Promise<Result> {
    try {
      return await work(schemas.quickChecks())
    } catch (error) {
      if (!(error instanceof SlowCheck)) throw error
      return slow.run(accountId, () => work(schemas.patientChecks(accountId)))
    }
  }

  /** Holds what the writes are about; what is returned does them. */
  async function prepare(
    tx: Transaction,
    writes: readonly Write[],
    isLastTry: boolean,
    checks: SchemaChecks,
    maxBytes = Number.POSITIVE_INFINITY,
  ) {
    const lost = await lostFences(locks, tx, writes)
    const batch = await WriteBatch.open(tx, writes, isLastTry)
    return async () => {
      const outcomes: (DocumentState | Error)[] = []
      const turns = new Turns()
      let bytes = 0
      for (const write of writes) {
        await turns.next()
        const outcome = lost(write) ?? (await batch.decide(write, checks))
        if (!(outcome instanceof Error)) bytes += outcome.sizeBytes
        if (bytes > maxBytes)
          throw new InvalidInput(`The written documents have more than ${maxBytes} bytes in total: send fewer at once.`)
        outcomes.push(outcome)
      }
      await batch.save(tx)
      return outcomes
    }
  }

  /** Commits one write that puts data, once for all who ask so under this key. @throws {IdempotencyKeyReused} and what {@link decide} throws */
  async function putOnce(write: Write, data: unknown, keyed: KeyedRequest): Promise<DocumentState> {
    const commit = (checks: SchemaChecks, isLastTry: boolean) =>
      transact(async (tx) => {
        // First of all what every write takes first: the key's row would be one more thing to be overtaken at.
        const act = await prepare(tx, [write], isLastTry, checks)
        const { outcome } = await runOnce(tx, keyed, async () => {
          const [made] = await act()
          if (made instanceof Error) throw made
          return encodeResult(made as DocumentState)
        })
        return decodeResult(outcome, data)
      })
    return withChecks(write.accountId, (checks) => again((isLastTry) => commit(checks, isLastTry)))
  }

  /** Commits all writes or, when one is refused, none; the fence is for all of them. @throws {WritesRefused} @throws {FenceLost} */
  async function writeAll(accountId: string, writes: readonly Write[], fence?: Fence): Promise<DocumentState[]> {
    const commit = (checks: SchemaChecks, isLastTry: boolean) =>
      transact(async (tx) => {
        if (fence !== undefined) await locks.mustHoldFence(tx, accountId, fence)
        const outcomes = await writeEach(tx, writes, isLastTry, checks, requestBytes)
        const late = outcomes.find((outcome) => outcome instanceof SlowCheck)
        if (late !== undefined) throw late
        const refusals = outcomes.flatMap((outcome, index) => refusalOf(outcome, index))
        if (refusals.length > 0) throw new WritesRefused(refusals)
        return outcomes as DocumentState[]
      })
    return withChecks(accountId, (checks) => again((isLastTry) => commit(checks, isLastTry)))
  }

  const groups = () =>
    createBatcher<Write, DocumentState | Error>({
      maxSize: groupSize,
      gatherMs: maxGatherMs,
      run: (writes) => writeGroup(writes).catch((error: unknown) => writeApart(writes, error)),
    })
  const inGroup = groups()
  /** Of those that demand a fence: nobody else waits for locks that are about to change hands. */
  const inFencedGroup = groups()

  /** What the database refuses in one write must not keep the others of its group from being done. */
  async function writeApart(writes: readonly Write[], error: unknown): Promise<(DocumentState | Error)[]> {
    if (writes.length === 1 || !isRefusedData(error)) throw error
    const each = writes.map(async (write) => (await writeGroup([write]))[0] as DocumentState | Error)
    return (await Promise.allSettled(each)).map((one) => (one.status === 'fulfilled' ? one.value : one.reason))
  }

  /** Commits one write by itself, since its check takes longer than others should wait for. */
  async function writeAlone(write: Write): Promise<DocumentState | Error> {
    const checks = schemas.patientChecks(write.accountId)
    const outcomes = await again((isLastTry) => transact((tx) => writeEach(tx, [write], isLastTry, checks)))
    return outcomes[0] as DocumentState | Error
  }

  /** Commits one write, together with whichever others arrive at the same time. @throws what {@link decide} throws */
  async function writeOne(write: Write): Promise<DocumentState> {
    const outcome = await (write.fence === undefined ? inGroup : inFencedGroup)(write)
    const last = outcome instanceof SlowCheck ? await slow.run(write.accountId, () => writeAlone(write)) : outcome
    if (last instanceof Error) throw last
    return last
  }

  return { writeOne, writeAll, writeGroup, putOnce }
}

/** Lets everything else have its turn while many writes are decided. */
class Turns {
  #endsAt = performance.now() + turnMs

  async next(): Promise<void> {
    if (performance.now() < this.#endsAt) return
    await nextTurn()
    this.#endsAt = performance.now() + turnMs
  }
}

function refusalOf(outcome: DocumentState | Error, index: number) {
  if (!(outcome instanceof Error)) return []
  if (outcome instanceof AppError) return [{ index, failure: outcome }]
  throw outcome
}

async function again<Result>(work: (isLastTry: boolean) => Promise<Result>): Promise<Result> {
  for (let race = 1; ; race += 1) {
    try {
      return await work(race === maxRaces)
    } catch (error) {
      if (!(error instanceof RetryTransaction) || race === maxRaces) throw error
    }
  }
}
