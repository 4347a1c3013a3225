import type { Caller } from '#domain/access/service.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { Transact } from '#platform/database/transaction.ts'
import type { SecretBox } from '#platform/secrets/secret-box.ts'
import type { Call } from './calls.ts'
import { SalesforceCallFailed, SalesforceFailure, SalesforceOrgUnusable } from './errors.ts'
import { orgEvent } from './events.ts'
import { getOrg } from './find-org.ts'
import { type FrontDoor, mustBePath, openFrontDoor } from './front-door.ts'
import { probe } from './identify.ts'
import type { Oauth } from './oauth.ts'
import type { OrgRow } from './org.ts'
import { deleteOrg, findOrg } from './store.ts'
import type { TokenKeeper } from './token-keeper.ts'

interface OrgCommandDeps {
  readonly sql: Sql
  readonly transact: Transact
  readonly secrets: SecretBox
  readonly call: Call
  readonly oauth: Oauth
  readonly keeper: TokenKeeper
  readonly maxApiVersion: string
}

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

/** Commands that use registered orgs, and remove them. */
export function createOrgCommands(deps: OrgCommandDeps) {
  const { sql, transact, secrets, call, oauth, keeper } = deps

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

  return { test, open, remove }
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
