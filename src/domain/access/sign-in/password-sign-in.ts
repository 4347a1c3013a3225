import type { Caller, RequestOrigin } from '#domain/access/caller.ts'
import { personEvent } from '#domain/access/events.ts'
import type { Incidents } from '#domain/access/incidents/incidents.ts'
import { isOneself, mustManage, mustNotBeNarrowed, mustSee } from '#domain/access/people/authority.ts'
import { normalEmail } from '#domain/access/people/user.ts'
import { lock } from '#domain/access/people/user-service.ts'
import { findPassword, setPasswordHash } from '#domain/access/people/user-store.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { Transact } from '#platform/database/transaction.ts'
import type { By } from '#platform/journal/entry.ts'
import { SignInRefused, WrongPassword } from './errors.ts'
import { checkPassword, hashPassword, isPassword } from './password.ts'
import { endSessionsOf } from './session-store.ts'
import { byPerson, type Sessions, type SignedIn } from './sessions.ts'
import type { SignInThrottle } from './throttle.ts'

export interface PasswordSignInDeps {
  readonly sql: Sql
  readonly transact: Transact
  readonly sessions: Sessions
  readonly throttle: SignInThrottle
  readonly incidents: Incidents
}

/** Signing in by e-mail address and password. */
export function createPasswordSignIn({ sql, transact, sessions, throttle, incidents }: PasswordSignInDeps) {
  /**
   * Signs a person in, with fewer rights than their role has where scopes are given.
   * @throws {SignInRefused} @throws {TooManyAttempts} @throws {InvalidInput} @throws {ScopeNotHeld}
   */
  async function signIn(
    email: string,
    password: string,
    request: RequestOrigin,
    scopes?: readonly string[],
  ): Promise<SignedIn> {
    const address = normalEmail(email) ?? ''
    await incidents.watch('password', request, () => throttle.attempt(address, request.address))
    const person = await findPassword(sql, address)
    if (!(await isPassword(password, person?.passwordHash ?? undefined)) || person === undefined) {
      const refused = new SignInRefused()
      if (person !== undefined) await tellFailed(person, byPerson(person, 'none', request))
      // Not by which address: it may be a password that came into the wrong field.
      else incidents.attempted('password', refused.code, request)
      throw refused
    }
    await throttle.succeeded(address, request.address)
    const { accountId, id, role } = person
    return sessions.begin({ accountId, id, email: person.email, role }, request, 'password', scopes)
  }

  async function tellFailed(person: { accountId: string; id: string; email: string; role: string }, by: By) {
    const { email, role } = person
    await transact(async (tx) => {
      tx.journal(personEvent('auth.user_sign_in_failed', person, by, { email, role }))
    })
  }

  /**
   * Sets a person's password: their own with the current one, that of others with `access:admin`. Ends the person's
   * sessions. @throws {UserNotFound} @throws {ScopeNotHeld} @throws {InvalidInput} @throws {WrongPassword}
   * @throws {TooManyAttempts}
   */
  async function setPassword(
    caller: Caller,
    who: string,
    password: string,
    presentPassword: string | undefined,
  ): Promise<string> {
    checkPassword(password)
    mustSee(caller, who)
    if (isOneself(caller, who)) {
      mustNotBeNarrowed(caller)
      await mustKnow(caller, presentPassword ?? '')
    }
    const passwordHash = await hashPassword(password)
    return transact(async (tx) => {
      const user = await lock(tx, caller, who)
      mustManage(caller, user)
      await setPasswordHash(tx, user.accountId, user.id, passwordHash)
      await endSessionsOf(tx, user.accountId, user.id, 'password changed')
      const { email, role } = user
      tx.journal(personEvent('auth.user_password_set', user, caller.by(), { email, role }))
      return user.id
    })
  }

  async function mustKnow(caller: Caller, password: string): Promise<void> {
    const email = caller.actor.name
    const { address } = caller.by().origin ?? { address: '' }
    await throttle.attempt(email, address)
    const person = await findPassword(sql, email)
    if (!(await isPassword(password, person?.passwordHash ?? undefined))) {
      if (person !== undefined) await tellFailed(person, caller.by())
      throw new WrongPassword()
    }
    await throttle.succeeded(email, address)
  }

  return { signIn, setPassword }
}
