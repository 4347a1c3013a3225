import { AppError } from '#lib/errors.ts'

export class AccountNotFound extends AppError {
  readonly code = 'NOT_FOUND'
  constructor(called: string) {
    super(`There is no account "${called}".`)
  }
}

/** Several accounts have the name, so only an id is unambiguous. */
export class AccountAmbiguous extends AppError {
  readonly code = 'ACCOUNT_REQUIRED'
  constructor(called: string) {
    super(`Several accounts have the name "${called}": give the id of one.`)
  }
}

export class AccountNameTaken extends AppError {
  readonly code = 'ALREADY_EXISTS'
  constructor(name: string) {
    super(`An account "${name}" already exists.`)
  }
}

/** The state of the account does not allow this. */
export class AccountStateConflict extends AppError {
  readonly code = 'ACCOUNT_STATE'
}
