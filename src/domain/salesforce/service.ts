import type { RequestOrigin } from '#domain/access/caller.ts'
import type { Caller } from '#domain/access/service.ts'
import { isId } from '#lib/ids.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { GuardedFetch } from '#platform/http/guarded-fetch.ts'
import { type Call, createCall } from './calls.ts'
import { parseCredential } from './credential.ts'
import { SalesforceCallFailed, SalesforceFailure, SalesforceOrgNotFound, SalesforceOrgUnusable } from './errors.ts'
import { orgEvent } from './events.ts'
import { type FrontDoor, mustBePath, openFrontDoor } from './front-door.ts'
import { createHeartbeat } from './heartbeat.ts'
import type { SalesforceHosts } from './hosts.ts'
import { probe } from './identify.ts'
import { createOauth, type Oauth } from './oauth.ts'
import type { OrgRow } from './org.ts'
import { connectionFailed, createRegistration, type RegisteredOrg, registrarOf } from './registration.ts'
import {
  invalidOrg,
  type OrgRegistrationInput,
  type OrgSettings,
  parseRegistration,
  parseSettings,
} from './registration-input.ts'
import { mustBeSandboxName, openSandbox } from './sandbox.ts'
import { clearDefault, deleteOrg, findOrg, findOrgByUsername, lockOrg, saveSettings } from './store.ts'
import { TokenKeeper, type TokenKeeperDeps } from './token-keeper.ts'
import { createWebLogin, type WebLoginDeps } from './web-login.ts'

export interface SalesforceServiceDeps extends Omit<TokenKeeperDeps, 'oauth'> {
  readonly outbound: Pick<GuardedFetch, 'fetch'>
  readonly hosts: SalesforceHosts
  readonly standIn: WebLoginDeps['standIn']
  readonly publicUrl: WebLoginDeps['publicUrl']
}

/** Everything that can be done with Salesforce orgs; the only way in for callers. */
export type SalesforceService = ReturnType<typeof createSalesforceService>

/** How a test of a connection came out. */
export interface ConnectionTest {
  readonly id: string
  readonly isConnected: boolean
  readonly username: string
  readonly orgId: string
  readonly instanceUrl: string
  readonly apiVersion: string | undefined
  readonly latencyMs: number
  /** Why there is no connection, as Salesforce says it. */
  readonly error: string | undefined
}

/** An org that was removed. */
export interface RemovedOrg {
  readonly id: string
  readonly username: string
  /** Whether its authorization was revoked at Salesforce. */
  readonly isRevoked: boolean
  /** Why it was not. */
  readonly revocationError: string | undefined
}

export function createSalesforceService(deps: SalesforceServiceDeps) {
  const { sql, transact, secrets, hosts, outbound } = deps
  const call: Call = createCall(outbound, hosts)
  const oauth: Oauth = createOauth({ call, hosts })
  const keeper = new TokenKeeper({ ...deps, oauth })
  const registerOrg = createRegistration({ ...deps, oauth, call })
  const webLogin = createWebLogin({ ...deps, oauth, register: registerOrg })

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

  /** Connects to an org; what prevents it is in the result. @throws {SalesforceOrgNotFound} */
  async function test(caller: Caller, org: string): Promise<ConnectionTest> {
    caller.must('salesforce:use')
    const row = await getOrg(sql, caller, org)
    const startedAt = performance.now()
    const outcome = await keeper
      .use(row, async (session) => {
        const { apiVersion } = await probe({ call, maxApiVersion: deps.maxApiVersion }, session)
        return { apiVersion, error: undefined }
      })
      .catch((error: unknown) => ({ apiVersion: undefined, error: reasonOf(error) }))
    const { id, username, orgId, instanceUrl } = (await findOrg(sql, row)) ?? row
    const isConnected = outcome.error === undefined
    const data = { isConnected, error: outcome.error ?? null }
    await transact(async (tx) => tx.journal(orgEvent('salesforce.connection_tested', row, caller.by(), data)))
    const latencyMs = Math.round(performance.now() - startedAt)
    return { id, username, orgId, instanceUrl, isConnected, latencyMs, ...outcome }
  }

  /**
   * A link that opens a session of the org's user in a browser, at `path` if there is one. It is in no log.
   * @throws {SalesforceOrgNotFound} @throws {SalesforceOrgUnusable} @throws {SalesforceCallFailed} @throws {InvalidInput}
   */
  async function open(caller: Caller, org: string, path: string | undefined): Promise<FrontDoor & { id: string }> {
    caller.must('salesforce:use')
    if (path !== undefined) mustBePath(path)
    const row = await getOrg(sql, caller, org)
    const door = await keeper
      .use(row, (session) => openFrontDoor(oauth, session, path))
      .catch((error: unknown) => {
        throw callFailed(error)
      })
    const data = { path: path ?? null, isOneTime: door.isOneTime }
    await transact(async (tx) => tx.journal(orgEvent('salesforce.org_opened', row, caller.by(), data)))
    return { ...door, id: row.id }
  }

  /**
   * Removes an org with its credential, and revokes its authorization at Salesforce unless told not to; that it can't be
   * revoked prevents nothing. @throws {SalesforceOrgNotFound}
   */
  async function remove(caller: Caller, org: string, { revoke }: { revoke: boolean }): Promise<RemovedOrg> {
    caller.must('salesforce:admin')
    const { id, accountId } = await getOrg(sql, caller, org)
    return keeper.endCredential({ id, accountId }, async (row, credential) => {
      const accessToken = row.accessToken === null ? undefined : await secrets.open(row.accessToken)
      const secret = 'refreshToken' in credential ? credential.refreshToken : accessToken
      const failure = !revoke || secret === undefined ? 'It was not asked for.' : await revocation(row, secret)
      const isRevoked = failure === undefined
      await transact(async (tx) => {
        await deleteOrg(tx, row)
        tx.journal(orgEvent('salesforce.org_removed', row, caller.by(), { isRevoked }))
      })
      return { id, username: row.username, isRevoked, revocationError: revoke ? failure : undefined }
    })
  }

  /** Revokes at Salesforce; returns why that failed. */
  async function revocation({ loginUrl }: OrgRow, secret: string): Promise<string | undefined> {
    try {
      await oauth.revoke(loginUrl, secret)
      return undefined
    } catch (error) {
      if (!(error instanceof SalesforceFailure)) throw error
      return error.message
    }
  }

  return {
    register,
    registerSandbox,
    beginLogin: webLogin.begin,
    finishLogin: (parameters: string, request: RequestOrigin) => webLogin.finish(parameters, request),
    update,
    test,
    open,
    remove,
    heartbeat: createHeartbeat({ ...deps, keeper }),
    /** Resolves when no refresh token is in use here. */
    stop: () => keeper.stop(),
  }
}

/** An org of the caller's account, by id or username. @throws {SalesforceOrgNotFound} */
async function getOrg(sql: Sql, { accountId }: Caller, org: string): Promise<OrgRow> {
  const row = isId(org) ? await findOrg(sql, { accountId, id: org }) : await findOrgByUsername(sql, accountId, org)
  if (row === undefined) throw new SalesforceOrgNotFound(org)
  return row
}

/** What kept a session from an org, for people; bugs stay what they are. @throws */
function reasonOf(error: unknown): string {
  if (error instanceof SalesforceOrgUnusable || error instanceof SalesforceFailure) return error.message
  throw error
}

function callFailed(error: unknown): unknown {
  return error instanceof SalesforceFailure
    ? new SalesforceCallFailed(error.reason, error.message, { cause: error })
    : error
}
