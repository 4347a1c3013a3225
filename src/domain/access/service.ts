import type { QuotaService } from '#domain/quotas/service.ts'
import type { Clock } from '#lib/clock.ts'
import { newId } from '#lib/ids.ts'
import type { Database } from '#platform/database/client.ts'
import type { Transact, Transaction } from '#platform/database/transaction.ts'
import type { GuardedFetch } from '#platform/http/guarded-fetch.ts'
import type { Actor, JournalEntry } from '#platform/journal/entry.ts'
import type { SecretBox } from '#platform/secrets/secret-box.ts'
import type { Logger } from '#platform/telemetry/log.ts'
import { accountsForCallers, createAccountService } from './account-service.ts'
import { hasAccounts, insertAccount, lockEmptyInstallation } from './account-store.ts'
import { Caller, type OnRefused, type RequestOrigin } from './caller.ts'
import { Credentials } from './credentials.ts'
import { type TokenFault, Unauthenticated } from './errors.ts'
import { lossBy } from './events.ts'
import { deleteOldRefusals } from './incidents/incident-store.ts'
import { Incidents } from './incidents/incidents.ts'
import { LiveCallers } from './live-callers.ts'
import { issueOwnerToken } from './owner-token.ts'
import { createTeamService } from './people/team-service.ts'
import { createUserService } from './people/user-service.ts'
import { createDeviceSignIn } from './sign-in/device-sign-in.ts'
import { deleteOldDevices } from './sign-in/device-store.ts'
import { TokenRefused } from './sign-in/errors.ts'
import type { OidcProvider } from './sign-in/oidc-provider.ts'
import { createOidcSignIn } from './sign-in/oidc-sign-in.ts'
import { createPasswordSignIn } from './sign-in/password-sign-in.ts'
import { deleteOldPlaces } from './sign-in/place-store.ts'
import { deleteOldSessions } from './sign-in/session-store.ts'
import { SessionUsage } from './sign-in/session-usage.ts'
import { createSessions } from './sign-in/sessions.ts'
import { SigningKeys } from './sign-in/signing-keys.ts'
import { DeviceThrottle, SignInThrottle } from './sign-in/throttle.ts'
import { expiryWarnings, readExpiryOutlook } from './tokens/expiry-outlook.ts'
import { hashToken } from './tokens/token.ts'
import { createTokenService } from './tokens/token-service.ts'
import { deleteOldHours, deleteOldTokens } from './tokens/token-store.ts'
import { TokenUsage } from './tokens/token-usage.ts'
import { createTokenExchange } from './trust/token-exchange.ts'
import type { TrustRule } from './trust/trust-rule.ts'

export { Caller, roles } from './caller.ts'

/** How long an ended session is kept, so that reuse of its refresh tokens is noticed. */
const sessionRetentionDays = 30
const deletedAtOnce = 1_000

export interface AccessServiceDeps {
  readonly database: Database
  readonly transact: Transact
  readonly secrets: SecretBox
  readonly clock: Clock
  readonly quotas: Pick<QuotaService, 'mustHaveRoom'>
  /** The public address of this installation, also the issuer of access tokens; undefined: not configured. */
  readonly publicUrl: string | undefined
  /** Where people sign in; undefined: by password only. */
  readonly provider: OidcProvider | undefined
  /** E-mail domains whose people get a user when they first sign in at the provider. */
  readonly allowedDomains: readonly string[]
  /** Which tokens of outside issuers are exchanged. */
  readonly trustRules: readonly TrustRule[]
  /** Fetches the keys of these issuers. */
  readonly outbound: GuardedFetch
  readonly log: Logger
  /** Begins the audit log of an account, in the transaction that creates it. */
  readonly beginAuditLog: (tx: Transaction, accountId: string) => Promise<void>
}

/** Who may do what; the only way in for callers. */
export type AccessService = ReturnType<typeof createAccessService>

