import { LRUCache } from 'lru-cache'
import type { Clock } from '#lib/clock.ts'
import { newId } from '#lib/ids.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { Transact } from '#platform/database/transaction.ts'
import { Caller, type Scope, scopes } from './caller.ts'
import { Unauthenticated } from './errors.ts'
import { findToken, hasAccounts, insertAccount, insertToken, lockEmptyInstallation } from './store.ts'
import { hashToken, newToken } from './token.ts'

export { Caller, roles } from './caller.ts'

export interface AccessServiceDeps {
  readonly sql: Sql
  readonly transact: Transact
  readonly clock: Clock
}

/** Who may do what; the only way in for callers. */
export type AccessService = ReturnType<typeof createAccessService>

/** How long a token's row is believed without asking again, in milliseconds. */
const tokenCacheMs = 1_000
const tokenCacheSize = 10_000
const longestToken = 4_096
/** Stands for all scopes, those of later versions included. */
const everyScope = '*'

export function createAccessService({ sql, transact, clock }: AccessServiceDeps) {
  const known = new LRUCache<string, Caller>({ max: tokenCacheSize, ttl: tokenCacheMs })

  /** Who holds this token. @throws {Unauthenticated} when nobody does, or not any more. */
  async function authenticate(token: string | undefined): Promise<Caller> {
    if (token === undefined || token === '' || token.length > longestToken) throw new Unauthenticated()
    const hash = hashToken(token)
    const key = hash.toString('base64')
    const caller = known.get(key) ?? (await load(key, hash))
    if (caller === undefined || isPast(caller.expiresAt)) throw new Unauthenticated()
    return caller
  }

  async function load(key: string, hash: Uint8Array): Promise<Caller | undefined> {
    const row = await findToken(sql, hash)
    if (row === undefined) return undefined
    const caller = new Caller({
      accountId: row.accountId,
      actor: { kind: 'application', id: row.id, name: row.name },
      role: row.role,
      scopes: row.scopes.includes(everyScope) ? scopes : row.scopes.filter(isScope),
      expiresAt: row.expiresAt ?? undefined,
    })
    known.set(key, caller)
    return caller
  }

  function isPast(time: Date | undefined): boolean {
    return time !== undefined && time <= clock.now()
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
      })
      return given === undefined ? token : undefined
    })
  }

  return { authenticate, bootstrap }
}

function isScope(text: string): text is Scope {
  return (scopes as readonly string[]).includes(text)
}
