import type { By, NewEntry } from '#platform/journal/entry.ts'

/** What the journal says of access. */
export type AuthEventType =
  | 'auth.token_created'
  | 'auth.token_rotated'
  | 'auth.token_revoked'
  | 'auth.token_expired'
  | 'auth.token_used_from_new_address'

/** On entries about an application token. */
export interface TokenEventData {
  readonly name: string
  readonly scopes?: readonly string[]
  readonly expiresAt?: string
  readonly reason?: string
  /** Of a rotated token: the one that stands in its place. */
  readonly successor?: string
  readonly address?: string
}

const subjectPrefix = 'token:'

/** The application token that an entry is about; undefined for entries about other things. */
export function tokenIdOf(subject: string): string | undefined {
  return subject.startsWith(subjectPrefix) ? subject.slice(subjectPrefix.length) : undefined
}

export function tokenEvent(
  type: AuthEventType,
  token: { accountId: string; id: string },
  { actor, origin }: By,
  data: TokenEventData,
): NewEntry {
  return { accountId: token.accountId, type, subject: `${subjectPrefix}${token.id}`, actor, origin, data: { ...data } }
}
