import type { Lock } from '#domain/locks/service.ts'
import { AppError } from '#lib/errors.ts'

export class EnvironmentNotFound extends AppError {
  readonly code = 'NOT_FOUND'
  constructor(id: string) {
    super(`There is no environment ${id}.`)
  }
}

/** Another environment of the repository has that name. */
export class EnvironmentExists extends AppError {
  readonly code = 'ALREADY_EXISTS'
  constructor(name: string, repository: string) {
    super(`There is an environment "${name}"${repository === '' ? '' : ` of ${repository}`} already.`)
  }
}

/** No environment is as asked for, whether free or not. */
export class NoSuchEnvironment extends AppError {
  readonly code = 'NOT_FOUND'
  constructor() {
    super('No active environment is as asked for.')
  }
}

/** All environments that would do are held, and stayed so for as long as the caller wanted to wait. */
export class EnvironmentHeld extends AppError {
  readonly code = 'LOCK_HELD'
  constructor(name: string | undefined, lock: Lock | undefined, options?: ErrorOptions) {
    const until =
      name === undefined || lock === undefined
        ? ''
        : ` "${name}" is held by ${lock.holder.name}, until ${lock.expiresAt.toISOString()} if it is not extended.`
    super(`No environment as asked for is free.${until} Ask again later, or wait longer.`, options)
  }
}