export function createAccessService(deps: AccessServiceDeps) {
  const { database, transact, secrets, clock, quotas, publicUrl, provider, allowedDomains, beginAuditLog } = deps
  const keys = new SigningKeys({ sql: database, transact, secrets, clock, issuer: publicUrl ?? 'signalbox' })
  const sessions = createSessions({ sql: database, transact, keys, clock })
  const throttle = new SignInThrottle(database.pool)
  const oidc = createOidcSignIn({ sql: database, transact, secrets, sessions, clock, provider, allowedDomains })
  const credentials = new Credentials(database, sessions, oidc, clock)
  const live = new LiveCallers(clock)
  const usage = new TokenUsage(transact)
  const sessionUsage = new SessionUsage(database)
  const incidents = new Incidents(transact, clock)
  const { trustRules: rules, outbound, log } = deps
  const tokenExchange = createTokenExchange({
    ...{ sql: database, transact, clock, quotas },
    ...{ incidents, rules, outbound, log },
  })

  /** The caller of a request with this token. @throws {Unauthenticated} when it is unknown, or not valid any more */
  async function authenticate(token: string | undefined, request: RequestOrigin): Promise<Caller> {
    const identity = await credentials.identify(token).catch((error: unknown) => {
      if (error instanceof Unauthenticated) noteStranger(token, request, error.fault)
      throw error
    })
    const caller = new Caller(identity, request, { onRefused })
    usage.note(caller, request)
    sessionUsage.note(caller, request)
    return caller
  }

  function onRefused(...refusal: Parameters<OnRefused>): void {
    incidents.refused(...refusal)
  }

  function noteStranger(token: string | undefined, request: RequestOrigin, fault: TokenFault | undefined): void {
    if (token === undefined) incidents.attempted('none', 'UNAUTHENTICATED', request)
    else
      incidents.attempted('token', 'UNAUTHENTICATED', request, { hash: hashToken(token), isKnown: fault !== 'unknown' })
  }

  /** Whose access token this is. @throws {TokenRefused} */
  async function personOf(token: string): Promise<string> {
    const { actor } = await credentials.identify(token).catch(orRefused)
    if (actor.kind !== 'user') throw new TokenRefused()
    return actor.id
  }

  /** To be called with each journal entry: when it ends rights, what is cached and under way with them ends. */
  function onJournalEntry(entry: JournalEntry): void {
    const loss = lossBy(entry)
    if (loss === undefined) return
    credentials.forget(loss.id)
    live.endBy(loss)
  }

  /**
   * Gives an empty installation its first account and the owner's token: the given one, or a new one.
   * @returns the token when this call created it, so that it can be shown once.
   */
  async function bootstrap(given: string | undefined): Promise<string | undefined> {
    await keys.rotate()
    if (await hasAccounts(database)) return undefined
    return transact(async (tx) => {
      if (!(await lockEmptyInstallation(tx))) return undefined
      const accountId = newId()
      await insertAccount(tx, accountId, 'main')
      await beginAuditLog(tx, accountId)
      const by = { actor: bootstrapper }
      const token = await issueOwnerToken(tx, { accountId, now: clock.now(), by }, given)
      return given === undefined ? token : undefined
    })
  }

  return {
    authenticate,
    bootstrap,
    onJournalEntry,
    /** Calls `end` when the caller loses their rights; returns a function to call when the request ends before. */
    hold: (caller: Caller, end: () => void) => live.hold(caller, end),
    accounts: accountsForCallers(createAccountService({ sql: database, transact, clock, beginAuditLog })),
    tokens: createTokenService({ transact, clock, quotas }),
    /** Exchanges a token of a trusted issuer for a short-lived one. */
    exchange: tokenExchange.exchange,
    users: createUserService({ transact }),
    teams: createTeamService({ transact }),
    sessions: {
      refresh: (token: string, request: RequestOrigin, scopes?: readonly string[]) =>
        incidents.watch('refresh', request, () => sessions.refresh(token, request, scopes)),
      end: sessions.end,
      endAll: sessions.endAll,
      personIn: sessions.personIn,
      check: personOf,
    },
    oidc: {
      begin: oidc.begin,
      finish: (parameters: string, pending: string, request: RequestOrigin) =>
        incidents.watch('oidc', request, () => oidc.finish(parameters, pending, request)),
    },
    devices: createDeviceSignIn({
      sql: database,
      transact,
      sessions,
      throttle: new DeviceThrottle(database.pool),
      clock,
      publicUrl: publicUrl?.replace(/\/$/, ''),
    }),
    passwords: createPasswordSignIn({ sql: database, transact, sessions, throttle, incidents }),
    /** The keys by which access tokens can be checked. */
    jwks: () => keys.jwks(),
    /** Warnings about credentials that expire soon, for the operator. */
    expiryWarnings: async () => expiryWarnings(await readExpiryOutlook(database, provider !== undefined)),
    /** Stores how tokens were used, and reports which have expired; to be called every few seconds. */
    async keepRecord(): Promise<void> {
      await usage.flush()
      await sessionUsage.flush()
      await usage.reportExpired()
    },
    /** Journals refusals and failed attempts; to be called every second. */
    tellIncidents: () => incidents.tell(),
    /** Rotates keys in time, and deletes what ended long ago; to be called periodically. */
    async maintain(): Promise<void> {
      await keys.rotate()
      await deleteOldHours(database)
      await deleteOldRefusals(database)
      await deleteOldDevices(database)
      await deleteOldPlaces(database)
      while ((await deleteOldTokens(database, deletedAtOnce)) === deletedAtOnce);
      while ((await deleteOldSessions(database, sessionRetentionDays, deletedAtOnce)) === deletedAtOnce);
    },
    async stop(): Promise<void> {
      live.stop()
      await usage.flush()
      await sessionUsage.flush()
      await incidents.tell({ everything: true })
    },
  }
}

const bootstrapper: Actor = { kind: 'system', id: 'bootstrap', name: 'bootstrap' }

function orRefused(error: unknown): never {
  throw error instanceof Unauthenticated ? new TokenRefused() : error
}
