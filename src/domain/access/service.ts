import type { Clock } from '#lib/clock.ts'
import { newId } from '#lib/ids.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { Transact } from '#platform/database/transaction.ts'
import type { JournalEntry } from '#platform/journal/entry.ts'
import { hasAccounts, insertAccount, lockEmptyInstallation } from './account-store.ts'
import { Caller, type RequestOrigin } from './caller.ts'
import { Credentials } from './credentials.ts'
import { LiveCallers } from './live-callers.ts'
import { createTeamService } from './people/team-service.ts'
import { createUserService } from './people/user-service.ts'
import { everyScope } from './scope.ts'
import { expiryAfter, hashToken, newToken, tokenLifetime } from './tokens/token.ts'
import { createTokenService } from './tokens/token-service.ts'
import { insertToken } from './tokens/token-store.ts'
import { TokenUsage } from './tokens/token-usage.ts'

export { Caller, roles } from './caller.ts'

export interface AccessServiceDeps {
  readonly sql: Sql
  readonly transact: Transact
  readonly clock: Clock
}

/** Who may do what; the only way in for callers. */
export type AccessService = ReturnType<typeof createAccessService>

export function createAccessService({ sql, transact, clock }: AccessServiceDeps) {
  const credentials = new Credentials(sql, clock)
  const live = new LiveCallers(clock)
  const usage = new TokenUsage(transact)

  /** Who makes a request with this token. @throws {Unauthenticated} when nobody holds it, or not any more. */
  async function authenticate(token: string | undefined, request: RequestOrigin): Promise<Caller> {
    const caller = new Caller(await credentials.identify(token), request)
    usage.note(caller, request)
    return caller
  }

  /** What the journal tells: a credential that was taken away is forgotten, and who was admitted with it is sent off. */
  function heed(entry: JournalEntry): void {
    credentials.heed(entry)
    live.heed(entry)
  }

  /**
   * Gives an empty installation its first account and the owner's token: the one that is handed in, or a new one.
   * @returns the token when this call made it, so that it can be shown this once.
   */
  async function bootstrap(given: string | undefined): Promise<string | undefined> {
    if (await hasAccounts(sql)) return undefined
    return transact(async (tx) => {
      if (!(await lockEmptyInstallation(tx))) return undefined
      const token = given ?? newToken()
      const accountId = newId()
      await insertAccount(tx, accountId, 'main')
      await insertToken(tx, {
        accountId,
        id: newId(),
        name: 'owner',
        hash: hashToken(token),
        role: 'OWNER',
        scopes: [everyScope],
        expiresAt: expiryAfter(tokenLifetime.longest, clock.now()),
        createdBy: { kind: 'system', id: 'bootstrap', name: 'bootstrap' },
      })
      return given === undefined ? token : undefined
    })
  }

  return {
    authenticate,
    bootstrap,
    heed,
    /** Has `end` called when the caller loses the right to be served; returns what to call when it is over anyway. */
    hold: (caller: Caller, end: () => void) => live.hold(caller, end),
    tokens: createTokenService({ transact, clock }),
    users: createUserService({ transact }),
    teams: createTeamService({ transact }),
    /** Writes down how tokens were used, and which have expired; to be called every few seconds. */
    async keepRecord(): Promise<void> {
      await usage.flush()
      await usage.tellExpired()
    },
    async stop(): Promise<void> {
      live.stop()
      await usage.flush()
    },
  }
}
