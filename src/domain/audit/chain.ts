import type { JournalRecord } from '#platform/journal/entry.ts'
import type { Seals } from '#platform/secrets/seals.ts'
import { type AuditEntry, auditEntry, canonicalText, noHash } from './audit-entry.ts'
import type { AuditChain, SealedChain } from './store.ts'

/** The entries that follow for these records, each behind its account's last one, and where the chains end with them. */
export function extendChains(
  chains: readonly AuditChain[],
  records: readonly JournalRecord[],
): { entries: AuditEntry[]; chains: AuditChain[] } {
  const ends = new Map(chains.map((chain) => [chain.accountId, chain]))
  const entries = records.map((record) => {
    const chain = ends.get(record.accountId) ?? begun(record.accountId)
    const entry = auditEntry(record, chain.seq + 1, chain.hash)
    ends.set(record.accountId, { ...chain, seq: entry.seq, hash: entry.hash })
    return entry
  })
  return { entries, chains: [...ends.values()] }
}

function begun(accountId: string): AuditChain {
  return { accountId, seq: 0, hash: noHash, prunedSeq: 0, prunedHash: noHash }
}

/** The chain with a seal that only this installation can make. */
export function sealChain(seals: Seals, chain: AuditChain): SealedChain {
  return { ...chain, ...seals.seal(sealedText(chain)) }
}

/** Whether this installation has made the chain's seal; undefined when its key is not here. */
export function isSealGenuine(seals: Seals, chain: SealedChain): boolean | undefined {
  return seals.isGenuine(sealedText(chain), chain)
}

function sealedText({ accountId, seq, hash, prunedSeq, prunedHash }: AuditChain): string {
  return canonicalText({ accountId, seq, hash, prunedSeq, prunedHash })
}
