import type { DocumentName, DocumentState } from '#domain/documents/document.ts'
import { documentColumns } from '#domain/documents/query/page.ts'
import { Parameters } from '#domain/documents/query/parameters.ts'
import { type Selection, selectionSql } from '#domain/documents/query/selection.ts'
import { compareText } from '#lib/filter/json-value.ts'
import type { BoundedRead } from '#platform/database/bounded-read.ts'

const pageSize = 200
/** What a page holds at most, as JSON; one document is always in it. */
const pageBytes = 4 * 1024 * 1024
const pageMs = 10_000

/** A stretch of the documents in order, and what was committed when it was read. */
interface Stretch {
  /** The last document of it; undefined: to the end. */
  readonly end: DocumentName | undefined
  readonly seen: Seen
}

/** What was there when it was read in pages: each page is as new as its own statement. */
export class DocumentSnapshot {
  readonly #read: BoundedRead
  readonly #selection: Selection
  readonly #stretches: Stretch[] = []

  constructor(read: BoundedRead, selection: Selection) {
    this.#read = read
    this.#selection = selection
  }

  /** Reads it, a page at a time, by collection and key. */
  async *documents(): AsyncGenerator<DocumentState> {
    for (let after: DocumentName | undefined; ; ) {
      const rows: Row[] = await this.#read<Row>(...statement(this.#selection, after), pageMs)
      const found = rows.filter((row): row is DocumentState & Row => row.key !== null)
      const isLast = found.length < pageSize && found.length === (rows[0]?.pageCount ?? 0)
      after = isLast ? undefined : found.at(-1)
      this.#stretches.push({ end: after, seen: new Seen(rows[0] as Row) })
      yield* found
      if (after === undefined) return
    }
  }

  /** Whether what a transaction has made of a document was part of what was read. */
  includes(name: DocumentName, xid: bigint): boolean {
    // Where the document stands among the stretches, which are in order.
    let low = 0
    let high = this.#stretches.length
    while (low < high) {
      const middle = (low + high) >> 1
      const end = this.#stretches[middle]?.end
      if (end !== undefined && compareNames(end, name) < 0) low = middle + 1
      else high = middle
    }
    return this.#stretches[low]?.seen.has(xid) ?? false
  }

  /** Whether a transaction, and each later one, is newer than all that was read. */
  isBehind(xid: bigint): boolean {
    return this.#stretches.every(({ seen }) => seen.isBefore(xid))
  }
}

interface Facts {
  /** As PostgreSQL writes it: `xmin:xmax:` and the transactions between them that were running. */
  readonly snapshot: string
  /** By how much the journal's transaction ids are ahead of the database's. */
  readonly shift: string
  readonly pageCount: number | null
}
type Row = Facts & (DocumentState | { readonly key: null })

/** Which transactions a statement has seen. */
class Seen {
  readonly #xmin: bigint
  readonly #xmax: bigint
  readonly #running: ReadonlySet<bigint>
  readonly #shift: bigint

  constructor({ snapshot, shift }: Facts) {
    const [xmin = '0', xmax = '0', running = ''] = snapshot.split(':')
    this.#xmin = BigInt(xmin)
    this.#xmax = BigInt(xmax)
    this.#running = new Set(running === '' ? [] : running.split(',').map(BigInt))
    this.#shift = BigInt(shift)
  }

  /** Whether it has seen what this transaction of the journal did. */
  has(xid: bigint): boolean {
    const own = xid - this.#shift
    return own < this.#xmin || (own < this.#xmax && !this.#running.has(own))
  }

  isBefore(xid: bigint): boolean {
    return xid - this.#shift >= this.#xmax
  }
}

function statement(selection: Selection, after: DocumentName | undefined): [string, unknown[]] {
  const parameters = new Parameters()
  const from = selectionSql(selection, parameters)
  const behind =
    after === undefined
      ? ''
      : `AND (d.collection, d.key) > (${parameters.add(after.collection, 'text')}, ${parameters.add(after.key, 'text')})`
  const text = `
    SELECT page.*, facts.* FROM (
      SELECT pg_current_snapshot()::text AS snapshot,
        journal_horizon() - pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS shift
    ) facts LEFT JOIN (
      SELECT found.*, (count(*) OVER ())::int AS "pageCount",
        sum("sizeBytes") OVER (ORDER BY collection, key ROWS UNBOUNDED PRECEDING) - "sizeBytes" AS "bytesBefore"
      FROM (SELECT ${documentColumns} ${from} ${behind} ORDER BY d.collection, d.key LIMIT ${pageSize}) found
    ) page ON "bytesBefore" < ${pageBytes} ORDER BY collection, key`
  return [text, parameters.values]
}

function compareNames(a: DocumentName, b: DocumentName): number {
  return compareText(a.collection, b.collection) || compareText(a.key, b.key)
}
