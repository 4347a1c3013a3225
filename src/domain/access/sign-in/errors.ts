import { AppError } from '#lib/errors.ts'

/** Address or password is wrong; deliberately not saying which. */
export class SignInRefused extends AppError {
  readonly code = 'UNAUTHENTICATED'
  constructor() {
    super('The e-mail address or the password is not right.')
  }
}

/** The refresh token was used before, has expired, or was never given out; deliberately not saying which. */
export class RefreshRefused extends AppError {
  readonly code = 'UNAUTHENTICATED'
  constructor() {
    super('This refresh token is not valid any more: sign in again.')
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
    super('The present password is not right.')
  }
}
