import { findDoubles, readBook } from './book.ts'
import type { Exchange, Ledger } from './ledger.ts'
import type { Stage } from './stage.ts'
import type { WriteProbe } from './write-probe.ts'

/** What happened in one round, in milliseconds since 1970. */
export interface Round {
  readonly kind: string
  readonly startedAt: number
  readonly promotedAt: number
  readonly endedAt: number
  /** How many streams and pages were told that what they had read is lost. */
  readonly expirations: number
}

const headings = [
  'round',
  'kind',
  'first write s',
  'all writes s',
  'acknowledged',
  'lost',
  'expired',
  'tasks run',
  'doubles',
]

/** A table with a line for each round. */
export async function tabulate(
  rounds: readonly Round[],
  { stage, ledger, probe }: { stage: Stage; ledger: Ledger; probe: WriteProbe },
): Promise<string[]> {
  const runs = readBook(stage.book)
  const doubles = [...Map.groupBy(runs, ({ id }) => id).values()].flatMap(findDoubles)
  const lost = await findLost(stage, ledger)
  const rows = rounds.map(({ kind, startedAt, promotedAt, endedAt, expirations }, index) => {
    const isIn = (at: number) => at >= startedAt && at < endedAt
    const { firstMs = Number.NaN, lastFailureMs } = probe.recoveryAfter(promotedAt, endedAt)
    return [
      String(index + 1),
      kind,
      (firstMs / 1000).toFixed(1),
      (Math.max(firstMs, lastFailureMs) / 1000).toFixed(1),
      String(acknowledgements(ledger).filter(({ answeredAt }) => isIn(answeredAt)).length),
      String(lost.filter(({ answeredAt }) => isIn(answeredAt)).length),
      String(expirations),
      String(runs.filter((run) => isIn(run.startedAt)).length),
      String(doubles.filter(({ first }) => isIn(first.startedAt)).length),
    ]
  })
  return align([headings, ...rows])
}

function acknowledgements({ documents, entries, events, tasks }: Ledger): Exchange[] {
  return [...documents, ...entries, ...events.values(), ...tasks.values()]
}

/** What was acknowledged and is not there; the checker judges whether that may be. */
async function findLost(stage: Stage, ledger: Ledger): Promise<Exchange[]> {
  const rows = await stage.query<{ name: string }>(`
    SELECT 'document ' || key || ' ' || version || ' ' || (data->>'name') AS name FROM document_history
    UNION ALL SELECT 'entry ' || key || ' ' || version || ' ' || (value #>> '{}') FROM entry_version
    UNION ALL SELECT 'event ' || (data->>'key') FROM journal WHERE type = 'failover.one'
    UNION ALL SELECT 'task ' || id FROM task`)
  const there = new Set(rows.map(({ name }) => name))
  const isLost = (name: string) => !there.has(name)
  return [
    ...ledger.documents.filter(({ key, version, value }) => isLost(`document ${key} ${version} ${value}`)),
    ...ledger.entries.filter(({ key, version, value }) => isLost(`entry ${key} ${version} ${value}`)),
    ...[...ledger.events].filter(([key]) => isLost(`event ${key}`)).map(([, exchange]) => exchange),
    ...[...ledger.tasks.values()].filter(({ id }) => isLost(`task ${id}`)),
  ]
}

function align(lines: readonly (readonly string[])[]): string[] {
  const widths = headings.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)))
  return lines.map((line) => line.map((cell, column) => cell.padStart(widths[column] ?? 0)).join('  '))
}
