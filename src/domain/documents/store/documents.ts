import {
  type DocumentState,
  documentId,
  type FullName,
  type LogRow,
  type VersionRow,
} from '#domain/documents/document.ts'
import type { Sql } from '#platform/database/sql.ts'

/** Columns of `document` as a {@link DocumentState}. */
const documentColumns = `
  document.account_id AS "accountId", document.collection, document.key, document.version, document.data,
  document.created_at AS "createdAt", document.created_by AS "createdBy", document.updated_at AS "updatedAt",
  document.updated_by AS "updatedBy", document.deleted, document.expires_at AS "expiresAt",
  document.size_bytes AS "sizeBytes"`

/** Transactions that can have begun while another waited for its documents; further ones are numbers that come round again. */
const maxOvertaking = 100_000

// Name by name: the planner may never have heard how many documents there are, and would read them all.
const lockSql = `
  SELECT locked.* FROM (
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[]) AS name (account_id, collection, key)
    ORDER BY account_id, collection COLLATE "C", key COLLATE "C"
  ) AS asked, LATERAL (
    SELECT ${documentColumns}, age(document.xmin) BETWEEN -${maxOvertaking} AND -1 AS "isNewer" FROM document
    WHERE account_id = asked.account_id AND collection = asked.collection COLLATE "C" AND key = asked.key COLLATE "C"
    LIMIT 1 FOR UPDATE
  ) AS locked`

/**
 * Reads documents, each named once, and keeps others from changing them until the transaction ends; says whether one of
 * them was written by a transaction with a number behind that of this one.
 */
export async function lockDocuments(
  sql: Sql,
  names: readonly FullName[],
): Promise<{ documents: DocumentState[]; isOvertaken: boolean }> {
  const rows = await sql.query<DocumentState & { isNewer: boolean }>(lockSql, columnsOf(names))
  return {
    documents: rows.map(({ isNewer: _, ...document }) => document),
    isOvertaken: rows.some(({ isNewer }) => isNewer),
  }
}

function columnsOf(names: readonly FullName[]): unknown[] {
  return [names.map((one) => one.accountId), names.map((one) => one.collection), names.map((one) => one.key)]
}

const nowSql = `SELECT date_trunc('milliseconds', clock_timestamp()) AS now`

/** What time it is for the database, which is the same for all processes. */
export async function readTime(sql: Sql): Promise<Date> {
  const [row] = await sql.query<{ now: Date }>(nowSql)
  return row?.now ?? new Date()
}

const columns =
  'account_id, collection, key, version, data, created_at, created_by, updated_at, updated_by, deleted, expires_at, size_bytes'
const given = `
  SELECT ${columns} FROM unnest($1::uuid[], $2::text[], $3::text[], $4::int[], $5::jsonb[], $6::timestamptz[], $7::jsonb[],
    $8::timestamptz[], $9::jsonb[], $10::boolean[], $11::timestamptz[], $12::int[]) AS given (${columns})`

const insertSql = `
  INSERT INTO document (${columns}) ${given} ON CONFLICT DO NOTHING RETURNING collection`

/** Writes documents that weren't there; returns how many still weren't. They come in the order of their names. */
export async function insertDocuments(sql: Sql, documents: readonly DocumentState[]): Promise<number> {
  return (await sql.query(insertSql, valuesOf(documents))).length
}

const updateSql = `
  UPDATE document SET version = given.version, data = given.data, created_at = given.created_at,
    created_by = given.created_by, updated_at = given.updated_at, updated_by = given.updated_by,
    deleted = given.deleted, expires_at = given.expires_at, size_bytes = given.size_bytes, pinned = false
  FROM (${given}) AS given
  WHERE document.account_id = given.account_id AND document.collection = given.collection AND document.key = given.key`

/** Writes documents that are locked; the versions that this overwrites are kept by the database itself. */
export async function updateDocuments(sql: Sql, documents: readonly DocumentState[]): Promise<void> {
  await sql.query(updateSql, valuesOf(documents))
}

