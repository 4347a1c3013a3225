import { AppError } from '#lib/errors.ts'

export class UserNotFound extends AppError {
  readonly code = 'NOT_FOUND'
  constructor(who: string) {
    super(`There is no user ${who}.`)
  }
}

/** One person is one user of an account; what other accounts have is not told. */
export class EmailTaken extends AppError {
  readonly code = 'ALREADY_EXISTS'
  constructor(email: string) {
    super(`${email} already belongs to a user of this account.`)
  }
}

/** Callers who may change roles may change anyone's, but cannot raise their own. */
export class OwnRoleRaised extends AppError {
  readonly code = 'OWN_ROLE'
  constructor() {
    super('You cannot raise your own role: ask another owner.')
  }
}

/** Somebody has to be left who may let others in. */
export class LastOwner extends AppError {
  readonly code = 'LAST_OWNER'
  constructor(of: string) {
    super(`The last owner of ${of} can neither leave nor step down: make someone else an owner first.`)
  }
}

export class TeamNotFound extends AppError {
  readonly code = 'NOT_FOUND'
  constructor(slug: string) {
    super(`There is no team ${slug}.`)
  }
}

export class SlugTaken extends AppError {
  readonly code = 'ALREADY_EXISTS'
  constructor(slug: string) {
    super(`The team ${slug} already exists.`)
  }
}

export class LastTeam extends AppError {
  readonly code = 'LAST_TEAM'
  constructor(slug: string) {
    super(`${slug} is the account's last team, which cannot be deleted.`)
  }
}

export class AlreadyMember extends AppError {
  readonly code = 'ALREADY_EXISTS'
  constructor(email: string, slug: string) {
    super(`${email} is already a member of ${slug}.`)
  }
}

export class MemberNotFound extends AppError {
  readonly code = 'NOT_FOUND'
  constructor(email: string, slug: string) {
    super(`${email} is not a member of ${slug}.`)
  }
}
