import { isId } from '#lib/ids.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { Actor } from '#platform/journal/entry.ts'
import { Caller, type Role } from './caller.ts'
import { type Grant, grantsOf, isWithin, scopesOfRole } from './scope.ts'

/** Who has asked for something that is done later, again and again, and what they were allowed then. */
export interface Principal {
  readonly accountId: string
  readonly actor: Actor
  readonly credential: { readonly kind: string; readonly id: string }
  readonly scopes: readonly string[]
}

// A token that was rotated is gone on with by its successor, which has the same scopes.
const tokenSql = `
  WITH RECURSIVE chain AS (
    SELECT successor_id, coalesce(lineage_id, id) AS lineage_id, scopes, role, revoked_at IS NULL AND expires_at > now() AS valid, 1 AS hops
    FROM application_token WHERE account_id = $1 AND id = $2
    UNION ALL
    SELECT next.successor_id, chain.lineage_id, next.scopes, next.role, next.revoked_at IS NULL AND next.expires_at > now(), hops + 1
    FROM chain JOIN application_token AS next ON next.account_id = $1 AND next.id = chain.successor_id
    WHERE hops < 1000
  )
  SELECT role, scopes, lineage_id AS "lineageId" FROM chain WHERE valid ORDER BY hops DESC LIMIT 1`
const userSql = 'SELECT role FROM users WHERE account_id = $1 AND id = $2 AND removed_at IS NULL'

const unknownRequest = { requestId: 'webhook', address: '', userAgent: undefined }

/**
 * Whoever asked, with the rights that they had then and still have: none, when their token has ended or they are gone.
 */
export async function standIn(sql: Sql, principal: Principal): Promise<Caller> {
  const { accountId, actor, credential, scopes } = principal
  const held = await presentRights(sql, principal)
  const grants = grantsOf(scopes).filter((grant) => isWithin(grant, held.grants))
  const kind = credential.kind === 'token' ? 'token' : 'session'
  const identity = {
    accountId,
    actor,
    principalId: held.principalId ?? actor.id,
    role: held.role,
    grants,
    credential: { kind, id: credential.id },
    expiresAt: undefined,
  }
  return new Caller(identity as ConstructorParameters<typeof Caller>[0], unknownRequest)
}

async function presentRights(sql: Sql, { accountId, actor, credential }: Principal): Promise<PresentRights> {
  if (actor.kind === 'user') {
    const [user] = isId(actor.id) ? await sql.query<{ role: 'OWNER' | 'MEMBER' }>(userSql, [accountId, actor.id]) : []
    return user === undefined ? none : { role: user.role, grants: grantsOf(scopesOfRole[user.role]) }
  }
  if (!isId(credential.id)) return none
  const [token] = await sql.query<{ role: Role; scopes: string[]; lineageId: string }>(tokenSql, [
    accountId,
    credential.id,
  ])
  if (token === undefined) return none
  return { role: token.role, grants: grantsOf(token.scopes), principalId: token.lineageId }
}

interface PresentRights {
  readonly role: Role
  readonly grants: readonly Grant[]
  /** Of a token; people are their own. */
  readonly principalId?: string
}

const none: PresentRights = { role: 'APPLICATION', grants: [] }
