import type { DocumentState, FullName } from '#domain/documents/document.ts'
import type { Sql } from '#platform/database/sql.ts'
import { versionColumns } from './documents.ts'

/** A document that isn't at its newest version. */
export interface DocumentBehind extends FullName {
  readonly version: number
  readonly newestVersion: number
}

const pageSql = `
  SELECT page.*, newest.version AS "newestVersion" FROM (
    SELECT account_id AS "accountId", collection, key, version FROM document
    WHERE (account_id, collection, key) > ($1::uuid, $2::text, $3::text) ORDER BY account_id, collection, key LIMIT $4
  ) AS page LEFT JOIN LATERAL (
    SELECT version FROM document_version
    WHERE account_id = page."accountId" AND collection = page.collection AND key = page.key ORDER BY version DESC LIMIT 1
  ) AS newest ON true
  ORDER BY page."accountId", page.collection, page.key`

const pageSize = 2_000
const beforeAll: FullName = { accountId: '00000000-0000-0000-0000-000000000000', collection: '', key: '' }

/** Looks at all documents of all accounts, page by page: how many there were in a page, and which of them are behind. */
export async function* documentsBehind(
  sql: Pick<Sql, 'query'>,
): AsyncGenerator<{ readonly examined: number; readonly behind: readonly DocumentBehind[] }> {
  for (let after = beforeAll; ; ) {
    const rows = await sql.query<FullName & { version: number; newestVersion: number | null }>(pageSql, [
      after.accountId,
      after.collection,
      after.key,
      pageSize,
    ])
    const behind = rows.flatMap(({ newestVersion, ...row }) =>
      newestVersion !== null && newestVersion > row.version ? [{ ...row, newestVersion }] : [],
    )
    yield { examined: rows.length, behind }
    const last = rows.at(-1)
    if (last === undefined || rows.length < pageSize) return
    after = last
  }
}

const newestSql = `
  SELECT ${versionColumns} FROM document_history v
  WHERE v.account_id = $1 AND v.collection = $2 AND v.key = $3 ORDER BY v.version DESC LIMIT 1`

/** A document as its newest version has it. */
export async function findNewestVersion(sql: Sql, name: FullName): Promise<DocumentState | undefined> {
  const { accountId, collection, key } = name
  const [row] = await sql.query<DocumentState>(newestSql, [accountId, collection, key])
  return row
}
