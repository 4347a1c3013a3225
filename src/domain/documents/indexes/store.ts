import type { FullPath } from '#domain/documents/collection.ts'
import type { Sql } from '#platform/database/sql.ts'
import {
  type Declaration,
  type DeclarationChange,
  indexNamePrefix,
  statisticsNamePrefix,
  type WantedIndex,
} from './declared-index.ts'

const declarationsSql = `
  SELECT account_id AS "accountId", path AS collection, indexes, full_text_paths AS "fullTextPaths" FROM collection
  WHERE indexes <> '[]' OR full_text_paths <> '{}'`

/** What all collections declare that declare something. */
export function readDeclarations(sql: Sql): Promise<Declaration[]> {
  return sql.query(declarationsSql)
}

const declarationSql = `
  SELECT account_id AS "accountId", path AS collection, indexes, full_text_paths AS "fullTextPaths" FROM collection
  WHERE account_id = $1 AND path = $2`

/** What one collection declares; undefined when there is none. */
export async function readDeclaration(
  sql: Sql,
  accountId: string,
  collection: string,
): Promise<Declaration | undefined> {
  const [row] = await sql.query<Declaration>(declarationSql, [accountId, collection])
  return row
}

const saveSql = `
  UPDATE collection SET indexes = coalesce($3, indexes), full_text_paths = coalesce($4, full_text_paths)
  WHERE account_id = $1 AND path = $2`

/** Writes down what a collection declares; what is undefined stays. */
export async function saveDeclaration(
  sql: Sql,
  { accountId, path }: FullPath,
  { indexes, fullTextPaths }: DeclarationChange,
): Promise<void> {
  await sql.query(saveSql, [accountId, path, indexes === undefined ? null : JSON.stringify(indexes), fullTextPaths])
}

const countSql = `
  SELECT sum(jsonb_array_length(indexes) + (full_text_paths <> '{}')::int)::int AS count FROM collection
  WHERE account_id = $1`

/** How many indexes an account's collections declare. */
export async function countDeclared(sql: Sql, accountId: string): Promise<number> {
  const [row] = await sql.query<{ count: number | null }>(countSql, [accountId])
  return row?.count ?? 0
}

/** An index as the database has it. */
export interface BuiltIndex {
  readonly name: string
  /** Not while it is being built, nor when that was broken off. */
  readonly isValid: boolean
}

const builtSql = `
  SELECT index.relname AS name, pg_index.indisvalid AS "isValid" FROM pg_index
  JOIN pg_class index ON index.oid = pg_index.indexrelid
  WHERE pg_index.indrelid = 'document'::regclass AND starts_with(index.relname, $1)`

/** The declared indexes that there are. */
export function readBuiltIndexes(sql: Sql): Promise<BuiltIndex[]> {
  return sql.query(builtSql, [indexNamePrefix])
}

/** The last failed attempt to build an index. */
export interface IndexFailure {
  readonly name: string
  readonly error: string
  readonly at: Date
}

const failuresSql = `SELECT name, error, at FROM document_index_failure`

export function readFailures(sql: Sql): Promise<IndexFailure[]> {
  return sql.query(failuresSql)
}

const noteFailureSql = `
  INSERT INTO document_index_failure (name, error, at) VALUES ($1, $2, now())
  ON CONFLICT (name) DO UPDATE SET error = excluded.error, at = excluded.at`

export async function noteFailure(sql: Sql, name: string, error: string): Promise<void> {
  await sql.query(noteFailureSql, [name, error])
}

const forgetFailuresSql = `DELETE FROM document_index_failure WHERE name <> ALL ($1)`

/** Forgets all failures but those of these names. */
export async function forgetFailuresBut(sql: Sql, names: readonly string[]): Promise<void> {
  await sql.query(forgetFailuresSql, [names])
}

const statisticsSql = `
  SELECT stxname AS name FROM pg_statistic_ext WHERE stxrelid = 'document'::regclass AND starts_with(stxname, $1)`

/** The names of all statistics of declared values that the database keeps. */
export async function readStatistics(sql: Sql): Promise<string[]> {
  return (await sql.query<{ name: string }>(statisticsSql, [statisticsNamePrefix])).map(({ name }) => name)
}

/** The values of an index of type $2 at the path $3, as DDL. */
const valueDdl = `
  format(CASE $2::text WHEN 'STRING' THEN '(document_text(data, %L::text[]) COLLATE "C")'
    WHEN 'NUMBER' THEN '(document_number(data, %L::text[]))' ELSE '(document_boolean(data, %L::text[]))' END, $3::text[])`
const valueIndexSql = `
  SELECT format('CREATE INDEX CONCURRENTLY %I ON document (%s, key) WHERE account_id = %L AND collection = %L AND NOT deleted',
    $1::text, ${valueDdl}, $4::uuid, $5::text) AS ddl`
const fullTextIndexSql = `
  SELECT format('CREATE INDEX CONCURRENTLY %I ON document USING gin (document_words(data, %L::jsonb)) '
    'WHERE account_id = %L AND collection = %L AND NOT deleted', $1::text, $2::jsonb, $3::uuid, $4::text) AS ddl`
const creatingStatisticsSql = `
  SELECT format('CREATE STATISTICS %I ON %s FROM document', $1::text, ${valueDdl}) AS ddl`
const dropSql = `SELECT format('DROP INDEX CONCURRENTLY IF EXISTS %I', $1::text) AS ddl`
const dropStatisticsSql = `SELECT format('DROP STATISTICS IF EXISTS %I', $1::text) AS ddl`

/** The statement that builds an index while documents are written; names and paths are quoted by the database itself. */
export async function creatingDdl(sql: Sql, index: WantedIndex): Promise<string> {
  const { name, type, paths, accountId, collection } = index
  return type === 'FULL_TEXT'
    ? ddlOf(sql, fullTextIndexSql, [name, JSON.stringify(paths), accountId, collection])
    : ddlOf(sql, valueIndexSql, [name, type, paths[0], accountId, collection])
}

/** The statement that lets the planner know how the values of an index are spread; an index of some rows doesn't tell it. */
export async function creatingStatisticsDdl(sql: Sql, { statistics, type, paths }: WantedIndex): Promise<string> {
  return ddlOf(sql, creatingStatisticsSql, [statistics, type, paths[0]])
}

export async function droppingStatisticsDdl(sql: Sql, name: string): Promise<string> {
  return ddlOf(sql, dropStatisticsSql, [name])
}

export async function droppingDdl(sql: Sql, name: string): Promise<string> {
  return ddlOf(sql, dropSql, [name])
}

async function ddlOf(sql: Sql, text: string, values: readonly unknown[]): Promise<string> {
  const [row] = await sql.query<{ ddl: string }>(text, values)
  if (row === undefined) throw new Error('The database has put no statement together.')
  return row.ddl
}
