import { hash } from 'node:crypto'
import { z } from 'zod'
import type { RequestOrigin } from '#domain/access/caller.ts'
import type { Caller } from '#domain/access/service.ts'
import type { Clock } from '#lib/clock.ts'
import { newId } from '#lib/ids.ts'
import { inWords, issuesOf } from '#lib/parse.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { Transact } from '#platform/database/transaction.ts'
import type { Actor } from '#platform/journal/entry.ts'
import type { SecretBox } from '#platform/secrets/secret-box.ts'
import { SalesforceConnectionFailed } from './errors.ts'
import type { SalesforceHosts } from './hosts.ts'
import { type Oauth, webFlowRefused } from './oauth.ts'
import { connectionFailed, type RegisteredOrg, type Registrar, type Registration } from './registration.ts'
import { invalidOrg, type OrgSettings, parseSettings } from './registration-input.ts'
import { insertLogin, takeLogin } from './store.ts'

/** How long a person has at Salesforce, in milliseconds. */
const loginMs = 10 * 60 * 1000

const loginSchema = z.strictObject({
  clientId: z.string().trim().min(1, 'must not be empty').max(2_000),
  clientSecret: z.string().trim().min(1, 'must not be empty').max(2_000).optional(),
  loginUrl: z.string().trim().max(2_000).optional(),
  username: z
    .string()
    .trim()
    .min(1)
    .max(255)
    .transform((name) => name.toLowerCase())
    .optional(),
  redirectUri: z
    .url({ protocol: /^https?$/, error: 'must be an http: or https: URL' })
    .max(2_000)
    .optional(),
})

/** What a web flow is started with. */
export type WebLoginInput = z.input<typeof loginSchema> & OrgSettings

/** Those who started a login, with what they held then. */
interface LoginStarter {
  readonly actor: Actor
  readonly credential: { readonly kind: string; readonly id: string }
  readonly scopes: readonly string[]
}

/** What is kept until the person comes back. */
interface KeptLogin extends OrgSettings {
  readonly accountId: string
  readonly starter: LoginStarter
  readonly clientId: string
  readonly clientSecret?: string
  readonly loginUrl: string
  readonly username?: string
  readonly redirectUri: string
  readonly codeVerifier: string
}

export interface WebLoginDeps {
  readonly sql: Sql
  readonly transact: Transact
  readonly secrets: SecretBox
  readonly oauth: Oauth
  readonly hosts: SalesforceHosts
  readonly clock: Clock
  /** Where this installation is reached; undefined: nobody has said. */
  readonly publicUrl: string | undefined
  readonly register: (registrar: Registrar, wanted: Registration) => Promise<RegisteredOrg>
  /** Those who started a flow, with the rights that they still have. */
  readonly standIn: (accountId: string, starter: LoginStarter) => Promise<Caller>
}

const notStarted =
  'This login was not started here, has been completed, or took longer than ten minutes. Start it again.'

/** Registers orgs by the web flow with PKCE: a person approves an app of the org's own. */
export function createWebLogin(deps: WebLoginDeps) {
  const { transact, secrets, oauth, hosts, clock, register, standIn } = deps

  /** Returns where to send the person; it works once, for ten minutes. @throws {InvalidInput} */
  async function begin(caller: Caller, input: WebLoginInput): Promise<{ url: string; expiresAt: Date }> {
    caller.must('salesforce:admin')
    const { isDefault, isDevHub, metadata, ...given } = input
    const settings = parseSettings({ isDefault, isDevHub, metadata })
    const parsed = loginSchema.safeParse(given, inWords)
    if (!parsed.success) throw invalidOrg(issuesOf(parsed.error))
    const loginUrl = hosts.originOf(parsed.data.loginUrl ?? hosts.defaultLogin, 'loginUrl')
    const { clientId, clientSecret, username } = parsed.data
    const redirectUri = parsed.data.redirectUri ?? ownCallback()
    const { url, state, codeVerifier } = oauth.beginWebFlow(loginUrl, { clientId, redirectUri, loginHint: username })
    const { accountId, actor, credential, scopes } = caller
    const kept: KeptLogin = {
      ...settings,
      accountId,
      starter: { actor, credential, scopes },
      clientId,
      ...(clientSecret !== undefined && { clientSecret }),
      ...(username !== undefined && { username }),
      loginUrl,
      redirectUri,
      codeVerifier,
    }
    const request = await secrets.seal(JSON.stringify(kept))
    const expiresAt = new Date(clock.now().getTime() + loginMs)
    const id = newId()
    await transact(async (tx) => {
      await insertLogin(tx, { id, accountId, stateHash: hashOf(state), request, expiresAt })
      const data = { loginUrl, clientId }
      const { actor, origin } = caller.by()
      tx.journal({
        accountId,
        type: 'salesforce.login_started',
        subject: `salesforce-login:${id}`,
        actor,
        origin,
        data,
      })
    })
    return { url, expiresAt }
  }

  /**
   * Registers the org that a person comes back from with these parameters of the callback, for those who started the
   * flow, with the rights that they still have. @throws {SalesforceConnectionFailed} @throws {Forbidden}
   */
  async function finish(parameters: string, request: RequestOrigin): Promise<RegisteredOrg & { accountId: string }> {
    const query = new URLSearchParams(parameters)
    const login = await take(query.get('state') ?? '')
    if (login === undefined) throw new SalesforceConnectionFailed('UNKNOWN_STATE', notStarted)
    const error = query.get('error')
    if (error !== null)
      throw connectionFailed(webFlowRefused(error.slice(0, 100), query.get('error_description')?.slice(0, 500) ?? null))
    const { accountId, starter, clientId, clientSecret, loginUrl, redirectUri, codeVerifier, username, ...settings } =
      login
    const caller = await standIn(accountId, starter)
    caller.must('salesforce:admin')
    const code = { code: query.get('code') ?? '', redirectUri, codeVerifier, clientId, clientSecret }
    const tokens = await oauth.exchangeCode(loginUrl, code).catch((cause: unknown) => {
      throw connectionFailed(cause)
    })
    if (tokens.refreshToken === undefined)
      throw new SalesforceConnectionFailed(
        'NO_REFRESH_TOKEN',
        'The app gives no refresh tokens: add the scope refresh_token to it.',
      )
    const { origin } = caller.by()
    const by = { actor: starter.actor, origin: origin && { ...origin, ...request } }
    const credential = { method: 'WEB' as const, clientId, clientSecret, refreshToken: tokens.refreshToken }
    return {
      accountId,
      ...(await register({ accountId, by }, { ...settings, loginUrl, username, credential, tokens })),
    }
  }

  function ownCallback(): string {
    if (deps.publicUrl !== undefined) return `${deps.publicUrl.replace(/\/$/, '')}/api/auth/salesforce/callback`
    throw invalidOrg([
      { path: 'redirectUri', message: 'is missing: without PUBLIC_URL the server does not know its own' },
    ])
  }

  async function take(state: string): Promise<KeptLogin | undefined> {
    const request = await transact.quiet('a login that comes back')((tx) => takeLogin(tx, hashOf(state)))
    return request === undefined ? undefined : (JSON.parse(await secrets.open(request)) as KeptLogin)
  }

  return { begin, finish }
}

function hashOf(state: string): Buffer {
  return hash('sha256', state, 'buffer')
}
