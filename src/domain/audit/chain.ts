import type { JournalRecord } from '#platform/journal/entry.ts'
import type { Seals } from '#platform/secrets/seals.ts'
import { type AuditEntry, auditEntry, canonicalText, noHash } from './audit-entry.ts'
import type { AuditChain, ChainBreak, SealedChain } from './store.ts'

/** The entries that follow for these records, each behind its account's last one, and where the chains end with them. */
export function extendChains(
  chains: readonly AuditChain[],
  records: readonly JournalRecord[],
): { entries: AuditEntry[]; chains: AuditChain[] } {
  const ends = new Map(chains.map((chain) => [chain.accountId, chain]))
  const entries = records.map((record) => {
    const chain = ends.get(record.accountId) ?? newChain(record.accountId)
    const entry = auditEntry(record, chain.seq + 1, chain.hash)
    ends.set(record.accountId, { ...chain, seq: entry.seq, hash: entry.hash })
    return entry
  })
  return { entries, chains: [...ends.values()] }
}

/** The chain that an account begins with: it has no entry yet, and a place where the first one belongs. */
export function newChain(accountId: string): AuditChain {
  return { accountId, seq: 0, hash: noHash, prunedSeq: 0, prunedHash: noHash }
}

/**
 * A chain as it may be continued. One that is missing, or that this installation has not sealed, is continued with a
 * break: a new seal must not vouch for what somebody else has left there.
 */
export function continued(seals: Seals, accountId: string, chain: SealedChain | undefined, at: Date): AuditChain {
  if (chain === undefined) return { ...newChain(accountId), broken: { seq: 0, at, by: 'MISSING' } }
  const isGenuine = isSealGenuine(seals, chain)
  if (isGenuine === true) return chain
  return { ...chain, broken: { seq: chain.seq, at, by: isGenuine === undefined ? 'KEY' : 'FORGED' } }
}

/** The break of a chain as long as it matters: once all that is not vouched for was dropped for its age, it doesn't. */
export function openBreak({ broken, prunedSeq }: AuditChain): ChainBreak | undefined {
  return broken !== undefined && prunedSeq <= broken.seq ? broken : undefined
}

/** The chain with a seal that only this installation can make. */
export function sealChain(seals: Seals, chain: AuditChain): SealedChain {
  return { ...chain, ...seals.seal(sealedText(chain)) }
}

/** Whether this installation has made the chain's seal; undefined when its key is not here. */
export function isSealGenuine(seals: Seals, chain: SealedChain): boolean | undefined {
  return seals.isGenuine(sealedText(chain), chain)
}

/** Without a break the text is what it was before there were any, so that older seals stay good. */
function sealedText({ accountId, seq, hash, prunedSeq, prunedHash, broken }: AuditChain): string {
  const facts = { accountId, seq, hash, prunedSeq, prunedHash }
  return canonicalText(broken === undefined ? facts : { ...facts, broken: { ...broken, at: broken.at.toISOString() } })
}
