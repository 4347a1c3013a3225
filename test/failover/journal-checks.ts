import { decodeCursor } from '#lib/cursor.ts'
import { auditDifferences, verifyAudit } from '#test/support/audit.ts'
import type { ServerProcess } from '#test/support/process.ts'
import type { Evidence } from './checker.ts'
import type { JournalReader, StreamedItem } from './readers.ts'
import type { Stage } from './stage.ts'

interface Row {
  readonly xid: string
  readonly seq: string
  readonly says: string | null
}

/** Rows of the journal that a reader is to have received: all since the beginning of the run. */
const received = ({ where }: Pick<JournalReader, 'where'>) =>
  `FROM journal WHERE ${where} AND (xid, seq) > (SELECT xid, seq FROM journal WHERE type = 'failover.begin')`

/** How many events a reader is to have received by now. */
export async function countEvents(stage: Stage, reader: JournalReader): Promise<number> {
  const [row] = await stage.query<{ count: number }>(`SELECT count(*)::int AS count ${received(reader)}`)
  return row?.count ?? 0
}

function readEvents(stage: Stage, reader: JournalReader): Promise<Row[]> {
  return stage.query<Row>(`SELECT xid, seq, ${reader.says} AS says ${received(reader)} ORDER BY xid, seq`)
}

/** Each event was received once, in the journal's order, and nothing else but what the server took back. */
export async function checkReaders({ stage, readers }: Evidence): Promise<string[]> {
  const problems: string[] = []
  for (const reader of readers) {
    const { name, log } = reader
    problems.push(...log.complaints.map((text) => `${name}: ${text}`))
    const rows = await readEvents(stage, reader)
    const at = rows.findIndex((row, index) => !isSame(row, log.items[index]))
    if (at !== -1 || rows.length !== log.items.length) {
      const around = {
        there: rows.slice(at - 1, at + 3).map(describe),
        came: log.items.slice(at - 1, at + 3).map(describe),
      }
      problems.push(
        `${name}: ${rows.length} events, and ${log.items.length} came; from ${at} on ${JSON.stringify(around)}`,
      )
    }
  }
  return problems
}

function isSame(row: Row, item: StreamedItem | undefined): boolean {
  return item !== undefined && positionOf(item) === positionOf(row) && (row.says === null || row.says === item.says)
}

function positionOf(one: Row | StreamedItem): string {
  if ('xid' in one) return `${one.xid}/${one.seq}`
  const [, , xid = '', seq = ''] = decodeCursor('j2', one.cursor, 4)
  return `${parseInt(xid, 36)}/${parseInt(seq, 36)}`
}

function describe(one: Row | StreamedItem): string {
  return `${positionOf(one)} ${one.says ?? ''}`
}

/** Keys of events in the journal whose delivery has not been received. */
export async function findUndelivered({ stage, receiver }: Evidence): Promise<string[]> {
  const rows = await stage.query<{ key: string; delivery: string | null }>(`
    SELECT data->>'key' AS key, delivery.id::text AS delivery
    FROM journal LEFT JOIN delivery ON event_xid = xid AND event_seq = seq WHERE type = 'failover.one'`)
  const received = new Set(receiver.received.map(({ headers }) => headers['webhook-id']))
  return rows.filter(({ delivery }) => delivery === null || !received.has(delivery)).map(({ key }) => key)
}

export async function checkDeliveries(evidence: Evidence): Promise<string[]> {
  return (await findUndelivered(evidence)).map((key) => `the event ${key} was not delivered to the webhook`)
}

export const unaudited = auditDifferences(
  `type IN ('failover.one', 'task.submitted') OR type LIKE 'document.%' OR type LIKE 'entry.%'`,
)

/** The audit log has what the journal has, and its chain is intact. */
export async function checkAudit({ query, servers }: Stage): Promise<string[]> {
  const rows = await query<{ type: string }>(unaudited)
  const { faults } = await verifyAudit(servers[0] as ServerProcess)
  return [
    ...rows.map(({ type }) => `the audit log does not have as many entries of ${type} as the journal`),
    ...faults.map(({ kind, seq, message }) => `the audit log is not intact: ${kind} at ${seq}: ${message}`),
  ]
}
