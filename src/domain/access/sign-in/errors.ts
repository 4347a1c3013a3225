import { AppError } from '#lib/errors.ts'

/** Address or password is wrong; deliberately not saying which. */
export class SignInRefused extends AppError {
  readonly code = 'UNAUTHENTICATED'
  constructor() {
    super('The e-mail address or the password is wrong.')
  }
}

/** An account that a person may mean. */
export interface AccountName {
  readonly id: string
  readonly name: string
}

/** The person belongs to several accounts, and has to say which one they mean. */
export class AccountRequired extends AppError {
  readonly code = 'ACCOUNT_REQUIRED'
  readonly accounts: readonly AccountName[]
  constructor(accounts: readonly AccountName[]) {
    const list = accounts.map(({ id, name }) => `${name} (${id})`).join(', ')
    super(`You belong to several accounts. Name one as "account", by its id or name: ${list}.`)
    this.accounts = accounts
  }
}

/** The refresh token was used before, has expired, or was never given out; deliberately not saying which. */
export class RefreshRefused extends AppError {
  readonly code = 'UNAUTHENTICATED'
  constructor() {
    super('This refresh token is no longer valid: sign in again.')
  }
}

/** The access token does not belong to a person, or is not valid (any more); deliberately without saying which. */
export class TokenRefused extends AppError {
  readonly code = 'UNAUTHENTICATED'
  constructor() {
    super('This access token is not valid (any more).')
  }
}

/** Too many have been tried from there, or for this person. */
export class TooManyAttempts extends AppError {
  readonly code = 'RATE_LIMITED'
  readonly retryAfterMs: number
  constructor(retryAfterMs: number) {
    super(`Too many attempts: try again in ${Math.ceil(retryAfterMs / 1000)} seconds.`)
    this.retryAfterMs = retryAfterMs
  }
}

export class SessionNotFound extends AppError {
  readonly code = 'NOT_FOUND'
  constructor(id: string) {
    super(`There is no session ${id}, or it has ended.`)
  }
}

/** The present password is needed to set another one. */
export class WrongPassword extends AppError {
  readonly code = 'FORBIDDEN'
  constructor() {
    super('The current password is wrong.')
  }
}

/** This installation has no identity provider. */
export class ProviderMissing extends AppError {
  readonly code = 'NOT_FOUND'
  constructor() {
    super('No identity provider is configured here: sign in with e-mail address and password.')
  }
}

/** The provider said no, or what came back from it fits nothing that was begun here. */
export class ProviderRefused extends AppError {
  readonly code = 'UNAUTHENTICATED'
  /** The provider's own code (RFC 6749 §4.1.2.1), `invalid_state`, `invalid_issuer`, `invalid_response`, or `expired`. */
  readonly reason: string
  constructor(reason: string) {
    super(`The sign-in did not succeed (${reason}). Start again.`)
    this.reason = reason
  }
}

/** The identity provider is down, slow, or not what it should be. */
export class ProviderFailed extends AppError {
  readonly code = 'UPSTREAM_FAILED'
  constructor(reason: string, options?: ErrorOptions) {
    super(`The identity provider cannot be used at the moment: ${reason}.`, options)
  }
}

/** The provider knows the person, and this installation doesn't. */
export class NotInvited extends AppError {
  readonly code = 'FORBIDDEN'
  constructor(reason: string) {
    super(`You cannot sign in here: ${reason}. Ask an owner to add you.`)
  }
}

/** Nobody has decided yet whether the device may sign in: ask again. */
export class AuthorizationPending extends AppError {
  readonly code = 'AUTHORIZATION_PENDING'
  constructor() {
    super('This device has not been approved yet: poll again.')
  }
}

/** The device asks too often: from now on it has to wait longer. */
export class SlowDown extends AppError {
  readonly code = 'SLOW_DOWN'
  /** How long to wait between two questions from now on. */
  readonly intervalMs: number
  constructor(intervalMs: number) {
    super(`Polled too often: wait ${intervalMs / 1000} seconds between requests.`)
    this.intervalMs = intervalMs
  }
}

/** A person has refused the device. */
export class DeviceDenied extends AppError {
  readonly code = 'ACCESS_DENIED'
  constructor() {
    super('The sign-in of this device was refused.')
  }
}

/** The device's code has expired, was used, or was never given out; deliberately not saying which. */
export class DeviceCodeExpired extends AppError {
  readonly code = 'EXPIRED_TOKEN'
  constructor() {
    super('This device code is no longer valid: start again.')
  }
}

/** No device shows this code, or somebody has decided already. */
export class DeviceNotFound extends AppError {
  readonly code = 'NOT_FOUND'
  constructor() {
    super('No device is waiting with this code: it was mistyped, has expired, or was already decided.')
  }
}

/** Programs sign nobody in. */
export class PersonNeeded extends AppError {
  readonly code = 'FORBIDDEN'
  constructor() {
    super('Only a signed-in person can approve or deny a device; an application token cannot.')
  }
}
