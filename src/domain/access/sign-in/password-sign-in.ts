import { hash } from 'node:crypto'
import type { Caller, RequestOrigin } from '#domain/access/caller.ts'
import { personEvent } from '#domain/access/events.ts'
import type { Incidents } from '#domain/access/incidents/incidents.ts'
import { isOneself, mustManage, mustNotBeNarrowed, mustSee } from '#domain/access/people/authority.ts'
import { normalEmail } from '#domain/access/people/user.ts'
import { lock } from '#domain/access/people/user-service.ts'
import { findPassword, setPasswordHash } from '#domain/access/people/user-store.ts'
import { addressBlock } from '#lib/address.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { Transact } from '#platform/database/transaction.ts'
import type { By } from '#platform/journal/entry.ts'
import { accountsOf, findPasswordCandidates, type PasswordCandidate } from './candidate-store.ts'
import { AccountRequired, SignInRefused, WrongPassword } from './errors.ts'
import { checkPassword, hashPassword, isPassword } from './password.ts'
import { endSessionsOf } from './session-store.ts'
import { byPerson, type Sessions, type SignedIn } from './sessions.ts'
import type { Guess, SignInThrottle } from './throttle.ts'

export interface PasswordSignInDeps {
  readonly sql: Sql
  readonly transact: Transact
  readonly sessions: Sessions
  readonly throttle: SignInThrottle
  readonly incidents: Incidents
}

/** What else a person says who signs in. */
export interface SignInWishes {
  /** Fewer rights than their role has; all of them when undefined. */
  readonly scopes?: readonly string[] | undefined
  /** Which account, by id or name, where they have the same password in several; any when undefined. */
  readonly account?: string | undefined
}

/** Somebody whose password is compared, and how their attempts are counted. */
type Guessed = PasswordCandidate & Guess

/** Signing in by e-mail address and password. */
export function createPasswordSignIn({ sql, transact, sessions, throttle, incidents }: PasswordSignInDeps) {
  /**
   * Signs a person in. Everyone with the address, in whichever account, is a candidate: the password says which one is meant.
   * @throws {SignInRefused} @throws {TooManyAttempts} @throws {AccountRequired} when it is right in several accounts
   * @throws {InvalidInput} @throws {ScopeNotHeld}
   */
  async function signIn(
    email: string,
    password: string,
    request: RequestOrigin,
    { scopes, account }: SignInWishes = {},
  ): Promise<SignedIn> {
    const place = addressBlock(request.address)
    const guesses = await guessesOf(normalEmail(email) ?? '', { account, place })
    const allowed = await incidents.watch('password', request, () => throttle.attempt(guesses, place))
    const people = await whoseIs(password, allowed.filter(isCandidate), request)
    await Promise.all(people.map((person) => throttle.succeeded(person, place)))
    const [person] = people
    if (person === undefined) throw new SignInRefused()
    if (people.length > 1) throw new AccountRequired(accountsOf(people))
    const { accountId, id, role } = person
    return sessions.begin({ accountId, id, email: person.email, role }, request, 'password', scopes)
  }

  /** Attempts of an address that nobody has count as those of a person do, so that they don't tell. */
  async function guessesOf(
    email: string,
    { account, place }: { account: string | undefined; place: string },
  ): Promise<(Guess | Guessed)[]> {
    const candidates = await findPasswordCandidates(sql, email, { account, place })
    if (candidates.length === 0) return [{ person: hash('sha256', email, 'base64url'), isKnownPlace: false }]
    return candidates.map((candidate) => ({ ...candidate, person: candidate.id }))
  }

  /** Those whose password it is; a failed attempt is recorded for the others. */
  async function whoseIs(password: string, candidates: readonly Guessed[], request: RequestOrigin): Promise<Guessed[]> {
    if (candidates.length === 0) {
      await isPassword(password, undefined)
      // Not by which address: it may be a password that came into the wrong field.
      incidents.attempted('password', new SignInRefused().code, request)
      return []
    }
    const isRight = await Promise.all(
      candidates.map(({ passwordHash }) => isPassword(password, passwordHash ?? undefined)),
    )
    for (const candidate of candidates.filter((_, index) => !isRight[index]))
      await tellFailed(candidate, byPerson(candidate, 'none', request))
    return candidates.filter((_, index) => isRight[index])
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
    const id = await transact(async (tx) => {
      const user = await lock(tx, caller, who)
      mustManage(caller, user)
      await setPasswordHash(tx, user.accountId, user.id, passwordHash)
      await endSessionsOf(tx, user.accountId, user.id, 'password changed')
      const { email, role } = user
      tx.journal(personEvent('auth.user_password_set', user, caller.by(), { email, role }))
      return user.id
    })
    await throttle.forgive(id)
    return id
  }

  async function mustKnow(caller: Caller, password: string): Promise<void> {
    const { accountId, actor, role } = caller
    await throttle.attemptOwn(actor.id)
    if (!(await isPassword(password, await findPassword(sql, accountId, actor.id)))) {
      await tellFailed({ accountId, id: actor.id, email: actor.name, role }, caller.by())
      throw new WrongPassword()
    }
    await throttle.succeededOwn(actor.id)
  }

  return { signIn, setPassword }
}

function isCandidate(guess: Guess | Guessed): guess is Guessed {
  return 'accountId' in guess
}
