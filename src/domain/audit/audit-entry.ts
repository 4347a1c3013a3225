import { hash } from 'node:crypto'
import canonicalize from 'canonicalize'
import type { Actor, JournalRecord } from '#platform/journal/entry.ts'
import { factsOf } from './audited-facts.ts'

/** How it went: FAILED, what was shown did not prove who somebody is; REFUSED, they are known, and may not do it, or a hook refused their call. */
export const auditOutcomes = ['SUCCEEDED', 'FAILED', 'REFUSED'] as const
export type AuditOutcome = (typeof auditOutcomes)[number]

/** One thing that somebody did, or was kept from doing: all that its hash covers. */
export interface AuditFacts {
  readonly accountId: string
  /** From 1, without gaps. */
  readonly seq: number
  readonly at: Date
  readonly type: string
  readonly outcome: AuditOutcome
  readonly actor: Actor
  readonly subject: string
  readonly credential: { readonly kind: string; readonly id: string } | null
  readonly address: string | null
  readonly userAgent: string | null
  readonly requestId: string | null
  readonly operation: { readonly name: string | null; readonly hash: string } | null
  /** Those that it took, and were held. */
  readonly scopes: readonly string[]
  readonly data: Readonly<Record<string, unknown>>
  /** Of the entry before, in hexadecimal digits. */
  readonly previousHash: string
}

export interface AuditEntry extends AuditFacts {
  /** In hexadecimal digits. */
  readonly hash: string
}

/** What stands in the place of a hash before the first entry. */
export const noHash = '0'.repeat(64)

/** SHA-256 of the facts as canonical JSON (RFC 8785), in hexadecimal digits: what an export can be checked by elsewhere. */
export function hashOf(facts: AuditFacts): string {
  return hash('sha256', canonicalText({ ...facts, at: facts.at.toISOString() }))
}

export function canonicalText(value: Readonly<Record<string, unknown>>): string {
  return canonicalize(value) as string
}

const failed: ReadonlySet<string> = new Set([
  'auth.attempt_failed',
  'auth.user_sign_in_failed',
  'auth.refresh_token_reused',
])
const refused: ReadonlySet<string> = new Set(['auth.refused', 'auth.refused_repeatedly', 'hook.refused'])

function outcomeOf(type: string): AuditOutcome {
  if (refused.has(type)) return 'REFUSED'
  return failed.has(type) ? 'FAILED' : 'SUCCEEDED'
}

/** The entry that follows for a record of the journal. */
export function auditEntry(record: JournalRecord, seq: number, previousHash: string): AuditEntry {
  const { accountId, at, type, subject, actor, origin, data } = record
  const facts: AuditFacts = {
    accountId,
    seq,
    at,
    type,
    outcome: outcomeOf(type),
    actor: { kind: actor.kind, id: actor.id, name: actor.name },
    subject,
    credential: origin?.credential ?? null,
    address: origin?.address ?? null,
    userAgent: origin?.userAgent ?? null,
    requestId: origin?.requestId ?? null,
    operation: origin?.operation ? { name: origin.operation.name ?? null, hash: origin.operation.hash } : null,
    scopes: origin?.scopes ?? [],
    data: factsOf(type, data),
    previousHash,
  }
  return { ...facts, hash: hashOf(facts) }
}
