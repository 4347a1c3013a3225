import type { Sql } from '#platform/database/sql.ts'
import type { Transact, Transaction } from '#platform/database/transaction.ts'
import type { JournalRecord } from '#platform/journal/entry.ts'
import { type JournalFilter, readRecords, readWaitingRecords } from '#platform/journal/store.ts'
import type { JournalTail } from '#platform/journal/tail.ts'
import type { Seals } from '#platform/secrets/seals.ts'
import type { Logger } from '#platform/telemetry/log.ts'
import { JournalProjection, type ProjectionBatch } from '#platform/work/journal-projection.ts'
import { continued, extendChains, sealChain } from './chain.ts'
import { type AuditChain, auditCursor, insertEntries, readChains, saveChains } from './store.ts'

/** Entries that are appended in one transaction: it is over within some hundredths of a second. */
const batchSize = 500
/** Between looks at the journal without a hint, in milliseconds. */
const intervalMs = 1_000
/** Hints that come closer together than this are one. */
const hintDelayMs = 100
/** The cursor moves this seldom while there is nothing to append, in milliseconds. */
const idleCursorMs = 30_000
/** Waiting records that are counted, at most. */
const maxCounted = 10_000

export interface AuditProjectionDeps {
  readonly transact: Transact
  /** Knows up to where the order of the journal is final. */
  readonly tail: Pick<JournalTail, 'horizon'>
  readonly seals: Seals
  readonly log: Logger
  /** Which entries of the journal are in the log. */
  readonly query: JournalFilter
  /** Called with the number of entries of each batch that was appended. */
  readonly onAppended: (entries: number) => void
}

/**
 * The projection that copies what was done for somebody from the journal into the chains of the audit log, each entry
 * once and in the journal's order.
 */
export function createAuditProjection(deps: AuditProjectionDeps): JournalProjection {
  const { transact, tail, log } = deps
  return new JournalProjection({
    name: 'the audit log, a copy of the journal',
    ...{ transact, tail, cursor: auditCursor, intervalMs, hintDelayMs, idleCursorMs, log },
    begin: () => beginBatch(deps),
  })
}

function beginBatch(deps: AuditProjectionDeps): ProjectionBatch {
  let appended = 0
  return {
    async project(tx, range) {
      const records = await readRecords(tx, deps.query, range, batchSize)
      appended = records.length
      if (appended > 0) await append(tx, deps, records)
      return { last: records.at(-1), isMore: appended === batchSize }
    },
    committed() {
      if (appended > 0) deps.onAppended(appended)
    },
  }
}

async function append(tx: Transaction, deps: AuditProjectionDeps, records: readonly JournalRecord[]): Promise<void> {
  const { entries, chains } = extendChains(await continuedChains(tx, deps, records), records)
  const sealed = chains.map((chain) => sealChain(deps.seals, chain))
  // The statements go out together, and the commit with them: the shorter it writes, the less it holds others back.
  tx.beside(insertEntries(tx, entries))
  tx.beside(saveChains(tx, sealed))
}

/** The chains that these records continue; one that was tampered with is logged as an error. */
async function continuedChains(
  tx: Transaction,
  { seals, log }: AuditProjectionDeps,
  records: readonly JournalRecord[],
): Promise<AuditChain[]> {
  const at = new Date()
  const accountIds = [...new Set(records.map(({ accountId }) => accountId))]
  const chains = new Map((await readChains(tx, accountIds)).map((chain) => [chain.accountId, chain]))
  return accountIds.map((accountId) => {
    const known = chains.get(accountId)
    const chain = continued(seals, accountId, known, at)
    if (chain !== known)
      log.error({ accountId, ...chain.broken }, 'the chain of an audit log was not as this installation had left it')
    return chain
  })
}

/** What is in the journal and not in the log yet. */
export interface AuditLag {
  /** Entries that wait, at most 10,000. */
  readonly waiting: number
  /** How old the oldest of them is by the database's clock, in milliseconds; 0 when none waits. */
  readonly ageMs: number
}

/** How far the log is behind the journal, by position: a clock that was wrong hides nothing. */
export async function readAuditLag(sql: Pick<Sql, 'query'>, query: JournalFilter): Promise<AuditLag> {
  const { count, ageMs } = await readWaitingRecords(sql, query, await auditCursor.read(sql), maxCounted)
  return { waiting: count, ageMs }
}
