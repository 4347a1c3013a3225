import { z } from 'zod'
import type { Identity, RequestOrigin } from '#domain/access/caller.ts'
import { Unauthenticated } from '#domain/access/errors.ts'
import { identityEvent, personEvent } from '#domain/access/events.ts'
import { normalEmail } from '#domain/access/people/user.ts'
import { insertUser } from '#domain/access/people/user-store.ts'
import { grantsOf, scopesOfRole } from '#domain/access/scope.ts'
import type { Clock } from '#lib/clock.ts'
import { invalidValue } from '#lib/errors.ts'
import { newId } from '#lib/ids.ts'
import { isStorable } from '#lib/json.ts'
import { Snapshot } from '#platform/database/snapshot.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { Transact, Transaction } from '#platform/database/transaction.ts'
import type { SecretBox } from '#platform/secrets/secret-box.ts'
import {
  accountsOf,
  type Candidate,
  findByEmail,
  findByIdentity,
  findFirstByIdentity,
  isAccount,
} from './candidate-store.ts'
import { AccountRequired, NotInvited, ProviderMissing, ProviderRefused } from './errors.ts'
import { findOldestAccount, insertIdentity, wasRemoved } from './identity-store.ts'
import type { OidcProvider, ProvidedIdentity } from './oidc-provider.ts'
import { byPerson, type KnownPerson, type Sessions, type SignedIn } from './sessions.ts'

export interface OidcSignInDeps {
  readonly sql: Sql
  readonly transact: Transact
  readonly secrets: SecretBox
  readonly sessions: Sessions
  readonly clock: Clock
  /** Undefined: people sign in by password only. */
  readonly provider: OidcProvider | undefined
  /** E-mail domains whose people are let in when they first come; none when empty. */
  readonly allowedDomains: readonly string[]
}

/** How long a person has at the provider, in milliseconds. */
const pendingMs = 10 * 60 * 1000

const pendingForm = z.object({
  state: z.string(),
  nonce: z.string(),
  codeVerifier: z.string(),
  redirectUri: z.string(),
  account: z.string().optional(),
  until: z.number(),
})

