import type { Sql } from '#platform/database/sql.ts'
import type { FullName } from './document.ts'
import { pruneVersions } from './store/retention.ts'

/** Documents looked at in one statement, so that no statement holds others up. */
const stepSize = 500
const beginning: FullName = { accountId: '00000000-0000-0000-0000-000000000000', collection: '', key: '' }

/** Deletes versions that collections don't keep any longer; harmless to repeat, also by several processes. */
export async function applyDocumentRetention(sql: Sql): Promise<void> {
  for (let after: FullName | undefined = beginning; after !== undefined; )
    after = await pruneVersions(sql, after, stepSize)
}
