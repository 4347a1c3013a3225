import type { Caller } from '#domain/access/service.ts'
import { decodeCursor, encodeCursor, InvalidCursor } from '#lib/cursor.ts'
import { invalidInput } from '#lib/errors.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { Transact, Transaction } from '#platform/database/transaction.ts'
import type { JournalFilter } from '#platform/journal/store.ts'
import type { Seals } from '#platform/secrets/seals.ts'
import { noHash } from './audit-entry.ts'
import { isSealGenuine, newChain, openBreak, sealChain } from './chain.ts'
import { breakFaults, endFaults, lostFault, sealFaults } from './chain-faults.ts'
import { readAuditLag } from './projection.ts'
import {
  type AuditChain,
  auditCursor,
  deleteEntries,
  findHash,
  findPrunable,
  readChains,
  readEntries,
  type SealedChain,
  saveChains,
} from './store.ts'
import { type AuditFault, type WalkState, walk } from './verification.ts'

/** Entries that one call looks at, at most: hashing them takes some hundredths of a second, in which nobody else is served. */
const stretch = 1_000
/** Faults that one call tells. */
const maxFaults = 100
/** Entries of one account that are dropped in one transaction, which hashes them before. */
const prunedAtOnce = 1_000
const cursorList = 'audit-check'

/** Where a chain ended when somebody noted it elsewhere. */
export interface NotedEnd {
  readonly seq: number
  /** In hexadecimal digits. */
  readonly hash: string
}

/** What was found in a stretch of a chain. */
export interface AuditVerification {
  /** Entries that were looked at. */
  readonly checked: number
  /** At most a hundred. */
  readonly faults: readonly AuditFault[]
  /** Those that are not told, too. */
  readonly faultCount: number
  /** Where to go on; undefined when the chain's end was reached. */
  readonly cursor: string | undefined
  /** Where the chain ends; what to note elsewhere. */
  readonly end: NotedEnd
  /** The last entry that was dropped for its age; 0 when none was. */
  readonly prunedSeq: number
}

export interface AuditServiceDeps {
  readonly sql: Sql
  readonly transact: Transact
  readonly seals: Seals
  readonly query: JournalFilter
}

/** The audit log as those see it who may. */
export type AuditService = ReturnType<typeof createAuditService>

