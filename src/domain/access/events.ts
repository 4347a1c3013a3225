import type { By, NewEntry } from '#platform/journal/entry.ts'

/** What the journal says of access. */
export const authEventTypes = [
  'auth.token_created',
  'auth.token_rotated',
  'auth.token_revoked',
  'auth.token_expired',
  'auth.token_used_from_new_address',
  'auth.user_created',
  'auth.user_changed',
  'auth.user_role_changed',
  'auth.user_removed',
  'auth.team_created',
  'auth.team_changed',
  'auth.team_deleted',
  'auth.team_member_added',
  'auth.team_member_changed',
  'auth.team_member_removed',
] as const
type AuthEventType = (typeof authEventTypes)[number]
type EventOf<Thing extends string> = Extract<AuthEventType, `auth.${Thing}_${string}`>

interface Subject {
  readonly accountId: string
  readonly id: string
}

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

export function tokenEvent(type: EventOf<'token'>, token: Subject, by: By, data: TokenEventData): NewEntry {
  return entry('token', type, token, by, data)
}

/** On entries about a person. */
export interface PersonEventData {
  readonly email: string
  readonly role: string
}

export function personEvent(type: EventOf<'user'>, user: Subject, by: By, data: PersonEventData): NewEntry {
  return entry('user', type, user, by, data)
}

/** On entries about a team. */
export interface TeamEventData {
  readonly name: string
  readonly member?: PersonEventData & { readonly id: string }
}

export function teamEvent(type: EventOf<'team'>, team: Subject, by: By, data: TeamEventData): NewEntry {
  return entry('team', type, team, by, data)
}

function entry(kind: string, type: AuthEventType, of: Subject, { actor, origin }: By, data: object): NewEntry {
  return { accountId: of.accountId, type, subject: `${kind}:${of.id}`, actor, origin, data: { ...data } }
}

/** The id of the token or user that an entry is about; undefined for entries about other things. */
export function subjectId(kind: 'token' | 'user', subject: string): string | undefined {
  return subject.startsWith(`${kind}:`) ? subject.slice(kind.length + 1) : undefined
}
