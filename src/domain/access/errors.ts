import { AppError } from '#lib/errors.ts'

/** Nobody has signed in, or what they showed is not valid (any more); deliberately not saying which. */
export class Unauthenticated extends AppError {
  readonly kind = 'unauthenticated'
  readonly code = 'UNAUTHENTICATED'
  constructor() {
    super('A valid token is needed: send it as "Authorization: Bearer <token>".')
  }
}

/** The caller is known, but may not do this; says what would have been enough. */
export class Forbidden extends AppError {
  readonly kind = 'forbidden'
  readonly code = 'FORBIDDEN'
  readonly requiredScope: string
  constructor(requiredScope: string) {
    super(`Your token lacks the scope ${requiredScope}.`)
    this.requiredScope = requiredScope
  }
}
