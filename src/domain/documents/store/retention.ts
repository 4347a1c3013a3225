import type { FullName } from '#domain/documents/document.ts'
import type { Sql } from '#platform/database/sql.ts'

const dueSql = `
  SELECT account_id AS "accountId", collection, key FROM document
  WHERE expires_at <= now() AND expires_at IS NOT NULL AND NOT deleted ORDER BY expires_at LIMIT $1`

/** Documents whose time has come, the earliest first. */
export async function readDue(sql: Sql, limit: number): Promise<FullName[]> {
  return sql.query(dueSql, [limit])
}

// Versions below `until` may be deleted: below those that are kept or, for KEEP_DAYS, below the one that was current when
// the days began. The document's current version never is.
const pruneSql = `
  WITH step AS (
    SELECT d.account_id, d.collection, d.key, d.version, c.retention, c.keep_versions, c.keep_days
    FROM collection c JOIN document d ON d.account_id = c.account_id AND d.collection = c.path
    WHERE c.retention <> 'KEEP_ALL' AND (d.account_id, d.collection, d.key) > ($1::uuid, $2::text, $3::text)
    ORDER BY d.account_id, d.collection, d.key LIMIT $4
  ), kept AS (
    SELECT step.account_id, step.collection, step.key, CASE step.retention
      WHEN 'KEEP_LAST' THEN step.version - step.keep_versions + 1
      ELSE (SELECT max(v.version) FROM document_history v
            WHERE v.account_id = step.account_id AND v.collection = step.collection AND v.key = step.key
              AND v.at < now() - step.keep_days * interval '1 day') END AS until
    FROM step
  ), gone AS (
    DELETE FROM document_version v USING kept
    WHERE v.account_id = kept.account_id AND v.collection = kept.collection AND v.key = kept.key
      AND v.version < kept.until AND NOT v.pinned
  )
  SELECT account_id AS "accountId", collection, key FROM step ORDER BY account_id, collection, key`

/** Deletes expired versions of up to `limit` documents after one; returns the last of them, undefined at the end. */
export async function pruneVersions(sql: Sql, after: FullName, limit: number): Promise<FullName | undefined> {
  const rows = await sql.query<FullName>(pruneSql, [after.accountId, after.collection, after.key, limit])
  return rows.length < limit ? undefined : rows.at(-1)
}
