import { AppError } from '#lib/errors.ts'
import { type Scope, sufficientScopes } from './scope.ts'

/** Why a token is not valid. Only its bearer can learn it: a secret that nobody has is unknown. */
export type TokenFault = 'unknown' | 'expired' | 'revoked' | 'session-ended' | 'account-suspended' | 'ended-meanwhile'

const tokenFaults: Readonly<Record<TokenFault, string>> = {
  unknown: 'This token is not known here. ',
  expired: 'This token has expired. ',
  revoked: 'This token was revoked. ',
  'session-ended': 'The session of this token has ended. ',
  'account-suspended': 'The account of this token is suspended. ',
  'ended-meanwhile': 'The token ended while the request was under way. ',
}

/** Nobody has signed in, or the token is not valid (any more). */
export class Unauthenticated extends AppError {
  readonly code = 'UNAUTHENTICATED'
  /** @param fault Undefined: no token was shown, or nothing may be said of it. */
  constructor(fault?: TokenFault) {
    super(
      `${fault === undefined ? '' : tokenFaults[fault]}A valid token is needed: send it as "Authorization: Bearer <token>".`,
    )
  }
}

/** The caller is known, but may not do this; says what would have been enough. */
export class Forbidden extends AppError {
  readonly code = 'FORBIDDEN'
  /** Any of these would have been enough, where it reaches the resource. */
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
    super(`The application token ${id} has ended (${status}) and can't be used again; ${advice}.`)
    this.status = status
  }
}

/** A person has as many valid personal tokens as one may have. */
export class TooManyPersonalTokens extends AppError {
  readonly code = 'QUOTA_EXCEEDED'
  readonly limit: number
  constructor(limit: number) {
    super(`A person may have ${limit} valid personal tokens, and you have as many: revoke one that is not needed.`)
    this.limit = limit
  }
}

/** Nobody grants, changes or takes away rights that they don't hold themselves. */
export class ScopeNotHeld extends AppError {
  readonly code = 'SCOPE_NOT_HELD'
  readonly scopes: readonly string[]
  constructor(scopes: readonly string[]) {
    super(`You need to hold every scope that this grants, changes or takes away; you lack: ${scopes.join(', ')}.`)
    this.scopes = scopes
  }
}

/** The token was made by an earlier request with the same idempotency key, and shown then. */
export class TokenShown extends AppError {
  readonly code = 'TOKEN_SHOWN'
  readonly id: string
  constructor(id: string) {
    super(
      `The application token ${id} was made by an earlier request with this key, and its text shown then. If that was lost, rotate it.`,
    )
    this.id = id
  }
}
