import type { Sql } from '#platform/database/sql.ts'
import type { Seals } from '#platform/secrets/seals.ts'
import { isSealGenuine, openBreak } from './chain.ts'
import { type AuditChain, type ChainBreak, readChainEnds, type SealedChain } from './store.ts'
import type { AuditFault, WalkState } from './verification.ts'

/** The fault of an account without a chain, which it has from its beginning on. */
export function lostFault(noted?: { readonly seq: number }): AuditFault {
  const known = noted === undefined ? '' : `, with entry ${noted.seq}, which was noted elsewhere`
  return { kind: 'REMOVED', seq: noted?.seq ?? 1, message: `The log has no chain: it was removed${known}.` }
}

/** What a chain says itself that it does not vouch for. */
export function breakFaults(chain: AuditChain): AuditFault[] {
  const broken = openBreak(chain)
  if (broken === undefined) return []
  const kind = broken.by === 'MISSING' ? 'REMOVED' : 'SEAL'
  return [{ kind, seq: Math.max(1, broken.seq), message: breakMessages[broken.by](broken) }]
}

const breakMessages: Record<ChainBreak['by'], (broken: ChainBreak) => string> = {
  MISSING: ({ at }) =>
    `The chain was missing when it was continued at ${at.toISOString()}: what was before entry 1 was removed.`,
  FORGED: ({ seq, at }) =>
    `The chain had not been sealed by this installation when it was continued behind entry ${seq} at ` +
    `${at.toISOString()}: entries up to there may have been removed or rewritten.`,
  KEY: ({ seq, at }) =>
    `The chain had been sealed with a key that was not here when it was continued behind entry ${seq} at ` +
    `${at.toISOString()}: entries up to there may not be what was written.`,
}

/** What is wrong where a chain that was walked to here ends. */
export function endFaults(chain: AuditChain, { seq, hash, shift }: WalkState): AuditFault[] {
  if (seq < chain.seq) {
    const which = seq + 1 === chain.seq ? `Entry ${chain.seq} is` : `Entries ${seq + 1} to ${chain.seq} are`
    return [{ kind: 'REMOVED', seq: seq + 1, message: `${which} missing at the end.` }]
  }
  if (hash === chain.hash || shift !== 0) return []
  return [{ kind: 'CHANGED', seq, message: `The last entry, ${seq}, is not the one that the chain ends with.` }]
}

/** What is wrong with a chain's seal. */
export function sealFaults(seals: Seals, chain: SealedChain): AuditFault[] {
  const isGenuine = isSealGenuine(seals, chain)
  if (isGenuine === true) return []
  const message =
    isGenuine === undefined
      ? `The end of the chain is sealed with the key ${chain.keyId}, which is not here: set SECRET_KEY or SECRET_KEY_PREVIOUS to it; a server without SECRET_KEY keeps its key in the file secret-key of DATA_DIR.`
      : 'The end of the chain was not sealed by this installation: it was rewritten, as a whole or from some entry on.'
  return [{ kind: 'SEAL', seq: chain.seq, message }]
}

/** An account whose log is not what was written. */
export interface FaultyLog {
  readonly account: string
  readonly fault: AuditFault
}

/**
 * Looks at each account's chain, its seal, and the entries at its two ends; what is between them only a verification
 * looks at. @returns the first fault of each log that has one.
 */
export async function findFaultyLogs(sql: Pick<Sql, 'query'>, seals: Seals): Promise<FaultyLog[]> {
  return (await readChainEnds(sql)).flatMap(({ account, chain, first, last }) => {
    const [fault] = chain === undefined ? [lostFault()] : faultsOf(seals, chain, first, last)
    return fault === undefined ? [] : [{ account, fault }]
  })
}

function faultsOf(seals: Seals, chain: SealedChain, first: string | undefined, last: string | undefined): AuditFault[] {
  const faults = [...breakFaults(chain), ...sealFaults(seals, chain)]
  if (chain.seq === chain.prunedSeq) return faults
  const start = chain.prunedSeq + 1
  if (first !== chain.prunedHash)
    faults.push({ kind: 'REMOVED', seq: start, message: `Entry ${start}, with which the log begins, is missing.` })
  return [
    ...faults,
    ...endFaults(chain, { seq: last === undefined ? chain.seq - 1 : chain.seq, hash: last ?? '', shift: 0 }),
  ]
}
