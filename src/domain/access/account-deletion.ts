import type { Clock } from '#lib/clock.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { Transact, Transaction } from '#platform/database/transaction.ts'
import type { By } from '#platform/journal/entry.ts'
import type { Account } from './account.ts'
import { AccountStateConflict } from './account-errors.ts'
import { findAccount, findFirstAccount, lockAccounts } from './account-store.ts'
import { accountEvent } from './events.ts'

/** Every table that holds rows of accounts; a table comes before those that it refers to. */
export const accountTables = [
  ...[
    'task_pause',
    'task_share',
    'task_lane',
    'task_concurrency',
    'task_rate',
    'task_dependency',
    'task_log',
    'task_step',
    'task_wait',
    'task_signal',
    'task_attempt',
    'task_checkpoint',
    'task_lease',
    'worker_lane',
    'worker_share',
    'task_part_chunk',
    'task_part',
    'salesforce_deployment',
    'task_schedule_run',
    'task_schedule',
    'task',
    'task_type',
    'worker',
    'inbound_call',
  ],
  ...['delivery_attempt', 'delivery', 'webhook'],
  ...['salesforce_login', 'salesforce_org', 'environment', 'secret'],
  ...['document_version', 'document', 'collection'],
  ...['entry_version', 'entry', 'entry_ledger', 'lock_waiter', 'lock'],
  ...['token_hour', 'refusal_count', 'browser_session', 'application_token', 'idempotent_request'],
  ...['refresh_token', 'session', 'identity', 'sign_in_place', 'device_sign_in', 'team_member', 'team', 'users'],
  ...['journal', 'audit_entry', 'audit_chain'],
  // Deleting from the others adds rows here.
  ...['usage_change', 'usage', 'journal_usage'],
] as const
type AccountTable = (typeof accountTables)[number]

/** Rows in one transaction, so that none blocks others for long. */
const batchSize = 1_000
/** For how long an account must have been suspended, so that earlier requests have ended everywhere, in milliseconds. */
const settledMs = 30_000

export interface AccountDeletion {
  readonly account: Account
  /** Rows that were deleted, or would be. */
  readonly rows: readonly { readonly table: string; readonly count: number }[]
  /** Whether the account is deleted. */
  readonly isDone: boolean
}

export interface AccountDeletionDeps {
  readonly transact: Transact
  readonly clock: Clock
}

/** What would be deleted with an account. @throws {AccountNotFound} @throws {AccountAmbiguous} */
export async function previewDeletion(sql: Sql, called: string): Promise<AccountDeletion> {
  const account = await findAccount(sql, called)
  const rows: { table: string; count: number }[] = []
  for (const table of accountTables) {
    const text = `SELECT count(*)::float8 AS count FROM ${table} WHERE account_id = $1`
    const [row] = await sql.query<{ count: number }>(text, [account.id])
    if (row !== undefined && row.count > 0) rows.push({ table, count: row.count })
  }
  return { account, rows, isDone: false }
}

/**
 * Deletes a suspended account with everything that it holds, for good, in many small transactions. It stops after `maxMs`
 * milliseconds; calling it again continues, also after an interruption. The audit log of the first account says who did it.
 * @throws {AccountNotFound} @throws {AccountAmbiguous}
 * @throws {AccountStateConflict} when it was not suspended half a minute ago, or one of its tasks still runs
 */
export async function deleteAccount(
  { transact, clock }: AccountDeletionDeps,
  by: By,
  called: string,
  maxMs: number = Number.POSITIVE_INFINITY,
): Promise<AccountDeletion> {
  const startedAt = performance.now()
  const isLate = () => performance.now() - startedAt >= maxMs
  const account = await transact(async (tx) => {
    await lockAccounts(tx)
    const found = await findAccount(tx, called)
    await mustBeDeletable(tx, found, clock.now())
    if (found.deletionAt !== null) return found
    await tx.query('UPDATE account SET deletion_at = $2 WHERE id = $1', [found.id, clock.now()])
    await note(tx, 'auth.account_deletion_started', found, by)
    return found
  })
  const counts = new Map<AccountTable, number>()
  // Servers write rows meanwhile, such as that an entry has expired: a pass that finds nothing is the last one.
  let isEmpty = false
  while (!isEmpty && !isLate()) isEmpty = await deletePass({ transact, isLate }, account.id, counts)
  const rows = () => [...counts].map(([table, count]) => ({ table, count }))
  if (!isEmpty) return { account, rows: rows(), isDone: false }
  await transact(async (tx) => {
    const gone = await tx.query('DELETE FROM account WHERE id = $1 RETURNING id', [account.id])
    if (gone.length > 0) await note(tx, 'auth.account_deleted', account, by)
  })
  return { account, rows: rows(), isDone: true }
}

async function mustBeDeletable(tx: Sql, { id, name, suspendedAt }: Account, now: Date): Promise<void> {
  const refuse = (why: string) => new AccountStateConflict(`The account "${name}" can't be deleted: ${why}.`)
  if (suspendedAt === null) throw refuse('it is not suspended')
  if (now.getTime() - suspendedAt.getTime() < settledMs)
    throw refuse(`it was suspended less than ${settledMs / 1_000} seconds ago; try again after that`)
  const running = await tx.query(`SELECT id FROM task WHERE account_id = $1 AND status = 'ACTIVE' LIMIT 1`, [id])
  if (running.length > 0) throw refuse('one of its tasks still runs; try again when it has ended')
}

/** Deletes what all tables hold of an account; returns whether there was nothing. */
async function deletePass(
  { transact, isLate }: { readonly transact: Transact; readonly isLate: () => boolean },
  id: string,
  counts: Map<AccountTable, number>,
): Promise<boolean> {
  let isEmpty = true
  for (const table of accountTables)
    for (let count = batchSize; count === batchSize; ) {
      if (isLate()) return false
      count = await transact.quiet('the deletion of an account')((tx) => deleteBatch(tx, table, id))
      if (count > 0) counts.set(table, (counts.get(table) ?? 0) + count)
      isEmpty &&= count === 0
    }
  return isEmpty
}

async function deleteBatch(tx: Transaction, table: AccountTable, id: string): Promise<number> {
  // The journal is partitioned, and a ctid is only unique within a partition.
  const [place, same] = table === 'journal' ? ['xid, seq, at', '(xid, seq, at) IN'] : ['ctid', 'ctid IN']
  const text = `DELETE FROM ${table} WHERE ${same} (SELECT ${place} FROM ${table} WHERE account_id = $1 LIMIT $2) RETURNING 1`
  return (await tx.query(text, [id, batchSize])).length
}

async function note(
  tx: Transaction,
  type: Parameters<typeof accountEvent>[0],
  { id, name }: Account,
  by: By,
): Promise<void> {
  tx.journal(accountEvent(type, { id, logAccountId: await findFirstAccount(tx) }, by, { name }))
}
