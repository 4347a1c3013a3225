import type { Caller } from '#domain/access/service.ts'
import type { Clock } from '#lib/clock.ts'
import { InvalidInput } from '#lib/errors.ts'
import { newId } from '#lib/ids.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { Transact } from '#platform/database/transaction.ts'
import type { By } from '#platform/journal/entry.ts'
import type { SecretBox } from '#platform/secrets/secret-box.ts'
import type { Call } from './calls.ts'
import { type Credential, credentialText } from './credential.ts'
import { SalesforceConnectionFailed, SalesforceFailure } from './errors.ts'
import { orgEvent } from './events.ts'
import { identify } from './identify.ts'
import type { Oauth, Tokens } from './oauth.ts'
import type { OrgFacts } from './org.ts'
import type { OrgSettings } from './registration-input.ts'
import { clearDefault, countOrgs, upsertOrg } from './store.ts'

export interface RegistrationDeps {
  readonly sql: Sql
  readonly transact: Transact
  readonly secrets: SecretBox
  readonly oauth: Oauth
  readonly call: Call
  readonly clock: Clock
  readonly maxApiVersion: string
  readonly refreshAfterMs: number
}

/** An org that is to be registered, with what tokens are requested with. */
export interface Registration extends OrgSettings {
  readonly loginUrl: string
  readonly credential: Credential
  /** Tokens that were received already; undefined: the credential is used for some. */
  readonly tokens?: Tokens | undefined
  /** Whose authorization it has to be; undefined: anybody's. */
  readonly username?: string | undefined
  /** Of a sandbox that is registered through its production org. */
  readonly parentUsername?: string | undefined
}

/** For whom an org is registered. */
export interface Registrar {
  readonly accountId: string
  readonly by: By
}

/** An org that was registered. */
export interface RegisteredOrg {
  readonly id: string
  readonly username: string
  readonly isNew: boolean
  /** What the caller should know about it, a sentence each. */
  readonly warnings: readonly string[]
}

const maxOrgs = 1_000

const authUrlWarning =
  'The refresh token of an auth URL may be in use elsewhere, such as by the Salesforce CLI. If the app replaces refresh ' +
  'tokens, each use ends the other’s access. Prefer an app of your own with the JWT bearer flow.'

export function registrarOf(caller: Caller): Registrar {
  return { accountId: caller.accountId, by: caller.by() }
}

/** Makes the function that tries a connection, and stores the org only when it works. */
export function createRegistration(deps: RegistrationDeps) {
  const { sql, transact, secrets, oauth, call, clock, maxApiVersion, refreshAfterMs } = deps

  /** Registers an org; one of the same username is replaced. @throws {SalesforceConnectionFailed} @throws {InvalidInput} */
  async function register({ accountId, by }: Registrar, wanted: Registration): Promise<RegisteredOrg> {
    // Before the credential is used: the app may replace it with its first use.
    if ((await countOrgs(sql, accountId)) >= maxOrgs)
      throw new InvalidInput(`An account may have at most ${maxOrgs.toLocaleString('en')} Salesforce orgs.`)
    const { tokens, credential, facts } = await tried(wanted)
    const { isDefault, metadata, loginUrl, parentUsername = null } = wanted
    const { method } = credential
    const [sealedCredential, accessToken] = await Promise.all([
      secrets.seal(credentialText(credential)),
      secrets.seal(tokens.accessToken),
    ])
    const { instanceUrl } = tokens
    const row = {
      ...facts,
      isDevHub: wanted.isDevHub ?? facts.isDevHub,
      accountId,
      instanceUrl,
      loginUrl,
      parentUsername,
    }
    const refreshDueAt = new Date(clock.now().getTime() + refreshAfterMs)
    const secret = { method, credential: sealedCredential, accessToken, refreshDueAt }
    const { id, isNew } = await transact(async (tx) => {
      if (isDefault === true) await clearDefault(tx, accountId, row.username)
      const stored = await upsertOrg(tx, { ...row, ...secret, id: newId(), isDefault, metadata, createdBy: by.actor })
      const type = stored.isNew ? 'salesforce.org_registered' : 'salesforce.org_updated'
      const data = { instanceUrl, method, isDefault: stored.isDefault }
      tx.journal(orgEvent(type, { ...row, id: stored.id }, by, data))
      return stored
    })
    return { id, username: row.username, isNew, warnings: method === 'AUTH_URL' ? [authUrlWarning] : [] }
  }

  /** A connection that works. @throws {SalesforceConnectionFailed} */
  async function tried(wanted: Registration): Promise<{ tokens: Tokens; credential: Credential; facts: OrgFacts }> {
    try {
      const tokens = wanted.tokens ?? (await oauth.requestToken(wanted.loginUrl, wanted.credential))
      const credential = withRefreshToken(wanted.credential, tokens)
      const facts = await identify({ call, maxApiVersion }, tokens)
      if (wanted.username !== undefined && wanted.username !== facts.username)
        throw new SalesforceFailure(`The authorization belongs to ${facts.username}, not to ${wanted.username}.`, {
          reason: 'OTHER_USERNAME',
        })
      return { tokens, credential, facts }
    } catch (error) {
      throw connectionFailed(error)
    }
  }

  return register
}

/** What Salesforce says, for those who register an org; bugs stay what they are. */
export function connectionFailed(error: unknown): unknown {
  if (!(error instanceof SalesforceFailure)) return error
  return new SalesforceConnectionFailed(error.reason, `Salesforce can't be connected to. ${error.message}`, {
    cause: error,
  })
}

/** Salesforce may have replaced the refresh token with its first use. */
function withRefreshToken(credential: Credential, { refreshToken }: Tokens): Credential {
  return 'refreshToken' in credential && refreshToken !== undefined ? { ...credential, refreshToken } : credential
}
