import { addressBlock } from '#lib/address.ts'
import type { Sql } from '#platform/database/sql.ts'

/** After how many days a place where a person has not proved who they are counts as strange again. */
const knownDays = 90
const deletedAtOnce = 1_000

/** What is kept of a place: no address, and nothing that two people's would be alike in. Of SQL expressions, as text. */
function placeHash(userId: string, place: string): string {
  return `sha256(convert_to(${userId}::text || ' ' || ${place}::text, 'UTF8'))`
}

/** Whether the person in this row of `users` has signed in from a place before; `place` is an SQL expression. */
export function isKnownPlace(place: string): string {
  return `EXISTS (
    SELECT FROM sign_in_place AS known
    WHERE known.account_id = users.account_id AND known.user_id = users.id
      AND known.place_hash = ${placeHash('users.id', place)} AND known.used_at > now() - interval '${knownDays} days')`
}

const noteSql = `
  INSERT INTO sign_in_place (account_id, user_id, place_hash) VALUES ($1, $2, ${placeHash('$2::uuid', '$3')})
  ON CONFLICT (account_id, user_id, place_hash) DO UPDATE SET used_at = now()`

/** Notes that a person has proved who they are from this address. */
export async function notePlace(sql: Sql, person: { accountId: string; id: string }, address: string): Promise<void> {
  await sql.query(noteSql, [person.accountId, person.id, addressBlock(address)])
}

const deleteSql = `
  DELETE FROM sign_in_place WHERE (account_id, user_id, place_hash) IN (
    SELECT account_id, user_id, place_hash FROM sign_in_place
    WHERE used_at < now() - interval '${knownDays} days' LIMIT $1)
  RETURNING 1 AS gone`

/** Deletes places that count as strange again. */
export async function deleteOldPlaces(sql: Sql): Promise<void> {
  while ((await sql.query(deleteSql, [deletedAtOnce])).length === deletedAtOnce);
}
