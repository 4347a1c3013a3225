import type { Caller } from '#domain/access/service.ts'
import { isId } from '#lib/ids.ts'
import type { Sql } from '#platform/database/sql.ts'
import { NoDefaultOrg, SalesforceOrgNotFound } from './errors.ts'
import type { OrgRow } from './org.ts'
import { findDefaultOrg, findOrg, findOrgByUsername } from './store.ts'

/** An org of the caller's account, by id or username. @throws {SalesforceOrgNotFound} */
export async function getOrg(sql: Sql, { accountId }: Pick<Caller, 'accountId'>, org: string): Promise<OrgRow> {
  const row = isId(org) ? await findOrg(sql, { accountId, id: org }) : await findOrgByUsername(sql, accountId, org)
  if (row === undefined) throw new SalesforceOrgNotFound(org)
  return row
}

/** An org of an account, by id or username; the default one when none is named. @throws {SalesforceOrgNotFound} @throws {NoDefaultOrg} */
export async function getOrgOrDefault(sql: Sql, accountId: string, org: string | undefined): Promise<OrgRow> {
  if (org !== undefined) return getOrg(sql, { accountId }, org)
  const row = await findDefaultOrg(sql, accountId)
  if (row === undefined) throw new NoDefaultOrg()
  return row
}
