import type { By, JournalEntry, NewEntry } from '#platform/journal/entry.ts'

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
  'auth.user_password_set',
  'auth.user_sign_in_failed',
  'auth.signed_in',
  'auth.session_ended',
  'auth.refresh_token_reused',
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

/** On entries about what a person is signed in with. */
export interface SessionEventData {
  readonly email?: string
  /** How the person signed in. */
  readonly method?: string
  readonly reason?: string
}

export function sessionEvent(
  type: 'auth.signed_in' | 'auth.session_ended' | 'auth.refresh_token_reused',
  session: Subject & { readonly userId: string },
  by: By,
  data: SessionEventData,
): NewEntry {
  return entry('session', type, session, by, { ...data, userId: session.userId })
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

/** What an entry takes away: from whose credential or person of this id, and from when on. */
export interface Loss {
  readonly id: string
  readonly from: Date
}

/** How much longer than others may go on what is under way with a right that somebody took from themselves: the request that did so has to be answered. */
const ownAnswerMs = 1_000

/** What an entry of the journal takes away; undefined for one that takes away nothing. */
export function lossBy({ type, subject, at, actor, data }: JournalEntry): Loss | undefined {
  if (!takesAway.has(type)) return undefined
  const id = subject.slice(subject.indexOf(':') + 1)
  const { expiresAt, userId } = data as { readonly expiresAt?: string; readonly userId?: string }
  const from = type === 'auth.token_rotated' && expiresAt !== undefined ? new Date(expiresAt) : at
  const isOwn = actor.id === id || actor.id === userId
  return { id, from: isOwn ? new Date(from.getTime() + ownAnswerMs) : from }
}

/** With a new role, a connection has to be made anew: what it was allowed before may be allowed no longer. */
const takesAway: ReadonlySet<string> = new Set<AuthEventType>([
  'auth.token_revoked',
  'auth.token_rotated',
  'auth.session_ended',
  'auth.user_removed',
  'auth.user_role_changed',
  'auth.user_password_set',
])
