import type { Sql } from '#platform/database/sql.ts'
import type { Position } from '#platform/journal/entry.ts'

/** Key of the advisory lock of whoever turns the journal into deliveries. */
const routerLock = 0x5b0c_0005

/** Whether this transaction is the one that routes; others see so at once. */
export async function tryLockRouter(sql: Sql): Promise<boolean> {
  const [row] = await sql.query<{ locked: boolean }>('SELECT pg_try_advisory_xact_lock($1) AS locked', [routerLock])
  return row?.locked === true
}

/**
 * Lets the transaction's commit not wait for the disk. Should the database's machine fail within the next moments, cursor,
 * deliveries and claims are as they were before, together, and the same is done again under the same ids.
 */
export async function commitSoon(tx: Sql): Promise<void> {
  await tx.script('SET LOCAL synchronous_commit = off')
}

/** Up to where the journal was turned into deliveries. */
export async function readRouterCursor(sql: Sql): Promise<Position> {
  const [row] = await sql.query<{ xid: string; seq: string }>('SELECT xid, seq FROM delivery_cursor')
  if (row === undefined) throw new Error('The table delivery_cursor has lost its row.')
  return { xid: BigInt(row.xid), seq: BigInt(row.seq) }
}

export async function moveRouterCursor(sql: Sql, { xid, seq }: Position): Promise<void> {
  await sql.query('UPDATE delivery_cursor SET xid = $1, seq = $2', [xid, seq])
}

const accountsSql = `
  SELECT DISTINCT account_id AS "accountId" FROM webhook WHERE deleted_at IS NULL AND status = 'ACTIVE'`

/** Accounts that have a webhook which is told of something. */
export async function findRoutedAccounts(sql: Sql): Promise<string[]> {
  return (await sql.query<{ accountId: string }>(accountsSql)).map(({ accountId }) => accountId)
}
