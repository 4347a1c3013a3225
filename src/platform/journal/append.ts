import type { Sql } from '#platform/database/sql.ts'
import type { NewEntry } from './entry.ts'

const insert = `
  INSERT INTO journal (account_id, type, subject, actor, data, origin)
  SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::jsonb[], $5::jsonb[], $6::jsonb[])`

/** Writes entries, in their order, as part of the transaction that makes the change they tell of. */
export async function appendEntries(tx: Sql, entries: readonly NewEntry[]): Promise<void> {
  if (entries.length === 0) return
  await tx.query(insert, [
    entries.map((entry) => entry.accountId),
    entries.map((entry) => entry.type),
    entries.map((entry) => entry.subject),
    entries.map((entry) => JSON.stringify(entry.actor)),
    entries.map((entry) => JSON.stringify(entry.data)),
    entries.map((entry) => (entry.origin === undefined ? null : JSON.stringify(entry.origin))),
  ])
}
