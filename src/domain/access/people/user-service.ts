import type { Caller } from '#domain/access/caller.ts'
import { personEvent } from '#domain/access/events.ts'
import { endPersonalTokens } from '#domain/access/tokens/personal-tokens.ts'
import { newId } from '#lib/ids.ts'
import { runOnce } from '#platform/database/idempotency.ts'
import type { Transact, Transaction } from '#platform/database/transaction.ts'
import { isOneself, mustHoldRole, mustManage, mustSee } from './authority.ts'
import { EmailTaken, LastOwner, OwnRoleRaised, UserNotFound } from './errors.ts'
import { deleteMemberships, teamsOwnedAlone } from './team-store.ts'
import { isRaise, normalEmail, type PersonRole, type UserFacts, validUser } from './user.ts'
import { insertUser, lockOwners, lockUser, removeUser, type UserRow, updateUser } from './user-store.ts'

export interface UserServiceDeps {
  readonly transact: Transact
}

/** What is to be changed of a person; what is undefined stays. */
export interface UserChanges {
  readonly firstName?: string | undefined
  readonly lastName?: string | undefined
  readonly role?: PersonRole | undefined
}

/** The people of an account. Users are named by id or e-mail address. */
export function createUserService({ transact }: UserServiceDeps) {
  /**
   * Adds a person with a role whose scopes the caller holds; under a key at most once.
   * @throws {InvalidInput} @throws {ScopeNotHeld} @throws {EmailTaken} @throws {IdempotencyKeyReused}
   */
  async function create(caller: Caller, facts: UserFacts, key?: string): Promise<string> {
    caller.must('access:admin')
    const { accountId, principalId } = caller
    const request = validUser(facts)
    mustHoldRole(caller, request.role)
    return transact(async (tx) => {
      const { outcome } = await runOnce(
        tx,
        { accountId, principalId, key, operation: 'createUser', request },
        async () => {
          const user = { ...request, accountId, id: newId() }
          if (!(await insertUser(tx, user, undefined))) throw new EmailTaken(user.email)
          note(tx, caller, 'auth.user_created', user)
          return user.id
        },
      )
      return outcome
    })
  }

  /**
   * Changes a person: people may change their own names, and `access:admin` everything of people whose scopes it holds,
   * before and after. @throws {UserNotFound} @throws {ScopeNotHeld} @throws {InvalidInput} @throws {OwnRoleRaised}
   * @throws {LastOwner}
   */
  async function update(caller: Caller, who: string, changes: UserChanges): Promise<string> {
    return transact(async (tx) => {
      mustSee(caller, who)
      const user = await lock(tx, caller, who)
      mustManage(caller, user)
      const role = changes.role ?? user.role
      if (role !== user.role) caller.must('access:admin')
      if (isOneself(caller, who) && isRaise(user.role, role)) throw new OwnRoleRaised()
      mustHoldRole(caller, role)
      if (isRaise(role, user.role)) await mustNotBeLastOwner(tx, user)
      const { firstName = user.firstName, lastName = user.lastName } = changes
      const next = { ...user, ...validUser({ email: user.email, firstName, lastName, role }) }
      await updateUser(tx, next)
      note(tx, caller, role === user.role ? 'auth.user_changed' : 'auth.user_role_changed', next)
      return user.id
    })
  }

  /**
   * Removes a person and ends their sessions and personal tokens; what they did keeps their name.
   * @throws {UserNotFound} @throws {ScopeNotHeld} @throws {LastOwner} of the account or of a team
   */
  async function remove(caller: Caller, who: string): Promise<string> {
    return transact(async (tx) => {
      mustSee(caller, who)
      const user = await lock(tx, caller, who)
      mustManage(caller, user)
      if (user.role === 'OWNER') await mustNotBeLastOwner(tx, user)
      const [team] = await teamsOwnedAlone(tx, user.accountId, user.id)
      if (team !== undefined) throw new LastOwner(`the team ${team}`)
      await deleteMemberships(tx, user.accountId, user.id)
      await removeUser(tx, user.accountId, user.id)
      await endPersonalTokens(tx, user, caller.by(), 'person removed')
      note(tx, caller, 'auth.user_removed', user)
      return user.id
    })
  }

  return { create, update, remove, mustSee }
}

/** Reads and locks a user of the caller's account. @throws {UserNotFound} */
export async function lock(tx: Transaction, { accountId }: Caller, who: string): Promise<UserRow> {
  const user = await lockUser(tx, accountId, normalEmail(who) ?? who.toLowerCase())
  if (user === undefined) throw new UserNotFound(who)
  return user
}

async function mustNotBeLastOwner(tx: Transaction, { accountId, id }: UserRow): Promise<void> {
  const owners = await lockOwners(tx, accountId)
  if (owners.every((owner) => owner === id)) throw new LastOwner('the account')
}

function note(tx: Transaction, caller: Caller, type: Parameters<typeof personEvent>[0], user: UserRow): void {
  const { email, role } = user
  tx.journal(personEvent(type, user, caller.by(), { email, role }))
}
