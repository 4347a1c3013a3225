import type { Caller } from '#domain/access/service.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { Transact } from '#platform/database/transaction.ts'
import type { SecretBox } from '#platform/secrets/secret-box.ts'
import type { Call } from './calls.ts'
import { parseCredential } from './credential.ts'
import { SalesforceOrgNotFound } from './errors.ts'
import { orgEvent } from './events.ts'
import { getOrg } from './find-org.ts'
import type { SalesforceHosts } from './hosts.ts'
import type { Oauth } from './oauth.ts'
import { connectionFailed, type RegisteredOrg, type Registrar, type Registration, registrarOf } from './registration.ts'
import {
  invalidOrg,
  type OrgRegistrationInput,
  type OrgSettings,
  parseRegistration,
  parseSettings,
} from './registration-input.ts'
import { mustBeSandboxName, openSandbox } from './sandbox.ts'
import { clearDefault, lockOrg, saveSettings } from './store.ts'
import type { TokenKeeper } from './token-keeper.ts'

interface RegistrationCommandDeps {
  readonly sql: Sql
  readonly transact: Transact
  readonly secrets: SecretBox
  readonly hosts: SalesforceHosts
  readonly call: Call
  readonly oauth: Oauth
  readonly keeper: TokenKeeper
  readonly registerOrg: (registrar: Registrar, wanted: Registration) => Promise<RegisteredOrg>
}

/** Commands that register orgs, and change what people decide about them. */
export function createRegistrationCommands(deps: RegistrationCommandDeps) {
  const { sql, transact, secrets, hosts, call, oauth, keeper, registerOrg } = deps

  /**
   * Registers an org by JWT bearer, client credentials or SFDX auth URL, once a connection to it has succeeded; one of the
   * same username is replaced. @throws {InvalidInput} @throws {SalesforceConnectionFailed}
   */
  async function register(caller: Caller, input: OrgRegistrationInput): Promise<RegisteredOrg> {
    caller.must('salesforce:admin')
    return registerOrg(registrarOf(caller), parseRegistration(input, hosts))
  }

  /**
   * Registers a sandbox through its production org, which is registered already.
   * @throws {InvalidInput} @throws {SalesforceOrgNotFound} @throws {SalesforceOrgUnusable} @throws {SalesforceConnectionFailed}
   */
  async function registerSandbox(
    caller: Caller,
    { sandboxName, production, ...given }: OrgSettings & { readonly sandboxName: string; readonly production: string },
  ): Promise<RegisteredOrg> {
    caller.must('salesforce:admin')
    mustBeSandboxName(sandboxName)
    const settings = parseSettings(given)
    const parent = await getOrg(sql, caller, production)
    const credential = parseCredential(await secrets.open(parent.credential))
    if (credential.method === 'CLIENT_CREDENTIALS')
      throw invalidOrg([
        { path: 'production', message: 'is registered by client credentials, which do not reach its sandboxes' },
      ])
    const access = await keeper
      .use(parent, (session) => openSandbox({ call, oauth }, session, credential, sandboxName))
      .catch((error: unknown) => {
        throw connectionFailed(error)
      })
    const { username, ...rest } = access
    return registerOrg(registrarOf(caller), {
      ...settings,
      ...rest,
      username: username.toLowerCase(),
      parentUsername: parent.username,
    })
  }

  /** Changes what people decide about an org. @throws {SalesforceOrgNotFound} @throws {InvalidInput} */
  async function update(caller: Caller, org: string, changes: OrgSettings): Promise<string> {
    caller.must('salesforce:admin')
    const settings = parseSettings(changes)
    return transact(async (tx) => {
      const { id } = await getOrg(tx, caller, org)
      const row = await lockOrg(tx, { accountId: caller.accountId, id })
      if (row === undefined) throw new SalesforceOrgNotFound(org)
      const { isDefault = row.isDefault, isDevHub = row.isDevHub, metadata = row.metadata } = settings
      if (isDefault) await clearDefault(tx, row.accountId, row.username)
      await saveSettings(tx, { ...row, isDefault, isDevHub, metadata })
      const { instanceUrl, method } = row
      tx.journal(orgEvent('salesforce.org_updated', row, caller.by(), { instanceUrl, method, isDefault }))
      return id
    })
  }

  return { register, registerSandbox, update }
}
