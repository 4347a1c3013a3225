import type { Actor, By, JournalEntry, NewEntry } from '#platform/journal/entry.ts'
import type { Caller, RequestOrigin } from './caller.ts'

/** The types of journal entries about access. */
export const authEventTypes = [
  'auth.account_created',
  'auth.account_suspended',
  'auth.account_resumed',
  'auth.account_deletion_started',
  'auth.account_deleted',
  'auth.token_created',
  'auth.token_exchanged',
  'auth.token_rotated',
  'auth.token_revoked',
  'auth.token_reused',
  'auth.token_expiring',
  'auth.token_expired',
  'auth.token_used_from_new_address',
  'auth.token_used_unusually',
  'auth.token_signed_in',
  'auth.token_signed_out',
  'auth.user_created',
  'auth.user_changed',
  'auth.user_role_changed',
  'auth.user_removed',
  'auth.user_password_set',
  'auth.user_sign_in_failed',
  'auth.signed_in',
  'auth.identity_linked',
  'auth.session_refreshed',
  'auth.session_ended',
  'auth.session_narrowed',
  'auth.refresh_token_reused',
  'auth.device_requested',
  'auth.device_approved',
  'auth.device_denied',
  'auth.team_created',
  'auth.team_changed',
  'auth.team_deleted',
  'auth.team_member_added',
  'auth.team_member_changed',
  'auth.team_member_removed',
  'auth.refused',
  'auth.refused_repeatedly',
  'auth.attempt_failed',
] as const

/** Left out of event lists unless asked for: programs cause these again and again. */
export const quietAuthEventTypes: readonly string[] = [
  'auth.refused',
  'auth.attempt_failed',
  'auth.session_refreshed',
  'auth.device_requested',
]

/** Whether the caller may see events about access. */
export function mayHearOfAccess(caller: Caller): boolean {
  return caller.can('audit:read')
}

type AuthEventType = (typeof authEventTypes)[number]
type EventOf<Thing extends string> = Extract<AuthEventType, `auth.${Thing}_${string}`>

interface Subject {
  readonly accountId: string
  readonly id: string
}

/** On entries about an account as a whole. */
export interface AccountEventData {
  readonly name: string
  readonly reason?: string
}

/** Goes to the log of `logAccountId`: the account's own, or the one that has the installation's log. */
export function accountEvent(
  type: EventOf<'account'>,
  { id, logAccountId }: { readonly id: string; readonly logAccountId: string },
  by: By,
  data: AccountEventData,
): NewEntry {
  return entry('account', type, { accountId: logAccountId, id }, by, data)
}