/** Signing in at an OpenID provider. */
export function createOidcSignIn(deps: OidcSignInDeps) {
  const { sql, transact, secrets, sessions, clock, provider, allowedDomains } = deps

  /**
   * Where to send a person, and a sealed text that they have to bring back. `account` is the one that they mean, by id or
   * name.
   * @throws {ProviderMissing} @throws {ProviderFailed} @throws {InvalidInput}
   */
  async function begin(redirectUri: string, account?: string): Promise<{ url: string; pending: string }> {
    if (provider === undefined) throw new ProviderMissing()
    mustBeAddress(redirectUri)
    if (account !== undefined) mustBeName(account)
    const { url, pending } = await provider.begin(redirectUri)
    const until = clock.now().getTime() + pendingMs
    return { url, pending: await secrets.seal(JSON.stringify({ ...pending, account, until })) }
  }

  /**
   * Signs in a person who comes back from the provider: one of the account, by the provider's own id or a verified
   * address, or a new one from an allowed domain. A person who was removed is not new: `createUser` adds them again.
   * @throws {ProviderMissing} @throws {ProviderRefused} @throws {ProviderFailed} @throws {NotInvited}
   * @throws {AccountRequired} when the provider's id, or only the address, stands for people of several accounts
   */
  async function finish(parameters: string, pending: string, request: RequestOrigin): Promise<SignedIn> {
    if (provider === undefined) throw new ProviderMissing()
    const { account, ...begun } = await opened(pending)
    const identity = await provider.finish(new URLSearchParams(parameters), begun)
    const session = await transact(async (tx) =>
      sessions.open(tx, await personOf(tx, identity, { account, request }), request, 'oidc'),
    )
    return sessions.signedIn(session)
  }

  async function opened(pending: string) {
    const text = await secrets.open(pending).catch(() => 'null')
    const parsed = pendingForm.safeParse(JSON.parse(text))
    if (!parsed.success || parsed.data.until < clock.now().getTime()) throw new ProviderRefused('expired')
    return parsed.data
  }

  /** Accounts that a person has not signed in to yet don't count where there are others: anyone can add an address. */
  async function personOf(tx: Transaction, provided: ProvidedIdentity, wanted: Wanted): Promise<KnownPerson> {
    const { account } = wanted
    const known = onlyOne(await findByIdentity(tx, provided, account))
    if (known !== undefined) return known
    const email = provided.isEmailVerified ? normalEmail(provided.email ?? '') : undefined
    if (email === undefined) throw new NotInvited('the provider has not verified an e-mail address')
    const person = onlyOne(await findByEmail(tx, email, account)) ?? (await letIn(tx, { ...provided, email }, wanted))
    await insertIdentity(tx, person, provided)
    const { issuer } = provided
    tx.journal(identityEvent(person, byPerson(person, 'none', wanted.request), { email, issuer }))
    return person
  }

  async function letIn(
    tx: Transaction,
    provided: ProvidedIdentity & { email: string },
    { account, request }: Wanted,
  ): Promise<KnownPerson> {
    const { email, firstName, lastName } = provided
    const domain = email.slice(email.lastIndexOf('@') + 1)
    const accountId = allowedDomains.includes(domain) ? await findOldestAccount(tx) : undefined
    if (accountId === undefined || !(account === undefined || (await isAccount(tx, accountId, account))))
      throw new NotInvited(`nobody has let in ${email}`)
    if (await wasRemoved(tx, accountId, provided)) throw new NotInvited(`${email} was removed`)
    const person = { accountId, id: newId(), email, role: 'MEMBER' } as const
    if (!(await insertUser(tx, { ...person, firstName, lastName }, undefined)))
      return addedMeanwhile(tx, accountId, email)
    const { role } = person
    tx.journal(personEvent('auth.user_created', person, byPerson(person, 'none', request), { email, role }))
    return person
  }

  /** The person whom another sign-in has added at the same moment. */
  async function addedMeanwhile(tx: Transaction, accountId: string, email: string): Promise<KnownPerson> {
    const [person] = await findByEmail(tx, email, accountId)
    if (person === undefined) throw new NotInvited(`${email} was removed`)
    return person
  }

  /** Whether a token claims to be one that the provider gave out for us. */
  function isProviders(issuer: unknown): boolean {
    return provider?.issued(issuer) ?? false
  }

  /**
   * Who the provider's own access token belongs to: somebody who has signed in here before; of several accounts, in the one
   * that they have signed in to first. @throws {Unauthenticated}
   */
  async function identify(token: string): Promise<Identity> {
    if (provider === undefined) throw new Unauthenticated()
    const { issuer, subject, expiresAt } = await provider.verify(token)
    const person = await findFirstByIdentity(sql, { issuer, subject })
    if (person === undefined) throw new Unauthenticated()
    if (person.isSuspended) throw new Unauthenticated('account-suspended')
    const { accountId, id, email, role } = person
    return {
      accountId,
      actor: { kind: 'user', id, name: email },
      principalId: id,
      role,
      grants: grantsOf(scopesOfRole[role]),
      credential: { kind: 'provider', id },
      expiresAt,
      seen: new Snapshot(person),
    }
  }

  return { begin, finish, isProviders, identify }
}

/** How a person comes, and to which account, if they name one. */
interface Wanted {
  readonly account: string | undefined
  readonly request: RequestOrigin
}

/** @throws {AccountRequired} when there are several */
function onlyOne(candidates: readonly Candidate[]): KnownPerson | undefined {
  if (candidates.length > 1) throw new AccountRequired(accountsOf(candidates))
  return candidates[0]
}

const maxAccountLength = 200

/** @throws {InvalidInput} for what is neither an id nor a name of an account */
function mustBeName(account: string): void {
  if (account.length <= maxAccountLength && isStorable(account)) return
  const message = `must be the id or name of an account, of at most ${maxAccountLength} characters`
  throw invalidValue('`account`', 'account', message)
}

/** @throws {InvalidInput} for what no provider could send anyone back to */
function mustBeAddress(redirectUri: string): void {
  const url = URL.parse(redirectUri)
  if (url !== null && /^https?:$/.test(url.protocol) && url.hash === '') return
  const message = 'must be an http: or https: URL without a fragment'
  throw invalidValue('`redirectUri`', 'redirectUri', message)
}

export type OidcSignIn = ReturnType<typeof createOidcSignIn>
