import { graphqlData } from './graphql.ts'
import type { TestDatabase, TestServer } from './server.ts'
import { until } from './until.ts'

export interface ToldEntry {
  readonly seq: number
  readonly at: string
  readonly type: string
  readonly outcome: string
  readonly actor: { readonly kind: string; readonly id: string; readonly name: string }
  readonly subject: string
  readonly credential: { readonly kind: string; readonly id: string } | null
  readonly address: string | null
  readonly userAgent: string | null
  readonly requestId: string | null
  readonly operation: { readonly name: string | null; readonly hash: string } | null
  readonly scopes: readonly string[]
  readonly data: Readonly<Record<string, unknown>>
}

const query = `query ($where: AuditFilter, $orderBy: AuditOrder!) { auditEntries(where: $where, orderBy: $orderBy, first: 200) { nodes {
  seq at type outcome actor { kind id name } subject credential { kind id } address userAgent requestId
  operation { name hash } scopes data } } }`

/** The newest entries of the audit log that are selected. */
export async function auditEntries(
  server: Pick<TestServer, 'url' | 'token'>,
  where: object = {},
  orderBy = 'NEWEST_FIRST',
): Promise<ToldEntry[]> {
  const data = await graphqlData<{ auditEntries: { nodes: ToldEntry[] } }>(server, query, { where, orderBy })
  return data.auditEntries.nodes
}

/** The same, once there are that many. */
export function auditEntriesOnce(
  server: Pick<TestServer, 'url' | 'token'>,
  where: object,
  count = 1,
): Promise<ToldEntry[]> {
  return until(async () => {
    const found = await auditEntries(server, where)
    return found.length >= count && found
  })
}

interface Verification {
  readonly checked: number
  readonly faults: readonly { readonly kind: string; readonly seq: number; readonly message: string }[]
  readonly faultCount: number
  readonly cursor: string | null
  readonly end: { readonly seq: number; readonly hash: string }
  readonly prunedSeq: number
}

/** What is found in the whole log, stretch by stretch. */
export async function verifyAudit(
  server: Pick<TestServer, 'url' | 'token'>,
  noted?: Verification['end'],
): Promise<Verification & { stretches: number }> {
  let found: (Verification & { stretches: number }) | undefined
  do {
    const { auditVerification: stretch } = await graphqlData<{ auditVerification: Verification }>(
      server,
      `query ($after: String, $noted: NotedAuditEnd) { auditVerification(after: $after, noted: $noted) {
         checked faults { kind seq message } faultCount cursor end { seq hash } prunedSeq } }`,
      { after: found?.cursor, noted },
    )
    found = {
      ...stretch,
      checked: stretch.checked + (found?.checked ?? 0),
      faults: [...(found?.faults ?? []), ...stretch.faults],
      faultCount: stretch.faultCount + (found?.faultCount ?? 0),
      stretches: 1 + (found?.stretches ?? 0),
    }
  } while (found.cursor !== null)
  return found
}

/** Selects event types whose numbers differ between audit log and journal; `where` says which are compared. */
export function auditDifferences(where: string): string {
  return `SELECT type FROM (SELECT type, count(*) FROM journal WHERE origin IS NOT NULL AND (${where}) GROUP BY type) AS journaled
    LEFT JOIN (SELECT type, count(*) FROM audit_entry GROUP BY type) AS audited USING (type)
    WHERE journaled.count IS DISTINCT FROM audited.count`
}

/** Does what somebody can do who owns the tables: the triggers don't keep them. */
export async function tamper(database: TestDatabase, ...statements: readonly string[]): Promise<void> {
  const tables = ['audit_entry', 'audit_chain']
  const all = [
    ...tables.map((table) => `ALTER TABLE ${table} DISABLE TRIGGER USER`),
    ...statements,
    ...tables.map((table) => `ALTER TABLE ${table} ENABLE TRIGGER USER`),
  ]
  await database.query(`BEGIN; ${all.join('; ')}; COMMIT`)
}