function valuesOf(documents: readonly DocumentState[]): unknown[] {
  return [
    ...columnsOf(documents),
    documents.map((one) => one.version),
    documents.map(dataOf),
    documents.map((one) => one.createdAt),
    documents.map((one) => JSON.stringify(one.createdBy)),
    documents.map((one) => one.updatedAt),
    documents.map((one) => JSON.stringify(one.updatedBy)),
    documents.map((one) => one.deleted),
    documents.map((one) => one.expiresAt),
    documents.map((one) => one.sizeBytes),
  ]
}

/** As a parameter: a deleted document holds nothing, which is not the JSON value null. */
function dataOf({ deleted, data }: DocumentState): string | null {
  return deleted ? null : JSON.stringify(data)
}

const insertVersionsSql = `
  INSERT INTO document_version (account_id, collection, key, version, data, created_at, created_by, at, by, deleted,
    expires_at, size_bytes)
  ${given}`

/** Writes down versions that were overwritten in the transaction that made them. */
export async function insertVersions(sql: Sql, versions: readonly DocumentState[]): Promise<void> {
  await sql.query(insertVersionsSql, valuesOf(versions))
}

/** Versions by their names, as `v`. */
const askedVersions = `
  FROM unnest($1::uuid[], $2::text[], $3::text[], $4::int[]) AS asked (account_id, collection, key, version), LATERAL (
    SELECT * FROM document_history
    WHERE account_id = asked.account_id AND collection = asked.collection COLLATE "C" AND key = asked.key COLLATE "C"
      AND version = asked.version LIMIT 1
  ) AS v`

const versionDataSql = `
  SELECT v.account_id AS "accountId", v.collection, v.key, v.version, v.data, v.size_bytes AS "sizeBytes"
  ${askedVersions} WHERE NOT v.deleted`

/** What a version holds. */
export interface VersionData extends FullName {
  readonly version: number
  readonly data: unknown
  readonly sizeBytes: number
}

/** What these versions hold; those that are deletions, or aren't there, are left out. */
export async function readVersionData(
  sql: Sql,
  names: readonly (FullName & { readonly version: number })[],
): Promise<VersionData[]> {
  return sql.query(versionDataSql, [...columnsOf(names), names.map((one) => one.version)])
}

const findSql = `
  SELECT found.* FROM unnest($1::uuid[], $2::text[], $3::text[]) AS asked (account_id, collection, key), LATERAL (
    SELECT ${documentColumns} FROM document
    WHERE account_id = asked.account_id AND collection = asked.collection COLLATE "C" AND key = asked.key COLLATE "C"
    LIMIT 1
  ) AS found`

/** Documents as they are, deleted ones included, in the order of their names; undefined where there is none. */
export async function findDocuments(sql: Sql, names: readonly FullName[]): Promise<(DocumentState | undefined)[]> {
  const found = await sql.query<DocumentState>(findSql, columnsOf(names))
  const byId = new Map(found.map((row) => [documentId(row), row]))
  return names.map((name) => byId.get(documentId(name)))
}

/** Columns of `document_history v` as a {@link DocumentState}. */
export const versionColumns = `
  v.account_id AS "accountId", v.collection, v.key, v.version, v.data, v.created_at AS "createdAt",
  v.created_by AS "createdBy", v.at AS "updatedAt", v.by AS "updatedBy", v.deleted, v.expires_at AS "expiresAt",
  v.size_bytes AS "sizeBytes"`

const findVersionSql = `
  SELECT ${versionColumns} FROM document_history v
  WHERE v.account_id = $1 AND v.collection = $2 AND v.key = $3 AND v.version = $4`

/** A document as one of its writes has made it. */
export async function findVersion(
  sql: Sql,
  { accountId, collection, key }: FullName,
  version: number,
): Promise<DocumentState | undefined> {
  const [row] = await sql.query<DocumentState>(findVersionSql, [accountId, collection, key, version])
  return row
}

