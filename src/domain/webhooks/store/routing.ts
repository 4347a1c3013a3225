import type { Sql } from '#platform/database/sql.ts'
import { ProjectionCursor } from '#platform/work/journal-projection.ts'

/** Up to where the journal was turned into deliveries. */
export const routerCursor = new ProjectionCursor('delivery_cursor', 0x5b0c_0005)

/**
 * Lets the transaction's commit not wait for the disk. Should the database's machine fail within the next moments, cursor,
 * deliveries and claims are as they were before, together, and the same is done again under the same ids.
 */
export async function commitSoon(tx: Sql): Promise<void> {
  await tx.script('SET LOCAL synchronous_commit = off')
}

const accountsSql = `
  SELECT DISTINCT account_id AS "accountId" FROM webhook WHERE deleted_at IS NULL AND status = 'ACTIVE'`

/** Accounts with at least one active webhook. */
export async function findRoutedAccounts(sql: Sql): Promise<string[]> {
  return (await sql.query<{ accountId: string }>(accountsSql)).map(({ accountId }) => accountId)
}
