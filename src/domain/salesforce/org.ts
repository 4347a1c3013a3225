import type { Actor } from '#platform/journal/entry.ts'

/** What sort of org it is. */
export type OrgKind = 'PRODUCTION' | 'SANDBOX' | 'SCRATCH' | 'DEVELOPER'

/**
 * ACTIVE can be used. NEEDS_REAUTHORIZATION: the authorization has ended, and the org must be registered again. BLOCKED: the
 * app or the network address is not allowed. LOCKED: the org is locked, suspended or deleted. MAINTENANCE: Salesforce can't
 * be reached for now. All but NEEDS_REAUTHORIZATION end by themselves.
 */
export type OrgState = 'ACTIVE' | 'NEEDS_REAUTHORIZATION' | 'BLOCKED' | 'LOCKED' | 'MAINTENANCE'

/** How access tokens are requested, in the order in which the methods are recommended. */
export type AuthMethod = 'JWT_BEARER' | 'WEB' | 'CLIENT_CREDENTIALS' | 'AUTH_URL'

/** Identifies an org. */
export interface OrgKey {
  readonly accountId: string
  readonly id: string
}

/** What Salesforce says of an org and of the user that an access token belongs to. */
export interface OrgFacts {
  /** In lower case. */
  readonly username: string
  /** 18 characters. */
  readonly orgId: string
  readonly name: string
  readonly instanceName: string
  readonly kind: OrgKind
  /** Such as "Enterprise Edition". */
  readonly edition: string
  readonly isDevHub: boolean
  /** When Salesforce deletes the org; undefined: it stays. */
  readonly expiresAt: Date | undefined
  readonly newestApiVersion: string
}

/** A registered org. */
export interface OrgRow extends OrgKey, Omit<OrgFacts, 'expiresAt'> {
  readonly expiresAt: Date | null
  readonly instanceUrl: string
  readonly loginUrl: string
  readonly isDefault: boolean
  readonly parentUsername: string | null
  readonly metadata: Readonly<Record<string, unknown>>
  readonly method: AuthMethod
  /** Encrypted. */
  readonly credential: string
  readonly credentialVersion: number
  /** Encrypted. */
  readonly accessToken: string | null
  readonly accessVersion: number
  /** SHA-256 of the refresh token that is in use at the token endpoint. */
  readonly refreshing: Uint8Array | null
  /** Whether a process is requesting tokens now, as far as is known. */
  readonly isRefreshing: boolean
  readonly state: OrgState
  readonly stateMessage: string | null
  readonly createdBy: Actor
}

/** Whether an org's access tokens come from a refresh token, which ends for good. */
export function hasRefreshToken({ method }: Pick<OrgRow, 'method'>): boolean {
  return method === 'WEB' || method === 'AUTH_URL'
}