export function createAuditService({ sql, transact, seals, query }: AuditServiceDeps) {
  /**
   * Checks a stretch of the account's chain against its hashes, from its beginning or on from a cursor; and at the end its
   * seal, and whether it still holds what was noted elsewhere. @throws {InvalidCursor} @throws {InvalidInput}
   */
  async function verify(caller: Caller, after?: string, noted?: NotedEnd): Promise<AuditVerification> {
    caller.must('audit:read')
    if (noted !== undefined) mustBeEnd(noted)
    const from = after === undefined ? undefined : parsePlace(after)
    return transact(async (tx) => {
      // What is appended or dropped meanwhile must not look like a fault.
      await tx.script('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY')
      return verifyStretch(tx, caller.accountId, from, noted)
    })
  }

  async function verifyStretch(
    tx: Transaction,
    accountId: string,
    from: WalkState | undefined,
    noted: NotedEnd | undefined,
  ): Promise<AuditVerification> {
    const [chain] = await readChains(tx, [accountId])
    const begin = from ?? { seq: chain?.prunedSeq ?? 0, hash: chain?.prunedHash ?? noHash, shift: 0 }
    // What stands in front of the anchor was put there: it is met first.
    const read = await readEntries(tx, accountId, from === undefined ? 0 : begin.seq, stretch)
    const early = read.filter(({ seq }) => seq <= begin.seq)
    const rest = read.filter(({ seq }) => seq > begin.seq && seq <= (chain?.seq ?? 0))
    const late = read.filter(({ seq }) => seq > begin.seq && seq > (chain?.seq ?? 0))
    const { state, faults } = walk(begin, rest)
    const found = [...[...early, ...late].map(({ seq }) => outside(seq)), ...faults]
    const isEnd = read.length < stretch || late.length > 0
    if (isEnd && chain === undefined) found.push(lostFault(noted))
    else if (isEnd && chain !== undefined)
      found.push(
        ...breakFaults(chain),
        ...endFaults(chain, state),
        ...sealFaults(seals, chain),
        ...(await notedFaults(tx, accountId, chain, noted)),
      )
    return {
      checked: read.length,
      faults: found.sort((a, b) => a.seq - b.seq).slice(0, maxFaults),
      faultCount: found.length,
      cursor: isEnd ? undefined : place(state),
      end: { seq: chain?.seq ?? 0, hash: chain?.hash ?? noHash },
      prunedSeq: chain?.prunedSeq ?? 0,
    }
  }

  /**
   * Brings chains to hold nothing that is older than this; each stays verifiable from its first entry that is kept. A
   * chain whose old entries or seal somebody has tampered with is left as it is, to be seen.
   */
  async function prune(days: number): Promise<number> {
    let dropped = 0
    for (;;) {
      const count = await transact.quiet('retention')((tx) => pruneOnce(tx, days))
      if (count === 0) return dropped
      dropped += count
    }
  }

  async function pruneOnce(tx: Transaction, days: number): Promise<number> {
    await auditCursor.lock(tx)
    const prunable = await findPrunable(tx, days, prunedAtOnce)
    const chains = await readChains(
      tx,
      prunable.map(({ accountId }) => accountId),
    )
    let count = 0
    for (const { accountId, seq } of prunable) {
      const chain = chains.find((one) => one.accountId === accountId)
      const hash = chain && (await genuineHash(tx, chain, seq))
      if (chain === undefined || hash === undefined) continue
      const { broken: _, ...pruned } = { ...chain, prunedSeq: seq, prunedHash: hash }
      const broken = openBreak({ ...chain, prunedSeq: seq })
      await saveChains(tx, [sealChain(seals, { ...pruned, ...(broken && { broken }) })])
      await deleteEntries(tx, accountId, seq)
      count += seq - chain.prunedSeq
    }
    return count
  }

  /** The hash of an entry, if the chain and all its entries up to there are what was written: their age, too. */
  async function genuineHash(tx: Transaction, chain: SealedChain, seq: number): Promise<string | undefined> {
    if (isSealGenuine(seals, chain) !== true) return undefined
    const entries = await readEntries(tx, chain.accountId, chain.prunedSeq, seq - chain.prunedSeq)
    const { state, faults } = walk({ seq: chain.prunedSeq, hash: chain.prunedHash, shift: 0 }, entries)
    return faults.length === 0 && state.seq === seq ? state.hash : undefined
  }

  return {
    verify,
    prune,
    /** Begins an account's log; in the transaction that makes the account, so that a log without a beginning is a fault. */
    begin: (tx: Transaction, accountId: string) => saveChains(tx, [sealChain(seals, newChain(accountId))]),
    /** How far the log is behind the journal. */
    lag: () => readAuditLag(sql, query),
    /** Up to where the journal is in the log. */
    position: () => auditCursor.read(sql),
  }
}

/** @throws {InvalidInput} when a chain can't end so. */
function mustBeEnd({ seq, hash }: NotedEnd): void {
  const path = !Number.isSafeInteger(seq) || seq < 0 ? 'seq' : !/^[0-9a-f]{64}$/.test(hash) ? 'hash' : undefined
  if (path === undefined) return
  const message = path === 'seq' ? 'must be a whole number' : 'must have 64 hexadecimal digits'
  throw invalidInput('The log position', [{ path: `noted.${path}`, message }])
}

function outside(seq: number): AuditFault {
  return { kind: 'INSERTED', seq, message: `Entry ${seq} stands outside of its chain: it was inserted.` }
}

async function notedFaults(
  tx: Transaction,
  accountId: string,
  chain: AuditChain,
  noted: NotedEnd | undefined,
): Promise<AuditFault[]> {
  if (noted === undefined || noted.seq < chain.prunedSeq) return []
  const { seq } = noted
  const hash = seq === chain.prunedSeq ? chain.prunedHash : await findHash(tx, accountId, seq)
  if (hash === noted.hash) return []
  return hash === undefined
    ? [{ kind: 'REMOVED', seq, message: `Entry ${seq}, which was noted elsewhere, is missing.` }]
    : [{ kind: 'CHANGED', seq, message: `Entry ${seq} is not the one that was noted elsewhere.` }]
}

function place({ seq, hash, shift }: WalkState): string {
  return encodeCursor(cursorList, [String(seq), hash, String(shift)])
}

/** @throws {InvalidCursor} */
function parsePlace(cursor: string): WalkState {
  const [seq = '', hash = '', shift = ''] = decodeCursor(cursorList, cursor, 3)
  if (!/^\d{1,15}$/.test(seq) || !/^[0-9a-f]{64}$/.test(hash) || !/^-?\d{1,9}$/.test(shift)) throw new InvalidCursor()
  return { seq: Number(seq), hash, shift: Number(shift) }
}
