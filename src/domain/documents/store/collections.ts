import type { Sql } from '#platform/database/sql.ts'
import type { Actor } from '#platform/journal/entry.ts'

/** A collection's path with its account. */
export interface FullPath {
  readonly accountId: string
  readonly path: string
}

/** What a writer has to know of a collection. */
export interface CollectionRow extends FullPath {
  /** Grows with each change. */
  readonly revision: number
  readonly createdAt: Date
  readonly requireVersion: boolean
  readonly schema: unknown
}

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
