import type { Sql } from '#platform/database/sql.ts'

/** How often a credential was refused since this was last written down. */
export interface Refusals {
  readonly accountId: string
  readonly credentialId: string
  readonly count: number
}

const countSql = `
  INSERT INTO refusal_count AS known (account_id, credential_id, since, count)
  SELECT account_id, credential_id, now(), count
  FROM unnest($1::uuid[], $2::text[], $3::int[]) AS more (account_id, credential_id, count)
  ON CONFLICT (account_id, credential_id) DO UPDATE SET
    since = CASE WHEN known.since > now() - $4 * interval '1 minute' THEN known.since ELSE now() END,
    count = CASE WHEN known.since > now() - $4 * interval '1 minute' THEN known.count ELSE 0 END + EXCLUDED.count,
    told = known.told AND known.since > now() - $4 * interval '1 minute'
  RETURNING account_id AS "accountId", credential_id AS "credentialId", count, told`

/** Counts refusals of credentials, each named once, in windows of so many minutes that begin with the first one. */
export async function countRefusals(
  sql: Sql,
  refusals: readonly Refusals[],
  minutes: number,
): Promise<(Refusals & { readonly told: boolean })[]> {
  return sql.query(countSql, [
    refusals.map(({ accountId }) => accountId),
    refusals.map(({ credentialId }) => credentialId),
    refusals.map(({ count }) => count),
    minutes,
  ])
}

/** Marks the window as reported. */
export async function markRefusalsTold(sql: Sql, { accountId, credentialId }: Refusals): Promise<void> {
  await sql.query('UPDATE refusal_count SET told = true WHERE account_id = $1 AND credential_id = $2', [
    accountId,
    credentialId,
  ])
}

/** Forgets windows that are over. */
export async function deleteOldRefusals(sql: Sql): Promise<void> {
  await sql.query("DELETE FROM refusal_count WHERE since < now() - interval '1 hour'")
}
