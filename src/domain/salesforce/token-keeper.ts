import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '#lib/clock.ts'
import { compositeKey } from '#lib/composite-key.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { Transact, Transaction } from '#platform/database/transaction.ts'
import type { SecretBox } from '#platform/secrets/secret-box.ts'
import type { VersionedSession } from './connection.ts'
import { type Credential, credentialText, parseCredential, refreshTokenHash } from './credential.ts'
import { SalesforceFailure, SalesforceOrgNotFound, SalesforceOrgUnusable } from './errors.ts'
import { eventOfState, orgEvent } from './events.ts'
import { apiVersionFor } from './identify.ts'
import type { Oauth, Tokens } from './oauth.ts'
import { hasRefreshToken, type OrgKey, type OrgRow, type OrgState } from './org.ts'
import { claimRefresh, endClaim, findOrg, lockOrg, saveState, saveTokens } from './store.ts'

/** A session of an org, to be used for one call or one attempt. */
export interface OrgSession extends VersionedSession {
  /** Grows with each access token of the org. */
  readonly accessVersion: number
}

export interface TokenKeeperDeps {
  readonly sql: Sql
  readonly transact: Transact
  readonly secrets: SecretBox
  readonly oauth: Oauth
  readonly clock: Clock
  /** The newest API version to use. */
  readonly maxApiVersion: string
  /** After how long without use a token is requested all the same, in milliseconds. */
  readonly refreshAfterMs: number
}

/** For how long one process alone may request tokens of an org: longer than a request may take. */
const refreshLeaseMs = 20_000
/** How often those who wait for another process look for its result, and for how long, in milliseconds. */
const lookMs = 150
const patienceMs = refreshLeaseMs + 5_000
/** For how long it is tried to store tokens that were received, in milliseconds. */
const saveTriesMs = [0, 100, 500, 1_000, 2_000, 4_000, 8_000]

const crashed =
  'The server stopped while it was exchanging the refresh token, which may be used up. Register the org again.'

type Begun =
  | { readonly kind: 'known'; readonly row: OrgRow }
  | { readonly kind: 'busy' }
  | { readonly kind: 'ended'; readonly row: OrgRow }
  | { readonly kind: 'claimed'; readonly row: OrgRow; readonly credential: Credential }

/**
 * Keeps the access tokens of orgs. Of all processes, one at a time requests tokens of an org: it notes in the row which
 * refresh token it is about to use, and stores the new one before anybody uses the access token that came with it. When a
 * process dies in between, the note stays, and the refresh token is never used again: whether Salesforce has replaced it
 * can't be known, and a second use would end all of the user's sessions.
 */
export class TokenKeeper {
  readonly #deps: TokenKeeperDeps
  readonly #underWay = new Map<string, Promise<OrgSession>>()

  constructor(deps: TokenKeeperDeps) {
    this.#deps = deps
  }