// The current version, or else the last of those before it.
const findVersionAtSql = `
  SELECT v.* FROM (
    SELECT ${documentColumns} FROM document
    WHERE account_id = $1 AND collection = $2 AND key = $3 AND updated_at <= $4
    UNION ALL (
      SELECT ${versionColumns} FROM document_version v
      WHERE v.account_id = $1 AND v.collection = $2 AND v.key = $3 AND v.at <= $4 ORDER BY v.version DESC LIMIT 1)
  ) AS v ORDER BY v.version DESC LIMIT 1`

/** A document as it was at a time. */
export async function findVersionAt(
  sql: Sql,
  { accountId, collection, key }: FullName,
  at: Date,
): Promise<DocumentState | undefined> {
  const [row] = await sql.query<DocumentState>(findVersionAtSql, [accountId, collection, key, at])
  return row
}

const historySql = `
  SELECT version, at, by, deleted, pinned, size_bytes AS "sizeBytes" FROM document_history
  WHERE account_id = $1 AND collection = $2 AND key = $3 AND version < $4 ORDER BY version DESC LIMIT $5`

/** Versions before one, newest first. */
export async function readHistory(
  sql: Sql,
  { accountId, collection, key }: FullName,
  before: number,
  limit: number,
): Promise<VersionRow[]> {
  return sql.query(historySql, [accountId, collection, key, before, limit])
}

const pinCurrentSql = `
  UPDATE document SET pinned = $5 WHERE account_id = $1 AND collection = $2 AND key = $3 AND version = $4
  RETURNING version, updated_at AS at, updated_by AS by, deleted, pinned, size_bytes AS "sizeBytes"`
// In a statement of its own: one that overwrites the document meanwhile has moved its version here.
const pinPastSql = `
  UPDATE document_version SET pinned = $5 WHERE account_id = $1 AND collection = $2 AND key = $3 AND version = $4
  RETURNING version, at, by, deleted, pinned, size_bytes AS "sizeBytes"`

/** Pins a version, or lets it go; undefined when it isn't there. */
export async function pinVersion(
  sql: Sql,
  { accountId, collection, key }: FullName,
  version: number,
  pinned: boolean,
): Promise<VersionRow | undefined> {
  const values = [accountId, collection, key, version, pinned]
  const [current] = await sql.query<VersionRow>(pinCurrentSql, values)
  return current ?? (await sql.query<VersionRow>(pinPastSql, values))[0]
}

const versionsSql = `
  SELECT ${versionColumns} ${askedVersions}`

/** The versions that these writes created; expired ones are left out. */
export async function readVersions(
  sql: Sql,
  names: readonly (FullName & { readonly version: number })[],
): Promise<DocumentState[]> {
  return sql.query(versionsSql, [...columnsOf(names), names.map((one) => one.version)])
}

const logOrder = 'ORDER BY at DESC, key DESC, version DESC LIMIT $6'
// Each part by an index of its own.
const logSql = `
  SELECT * FROM (
    (SELECT key, version, updated_at AS at, updated_by AS by, deleted, pinned, size_bytes AS "sizeBytes" FROM document
     WHERE account_id = $1 AND collection = $2 AND (updated_at, key, version) < ($3::timestamptz, $4::text, $5::int)
     ORDER BY updated_at DESC, key DESC, version DESC LIMIT $6)
    UNION ALL
    (SELECT key, version, at, by, deleted, pinned, size_bytes AS "sizeBytes" FROM document_version v
     WHERE account_id = $1 AND collection = $2 AND (at, key, version) < ($3::timestamptz, $4::text, $5::int)
       AND NOT EXISTS (
         SELECT FROM document d
         WHERE d.account_id = v.account_id AND d.collection = v.collection AND d.key = v.key AND d.version = v.version)
     ${logOrder})
  ) AS log ${logOrder}`

/** What was written to a collection before a place, newest first. */
export async function readLog(
  sql: Sql,
  { accountId, collection }: Pick<FullName, 'accountId' | 'collection'>,
  before: Pick<LogRow, 'at' | 'key' | 'version'> | undefined,
  limit: number,
): Promise<LogRow[]> {
  const place = before === undefined ? ['infinity', '', 0] : [before.at, before.key, before.version]
  return sql.query(logSql, [accountId, collection, ...place, limit])
}
