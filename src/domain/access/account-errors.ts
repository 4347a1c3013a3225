import { AppError } from '#lib/errors.ts'

export class AccountNotFound extends AppError {
  readonly code = 'NOT_FOUND'
  constructor(called: string) {
    super(`There is no account "${called}".`)
  }
}

/** Several accounts have the name, so that only an id says which one is meant. */
export class AccountAmbiguous extends AppError {
  readonly code = 'ACCOUNT_REQUIRED'
  constructor(called: string) {
    super(`Several accounts are called "${called}": give the id of one.`)
  }
}

export class AccountNameTaken extends AppError {
  readonly code = 'ALREADY_EXISTS'
  constructor(name: string) {
    super(`There is an account "${name}" already.`)
  }
}

/** The account is not in a state in which this can be done with it. */
export class AccountStateConflict extends AppError {
  readonly code = 'ACCOUNT_STATE'
}