/** On entries about an application token. */
export interface TokenEventData {
  readonly name: string
  readonly scopes?: readonly string[]
  readonly expiresAt?: string
  readonly reason?: string
  /** Of a rotated token: its successor. */
  readonly successor?: string
  /** Of an exchanged token: the trust rule, and whose token it was exchanged for. */
  readonly rule?: string
  readonly issuer?: string
  readonly subject?: string
  readonly address?: string
  /** Of a personal token: whose it is. */
  readonly owner?: { readonly id: string; readonly email: string }
  /** Of one that is used more than is usual: in this hour, and in half of the hours of its last week at most. */
  readonly calls?: number
  readonly usualCalls?: number
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

/** Says that a person can sign in at an identity provider from now on. */
export function identityEvent(
  user: Subject,
  by: By,
  data: { readonly email: string; readonly issuer: string },
): NewEntry {
  return entry('user', 'auth.identity_linked', user, by, data)
}

/** On entries about what a person is signed in with. */
export interface SessionEventData {
  readonly email?: string
  /** How the person signed in. */
  readonly method?: string
  readonly reason?: string
  /** What it is narrowed to. */
  readonly scopes?: readonly string[]
}

export function sessionEvent(
  type: 'auth.signed_in' | 'auth.refresh_token_reused' | EventOf<'session'>,
  session: Subject & { readonly userId: string },
  by: By,
  data: SessionEventData,
): NewEntry {
  return entry('session', type, session, by, { ...data, userId: session.userId })
}

/** On entries about a device that asked to be signed in. */
export interface DeviceEventData {
  /** What it calls itself. */
  readonly client: string
  /** The network address that it asked from. */
  readonly address: string
  /** What it asked for, or was given; everything that the person may when empty. */
  readonly scopes: readonly string[]
}

export function deviceEvent(type: EventOf<'device'>, device: Subject, by: By, data: DeviceEventData): NewEntry {
  return entry('device', type, device, by, data)
}

/** On entries about a team. */
export interface TeamEventData {
  readonly name: string
  readonly member?: PersonEventData & { readonly id: string }
}

export function teamEvent(type: EventOf<'team'>, team: Subject, by: By, data: TeamEventData): NewEntry {
  return entry('team', type, team, by, data)
}

/** On entries about a caller who was refused something. */
export interface RefusalEventData {
  /** Any of these would have been enough. */
  readonly sufficientScopes?: readonly string[]
  /** For what, where the scope can be narrowed. */
  readonly resource?: string
  /** How many more refusals of the same caller in a minute have no entry of their own. */
  readonly suppressed?: number
  /** In five minutes. */
  readonly count?: number
}

export function refusalEvent(
  type: 'auth.refused' | 'auth.refused_repeatedly',
  { accountId, kind, id }: { accountId: string; kind: string; id: string },
  by: By,
  data: RefusalEventData,
): NewEntry {
  return entry(kind, type, { accountId, id }, by, data)
}

/** On entries about somebody who did not prove who they are. */
export interface AttemptEventData {
  /** With what: `token`, `password`, `refresh`, `oidc`, `exchange`; `none` when nothing was shown. */
  readonly method: string
  /** The code of the refusal. */
  readonly reason: string
  readonly suppressed?: number
  /** The application token that is not valid any more. */
  readonly token?: {
    readonly id: string
    readonly name: string
    /** Why it is not valid: a rotated token that is still used has not reached everyone who needs its successor, or has leaked. */
    readonly ended?: 'ROTATED' | 'REVOKED' | 'EXPIRED'
    /** The token that replaced a rotated one. */
    readonly successor?: string
  }
}

export function attemptEvent(accountId: string, request: RequestOrigin, data: AttemptEventData): NewEntry {
  return entry('address', 'auth.attempt_failed', { accountId, id: request.address }, byStranger(request), data)
}

/** A caller who has shown no credential, and is an actor only in name. */
export function byStranger(request: RequestOrigin): By {
  const actor: Actor = { kind: 'system', id: 'anonymous', name: 'anonymous' }
  return { actor, origin: { operation: undefined, ...request, credential: undefined, scopes: [] } }
}

/** A trust rule that has let in a caller who was nobody's until then. */
export function byTrustRule(name: string, request: RequestOrigin): By {
  return { ...byStranger(request), actor: { kind: 'system', id: `trust:${name}`, name: `trust rule ${name}` } }
}

function entry(kind: string, type: AuthEventType, of: Subject, { actor, origin }: By, data: object): NewEntry {
  return { accountId: of.accountId, type, subject: `${kind}:${of.id}`, actor, origin, data: { ...data } }
}

/** The end of rights of a credential, a person or an account: of which id, when, and by which transaction. */
export interface Loss {
  readonly id: string
  /** When the credential expires, as it says; undefined: as soon as this is known. */
  readonly endsAt: Date | undefined
  /** How much longer it may go on after that, in milliseconds. */
  readonly graceMs: number
  readonly xid: bigint
  /** Whether a person keeps their personal tokens. */
  readonly sessionsOnly: boolean
}

/** Grace for callers who ended their own rights, in milliseconds: the request that did so has to be answered. */
const ownAnswerMs = 1_000

/** The rights that an entry of the journal ends; undefined when it ends none. */
export function lossBy({ type, subject, xid, actor, data }: JournalEntry): Loss | undefined {
  if (!takesAway.has(type)) return undefined
  const id = subject.slice(subject.indexOf(':') + 1)
  const { expiresAt, userId } = data as { readonly expiresAt?: string; readonly userId?: string }
  // The time of the entry is the database's, whose clock may be another: what ends at once ends when this is read.
  const endsAt = type === 'auth.token_rotated' && expiresAt !== undefined ? new Date(expiresAt) : undefined
  const isOwn = actor.id === id || actor.id === userId
  return { id, xid, endsAt, graceMs: isOwn ? ownAnswerMs : 0, sessionsOnly: type === 'auth.user_password_set' }
}

/** Types that take rights away. After a new role, a client has to connect again, since it may have fewer rights. */
const takesAway: ReadonlySet<string> = new Set<AuthEventType>([
  'auth.account_suspended',
  'auth.token_revoked',
  'auth.token_rotated',
  'auth.session_ended',
  'auth.session_narrowed',
  'auth.user_removed',
  'auth.user_role_changed',
  'auth.user_password_set',
])
