import { AppError } from '#lib/errors.ts'
import { type Scope, sufficientScopes } from './scope.ts'

/** Why a token is not valid. Only its bearer can learn it: a secret that nobody has is unknown. */
export type TokenFault =
  | 'unknown'
  | 'expired'
  | 'revoked'
  | 'rotated'
  | 'session-ended'
  | 'account-suspended'
  | 'ended-meanwhile'

const tokenFaults: Readonly<Record<TokenFault, string>> = {
  unknown: 'This token is not known here. ',
  expired: 'This token has expired. ',
  revoked: 'This token was revoked. ',
  rotated: 'This token was rotated: use the one that replaced it. ',
  'session-ended': 'The session of this token has ended. ',
  'account-suspended': 'The account of this token is suspended. ',
  'ended-meanwhile': 'The token ended while the request was under way. ',
}

/** The request has no token, or one that is not valid (any more). */
export class Unauthenticated extends AppError {
  readonly code = 'UNAUTHENTICATED'
  readonly fault: TokenFault | undefined
  /** @param fault Undefined: the request has no token, or the reason is not disclosed. */
  constructor(fault?: TokenFault) {
    super(
      `${fault === undefined ? '' : tokenFaults[fault]}A valid token is needed: send it as "Authorization: Bearer <token>".`,
    )
    this.fault = fault
  }
}

/** The caller is authenticated, but may not do this; says which scopes would have been sufficient. */
export class Forbidden extends AppError {
  readonly code = 'FORBIDDEN'
  /** Any of these would have been sufficient, where it includes the resource. */
  readonly sufficientScopes: readonly Scope[]
  constructor(scope: Scope, resource?: string) {
    const scopes = sufficientScopes(scope)
    super(`This needs the scope ${scopes.join(' or ')}${resource === undefined ? '' : ` for "${resource}"`}.`)
    this.sufficientScopes = scopes
  }
}

export class ApplicationTokenNotFound extends AppError {
  readonly code = 'NOT_FOUND'
  constructor(id: string) {
    super(`There is no application token ${id}.`)
  }
}

/** The token was revoked, has expired, or was replaced by its successor, and stays so. */
export class ApplicationTokenEnded extends AppError {
  readonly code = 'TOKEN_ENDED'
  readonly status: 'REVOKED' | 'EXPIRED' | 'ROTATED'
  constructor(id: string, status: 'REVOKED' | 'EXPIRED' | 'ROTATED') {
    const advice = status === 'ROTATED' ? 'rotate its successor' : 'create a new one'
    super(`The application token ${id} is no longer valid (${status}); ${advice}.`)
    this.status = status
  }
}

/** A person has as many valid personal tokens as one may have. */
export class TooManyPersonalTokens extends AppError {
  readonly code = 'QUOTA_EXCEEDED'
  readonly limit: number
  constructor(limit: number) {
    super(`You have the maximum of ${limit} valid personal tokens: revoke one that you no longer need.`)
    this.limit = limit
  }
}

/** A caller can't grant, change or take away rights that they don't hold. */
export class ScopeNotHeld extends AppError {
  readonly code = 'SCOPE_NOT_HELD'
  readonly scopes: readonly string[]
  constructor(scopes: readonly string[]) {
    super(`You must hold every scope that this grants, changes or revokes; you lack: ${scopes.join(', ')}.`)
    this.scopes = scopes
  }
}

/** An earlier request with the same idempotency key created the token and showed it. */
export class TokenShown extends AppError {
  readonly code = 'TOKEN_SHOWN'
  readonly id: string
  constructor(id: string) {
    super(
      `An earlier request with this key created the application token ${id} and returned it. If it was lost, rotate the token.`,
    )
    this.id = id
  }
}
