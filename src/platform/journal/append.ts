import type { Sql } from '#platform/database/sql.ts'
import type { NewEntry } from './entry.ts'

const insert = `
  INSERT INTO journal (account_id, type, subject, actor, data, origin)
  SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::jsonb[], $5::jsonb[], $6::jsonb[])`

const nothing: ReadonlyMap<string, number> = new Map()

/**
 * Writes entries, in their order, as part of the transaction whose change they record. Returns how many bytes they take
 * for each account.
 */
export async function appendEntries(tx: Sql, entries: readonly NewEntry[]): Promise<ReadonlyMap<string, number>> {
  if (entries.length === 0) return nothing
  const written = new Map<string, number>()
  const [actors, data, origins]: [string[], string[], (string | null)[]] = [[], [], []]
  for (const entry of entries) {
    const [actor, facts] = [JSON.stringify(entry.actor), JSON.stringify(entry.data)]
    const origin = entry.origin === undefined ? null : JSON.stringify(entry.origin)
    actors.push(actor)
    data.push(facts)
    origins.push(origin)
    const bytes = bytesOf(actor) + bytesOf(facts) + bytesOf(entry.subject) + bytesOf(origin ?? '')
    written.set(entry.accountId, (written.get(entry.accountId) ?? 0) + bytes)
  }
  await tx.query(insert, [
    entries.map((entry) => entry.accountId),
    entries.map((entry) => entry.type),
    entries.map((entry) => entry.subject),
    actors,
    data,
    origins,
  ])
  return written
}

function bytesOf(text: string): number {
  return Buffer.byteLength(text)
}
