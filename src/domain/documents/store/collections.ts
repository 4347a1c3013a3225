import type { CollectionRow, CollectionSettings, FullPath, Retention } from '#domain/documents/collection.ts'
import type { Value } from '#domain/documents/value.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { Actor } from '#platform/journal/entry.ts'

const columns = `collection.account_id AS "accountId", collection.path, collection.revision,
  collection.created_at AS "createdAt", collection.require_version AS "requireVersion", collection.schema`

const holdSql = `
  SELECT ${columns} FROM unnest($1::uuid[], $2::text[]) AS asked (account_id, path)
  JOIN collection ON collection.account_id = asked.account_id AND collection.path = asked.path COLLATE "C"
  ORDER BY collection.account_id, collection.path FOR KEY SHARE OF collection`

/** Reads collections, each named once, and keeps others from changing or deleting them until the transaction ends. */
export async function holdCollections(sql: Sql, paths: readonly FullPath[]): Promise<CollectionRow[]> {
  return sql.query(holdSql, [paths.map((one) => one.accountId), paths.map((one) => one.path)])
}

const insertSql = `
  INSERT INTO collection (account_id, path, created_by)
  SELECT * FROM unnest($1::uuid[], $2::text[], $3::jsonb[]) ON CONFLICT DO NOTHING RETURNING path`

/** Makes collections without rules; returns how many of them weren't there. */
export async function insertCollections(
  sql: Sql,
  paths: readonly (FullPath & { readonly by: Actor })[],
): Promise<number> {
  const values = [
    paths.map((one) => one.accountId),
    paths.map((one) => one.path),
    paths.map((one) => JSON.stringify(one.by)),
  ]
  return (await sql.query(insertSql, values)).length
}

const insertWholeSql = `
  INSERT INTO collection (account_id, path, created_by, require_version, schema, retention, keep_versions, keep_days)
  VALUES ($1, $2, $3, $4, $5, $6::retention, $7, $8) ON CONFLICT DO NOTHING RETURNING path`

/** Creates a collection; false when there is one of that path. */
export async function insertCollection(
  sql: Sql,
  full: FullPath,
  by: Actor,
  settings: CollectionSettings,
): Promise<boolean> {
  const values = [full.accountId, full.path, JSON.stringify(by), ...settingValues(settings)]
  return (await sql.query(insertWholeSql, values)).length > 0
}

const lockSql = `
  SELECT ${columns}, collection.retention AS kind, collection.keep_versions AS versions, collection.keep_days AS days
  FROM collection WHERE account_id = $1 AND path = $2 FOR UPDATE`

/** Reads a collection once every write to it that is under way has ended, and lets none begin until the transaction ends. */
export async function lockCollection(
  sql: Sql,
  { accountId, path }: FullPath,
): Promise<(CollectionRow & Retention) | undefined> {
  const [row] = await sql.query<CollectionRow & Retention>(lockSql, [accountId, path])
  return row
}

const updateSql = `
  UPDATE collection SET require_version = $3, schema = $4, retention = $5::retention, keep_versions = $6, keep_days = $7,
    revision = revision + 1, updated_at = now()
  WHERE account_id = $1 AND path = $2`

export async function updateCollection(
  sql: Sql,
  { accountId, path }: FullPath,
  settings: CollectionSettings,
): Promise<void> {
  await sql.query(updateSql, [accountId, path, ...settingValues(settings)])
}

function settingValues({ requireVersion, schema, retention }: CollectionSettings): unknown[] {
  const { kind, versions, days } = retention
  return [requireVersion, schema === null ? null : JSON.stringify(schema), kind, versions, days]
}

const deleteVersionsSql = `
  DELETE FROM document_version WHERE (account_id, collection, key, version) IN (
    SELECT account_id, collection, key, version FROM document_version WHERE account_id = $1 AND collection = $2 LIMIT $3
  ) RETURNING 1 AS gone`
const deleteDocumentsSql = `
  DELETE FROM document WHERE (account_id, collection, key) IN (
    SELECT account_id, collection, key FROM document WHERE account_id = $1 AND collection = $2 LIMIT $3
  ) RETURNING deleted`
const deleteSql = 'DELETE FROM collection WHERE account_id = $1 AND path = $2'

/** Rows in one statement, so that none takes longer than a statement may. */
const deletedAtOnce = 10_000

/** Deletes a collection with everything in it; returns how many documents there were. */
export async function deleteCollection(sql: Sql, { accountId, path }: FullPath): Promise<number> {
  const values = [accountId, path, deletedAtOnce]
  while ((await sql.query(deleteVersionsSql, values)).length === deletedAtOnce);
  let documents = 0
  for (let gone = deletedAtOnce; gone === deletedAtOnce; ) {
    const rows = await sql.query<{ deleted: boolean }>(deleteDocumentsSql, values)
    documents += rows.filter(({ deleted }) => !deleted).length
    gone = rows.length
  }
  await sql.query(deleteSql, [accountId, path])
  return documents
}

const pathsSql = `
  SELECT path FROM collection WHERE account_id = $1 AND path > $2 AND path >= $3 AND path < $3 || chr(1114111)
  ORDER BY path LIMIT $4`

/** Paths that begin with a text, behind one of them, in order. */
export async function readPaths(
  sql: Sql,
  accountId: string,
  { prefix, after, limit }: { readonly prefix: string; readonly after: string; readonly limit: number },
): Promise<string[]> {
  return (await sql.query<{ path: string }>(pathsSql, [accountId, after, prefix, limit])).map(({ path }) => path)
}

const countSql = `
  SELECT count(*)::int AS count FROM document
  WHERE account_id = $1 AND collection = $2 AND NOT deleted AND (expires_at IS NULL OR expires_at > now())`

/** How many documents a collection holds. */
export async function countDocuments(sql: Sql, { accountId, path }: FullPath): Promise<number> {
  const [row] = await sql.query<{ count: number }>(countSql, [accountId, path])
  return row?.count ?? 0
}

/** What a document holds. */
export interface HeldDocument extends Value {
  readonly key: string
  readonly version: number
}

const heldSql = `
  SELECT key, version, data, size_bytes AS "sizeBytes" FROM document
  WHERE account_id = $1 AND collection = $2 AND NOT deleted AND key > $3 AND updated_at >= $4 ORDER BY key LIMIT $5`

/** What documents hold that were written at a time or later, behind a key, in order. */
export async function readHeld(
  sql: Sql,
  { accountId, path }: FullPath,
  { since, after, limit }: { readonly since: Date; readonly after: string; readonly limit: number },
): Promise<HeldDocument[]> {
  return sql.query(heldSql, [accountId, path, after, since, limit])
}