  /** Resolves when no request for tokens is under way here. */
  async stop(): Promise<void> {
    await Promise.allSettled(this.#underWay.values())
  }

  /**
   * Does work with a session of an org; once more with a new access token when Salesforce takes the stored one no longer.
   * @throws {SalesforceOrgNotFound} @throws {SalesforceOrgUnusable} @throws {SalesforceFailure} that says nothing about the org
   */
  async use<T>(key: OrgKey, work: (session: OrgSession, org: OrgRow) => Promise<T>): Promise<T> {
    const row = await this.#find(key)
    mustBeUsable(row)
    const session = row.accessToken === null ? await this.refresh(key, row.accessVersion) : await this.#sessionOf(row)
    return this.#attempt(row, session, work).catch(async (error: unknown) => {
      if (!(error instanceof SalesforceFailure && error.isSessionInvalid)) throw error
      return this.#attempt(row, await this.refresh(key, session.accessVersion), work)
    })
  }

  /**
   * A session of an org, for work that is done elsewhere; with `staleVersion` a newer one than that, which Salesforce takes
   * no longer. @throws {SalesforceOrgNotFound} @throws {SalesforceOrgUnusable} @throws {SalesforceFailure}
   */
  async session(key: OrgKey, staleVersion?: number): Promise<OrgSession> {
    const row = await this.#find(key)
    mustBeUsable(row)
    const isStale = row.accessToken === null || row.accessVersion === staleVersion
    return isStale ? this.refresh(key, row.accessVersion) : this.#sessionOf(row)
  }

  /** Stores what work elsewhere has learned of an org's state. */
  async noteState(key: OrgKey, state: OrgState, message: string | null): Promise<void> {
    const row = await findOrg(this.#deps.sql, key)
    if (row !== undefined && row.state !== state && !isEnded(row)) await this.#settle(row, state, message)
  }

  async #attempt<T>(
    row: OrgRow,
    session: OrgSession,
    work: (session: OrgSession, org: OrgRow) => Promise<T>,
  ): Promise<T> {
    try {
      const result = await work(session, row)
      if (row.state !== 'ACTIVE') await this.#settle(row, 'ACTIVE', null)
      return result
    } catch (error) {
      if (!(error instanceof SalesforceFailure) || error.state === undefined) throw error
      await this.#settle(row, error.state, error.message)
      throw new SalesforceOrgUnusable(row.username, error.state, error.message, { cause: error })
    }
  }

  /**
   * A session with a newer access token than the one of this version.
   * @throws {SalesforceOrgNotFound} @throws {SalesforceOrgUnusable} @throws {SalesforceFailure}
   */
  refresh(key: OrgKey, staleVersion: number): Promise<OrgSession> {
    const name = compositeKey(key.accountId, key.id, staleVersion)
    const known = this.#underWay.get(name)
    if (known !== undefined) return known
    const refreshing = this.#refresh(key, staleVersion).finally(() => this.#underWay.delete(name))
    this.#underWay.set(name, refreshing)
    return refreshing
  }

  async #refresh(key: OrgKey, staleVersion: number): Promise<OrgSession> {
    const patienceEnds = performance.now() + patienceMs
    while (performance.now() < patienceEnds) {
      const begun = await this.#claim(key, (row) => row.accessToken !== null && row.accessVersion !== staleVersion)
      if (begun.kind === 'known') return this.#sessionOf(begun.row)
      if (begun.kind === 'ended') throw unusable(begun.row)
      const session = begun.kind === 'claimed' ? await this.#request(begun.row, begun.credential) : undefined
      if (session !== undefined) return session
      await sleep(lookMs)
    }
    throw new SalesforceFailure('Another process is requesting a token of this org for too long.', {
      reason: 'BUSY',
      state: 'MAINTENANCE',
    })
  }

  /**
   * Claims an org's credential for this process; returns the credential, unless the org is as `isDone` wants it, another
   * process has it, or it has ended.
   */
  #claim(key: OrgKey, isDone: (row: OrgRow) => boolean): Promise<Begun> {
    return this.#deps.transact.quiet('the claim of a credential')(async (tx): Promise<Begun> => {
      const row = await lockOrg(tx, key)
      if (row === undefined) throw new SalesforceOrgNotFound(key.id)
      if (isDone(row)) return { kind: 'known', row }
      if (row.isRefreshing) return { kind: 'busy' }
      if (isEnded(row)) return { kind: 'ended', row }
      const credential = parseCredential(await this.#deps.secrets.open(row.credential))
      const tokenHash = refreshTokenHash(credential)
      if (tokenHash !== undefined && row.refreshing !== null && tokenHash.equals(row.refreshing)) {
        const state = await changeState(tx, row, 'NEEDS_REAUTHORIZATION', crashed)
        return { kind: 'ended', row: { ...row, ...state } }
      }
      await claimRefresh(tx, key, { tokenHash, leaseMs: refreshLeaseMs })
      return { kind: 'claimed', row, credential }
    })
  }

  /** Requests tokens and stores them; undefined when the org was registered again or removed meanwhile. */
  async #request(row: OrgRow, credential: Credential): Promise<OrgSession | undefined> {
    let tokens: Tokens
    try {
      tokens = await this.#deps.oauth.requestToken(row.loginUrl, credential)
    } catch (error) {
      if (!(error instanceof SalesforceFailure)) throw error
      const state = error.state ?? 'MAINTENANCE'
      await this.#settle(row, state, error.message, { endsClaim: true })
      throw new SalesforceOrgUnusable(row.username, state, error.message, { cause: error })
    }
    return this.#save(row, credential, tokens)
  }

  /** What was received is lost if it can't be stored, so it is tried for a while. */
  async #save(row: OrgRow, credential: Credential, tokens: Tokens): Promise<OrgSession | undefined> {
    let failure: unknown
    for (const waitMs of saveTriesMs) {
      await sleep(waitMs)
      try {
        return await this.#store(row, credential, tokens)
      } catch (error) {
        failure = error
      }
    }
    throw failure
  }

  async #store(row: OrgRow, credential: Credential, tokens: Tokens): Promise<OrgSession | undefined> {
    const { secrets, transact, clock, refreshAfterMs } = this.#deps
    const { accessToken, instanceUrl, refreshToken } = tokens
    const isRotated =
      'refreshToken' in credential && refreshToken !== undefined && refreshToken !== credential.refreshToken
    const next = isRotated ? await secrets.seal(credentialText({ ...credential, refreshToken })) : row.credential
    const sealed = await secrets.seal(accessToken)
    return transact(async (tx) => {
      const current = await lockOrg(tx, row)
      if (current?.credentialVersion !== row.credentialVersion) return undefined
      const refreshDueAt = new Date(clock.now().getTime() + refreshAfterMs)
      const accessVersion = await saveTokens(tx, row, {
        credential: next,
        accessToken: sealed,
        instanceUrl,
        refreshDueAt,
      })
      tx.journal(orgEvent('salesforce.token_refreshed', row, undefined, { isRotated }))
      if (current.state !== 'ACTIVE') tx.journal(stateEvent(current, 'ACTIVE', null))
      return { ...this.#versioned(row), instanceUrl, accessToken, accessVersion }
    })
  }

  /** Stores what the state of an org is now, unless it was registered again meanwhile. */
  async #settle(
    row: OrgRow,
    state: OrgState,
    message: string | null,
    { endsClaim = false }: { endsClaim?: boolean } = {},
  ): Promise<void> {
    await this.#deps.transact.quiet('the state of an org')(async (tx) => {
      const current = await lockOrg(tx, row)
      if (current?.credentialVersion !== row.credentialVersion) return
      await changeState(tx, current, state, message)
      if (endsClaim) await endClaim(tx, row)
    })
  }

  /**
   * Does work that ends an org's credential, once no process requests tokens with it any more, or after some time in any
   * case. None does so until the lease is over. @throws {SalesforceOrgNotFound}
   */
  async endCredential<T>(key: OrgKey, work: (row: OrgRow, credential: Credential) => Promise<T>): Promise<T> {
    const patienceEnds = performance.now() + patienceMs
    for (;;) {
      const begun = await this.#claim(key, isEnded)
      if (begun.kind === 'claimed') return work(begun.row, begun.credential)
      if (begun.kind !== 'busy' || performance.now() > patienceEnds) {
        const row = await this.#find(key)
        return work(row, parseCredential(await this.#deps.secrets.open(row.credential)))
      }
      await sleep(lookMs)
    }
  }

  async #find(key: OrgKey): Promise<OrgRow> {
    const row = await findOrg(this.#deps.sql, key)
    if (row === undefined) throw new SalesforceOrgNotFound(key.id)
    return row
  }

  async #sessionOf(row: OrgRow): Promise<OrgSession> {
    const accessToken = await this.#deps.secrets.open(row.accessToken ?? '')
    return { ...this.#versioned(row), instanceUrl: row.instanceUrl, accessToken, accessVersion: row.accessVersion }
  }

  #versioned({ newestApiVersion }: OrgRow): { apiVersion: string } {
    return { apiVersion: apiVersionFor(newestApiVersion, this.#deps.maxApiVersion) }
  }
}

/** Whether an org's authorization has ended for good. */
function isEnded(row: OrgRow): boolean {
  return row.state === 'NEEDS_REAUTHORIZATION' && hasRefreshToken(row)
}

function mustBeUsable(row: OrgRow): void {
  if (isEnded(row)) throw unusable(row)
}

function unusable({ username, state, stateMessage }: OrgRow): SalesforceOrgUnusable {
  return new SalesforceOrgUnusable(username, state, stateMessage ?? 'Register the org again.')
}

async function changeState(
  tx: Transaction,
  row: OrgRow,
  state: OrgState,
  stateMessage: string | null,
): Promise<Pick<OrgRow, 'state' | 'stateMessage'>> {
  await saveState(tx, row, state, stateMessage)
  if (row.state !== state) tx.journal(stateEvent(row, state, stateMessage))
  return { state, stateMessage }
}

function stateEvent(row: OrgRow, state: OrgState, message: string | null) {
  return orgEvent(eventOfState[state], row, undefined, { state, message })
}
