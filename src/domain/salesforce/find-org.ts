import type { Caller } from '#domain/access/service.ts'
import { isId } from '#lib/ids.ts'
import type { Sql } from '#platform/database/sql.ts'
import { SalesforceOrgNotFound } from './errors.ts'
import type { OrgRow } from './org.ts'
import { findOrg, findOrgByUsername } from './store.ts'

/** An org of the caller's account, by id or username. @throws {SalesforceOrgNotFound} */
export async function getOrg(sql: Sql, { accountId }: Caller, org: string): Promise<OrgRow> {
  const row = isId(org) ? await findOrg(sql, { accountId, id: org }) : await findOrgByUsername(sql, accountId, org)
  if (row === undefined) throw new SalesforceOrgNotFound(org)
  return row
}
