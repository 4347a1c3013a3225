import type { Sql } from './sql.ts'

const lockSql = 'SELECT pg_advisory_xact_lock(hashtextextended($1, $2))'

/**
 * Lets one transaction at a time go on with what an account has of one kind, in the order in which they ask; held until
 * the transaction ends. A statement sees what the one before has done only if it is issued after this one.
 */
export async function lockOfAccount(tx: Pick<Sql, 'query'>, accountId: string, kind: AccountLockKind): Promise<void> {
  await tx.query(lockSql, [accountId, kinds[kind]])
}

const shareSql = 'SELECT pg_advisory_xact_lock_shared(hashtextextended($1, $2))'

/**
 * Makes transactions that take the account's lock wait until this one ends, but not others that share it. A transaction
 * that asked for the exclusive lock earlier goes first.
 */
export async function shareLockOfAccount(
  tx: Pick<Sql, 'query'>,
  accountId: string,
  kind: AccountLockKind,
): Promise<void> {
  await tx.query(shareSql, [accountId, kinds[kind]])
}

/** Numbers that keep the locks of different kinds apart. */
const kinds = { entries: 0x5b0e, schedules: 0x5b0f } as const
type AccountLockKind = keyof typeof kinds
