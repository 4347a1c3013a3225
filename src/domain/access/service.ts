import type { QuotaService } from '#domain/quotas/service.ts'
import type { Clock } from '#lib/clock.ts'
import type { Database } from '#platform/database/client.ts'
import type { Transact, Transaction } from '#platform/database/transaction.ts'
import type { GuardedFetch } from '#platform/http/guarded-fetch.ts'
import type { JournalEntry } from '#platform/journal/entry.ts'
import type { SecretBox } from '#platform/secrets/secret-box.ts'
import type { Logger } from '#platform/telemetry/log.ts'
import { accountsForCallers, createAccountService } from './account-service.ts'
import { createAuthentication } from './authentication.ts'
import { createBootstrap } from './bootstrap.ts'
import type { Caller, RequestOrigin } from './caller.ts'
import { Credentials } from './credentials.ts'
import { lossBy } from './events.ts'
import { Incidents } from './incidents/incidents.ts'
import { LiveCallers } from './live-callers.ts'
import { createTeamService } from './people/team-service.ts'
import { createUserService } from './people/user-service.ts'
import { applyAccessRetention } from './retention.ts'
import { createBrowserSessions } from './sign-in/browser-sessions.ts'
import { createDeviceSignIn } from './sign-in/device-sign-in.ts'
import type { OidcProvider } from './sign-in/oidc-provider.ts'
import { createOidcSignIn } from './sign-in/oidc-sign-in.ts'
import { createPasswordSignIn } from './sign-in/password-sign-in.ts'
import { createSessionCommands } from './sign-in/session-commands.ts'
import { SessionUsage } from './sign-in/session-usage.ts'
import { createSessions } from './sign-in/sessions.ts'
import { SigningKeys } from './sign-in/signing-keys.ts'
import { DeviceThrottle, SignInThrottle } from './sign-in/throttle.ts'
import { expiryWarnings, readExpiryOutlook } from './tokens/expiry-outlook.ts'
import { createTokenService } from './tokens/token-service.ts'
import { TokenUsage } from './tokens/token-usage.ts'
import { createTokenExchange } from './trust/token-exchange.ts'
import type { TrustRule } from './trust/trust-rule.ts'

export { Caller, roles } from './caller.ts'
export type { Scope } from './scope.ts'

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
  const exchangeDeps = { sql: database, transact, clock, quotas, incidents, rules, outbound, log }
  const tokenExchange = createTokenExchange(exchangeDeps)
  const { authenticate, personOf } = createAuthentication({ credentials, usage, sessionUsage, incidents })

  /** To be called with each journal entry: when it ends rights, what is cached and under way with them ends. */
  function onJournalEntry(entry: JournalEntry): void {
    const loss = lossBy(entry)
    if (loss === undefined) return
    credentials.forget(loss.id)
    live.endBy(loss)
  }

  return {
    authenticate,
    bootstrap: createBootstrap({ database, transact, keys, clock, beginAuditLog }),
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
      ...createSessionCommands({ transact }),
      check: personOf,
    },
    /** What browsers are signed in with. */
    browsers: createBrowserSessions({ transact, clock, forget: (id) => credentials.forget(id) }),
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
      await applyAccessRetention(database)
    },
    async stop(): Promise<void> {
      live.stop()
      await usage.flush()
      await sessionUsage.flush()
      await incidents.tell({ everything: true })
    },
  }
}
