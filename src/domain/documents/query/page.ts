import type { DocumentState } from '#domain/documents/document.ts'
import { behindSql, type DocumentOrder, orderSql, type Place, type SortColumn, sortColumns } from './order.ts'
import { Parameters } from './parameters.ts'
import { isExact } from './path-pattern-sql.ts'
import { type Selection, selectionSql } from './selection.ts'

/** What a page holds at most, as JSON; one document is always in it. */
const pageBytes = 8 * 1024 * 1024

/** A document with its place in the order. */
export interface PlacedDocument {
  readonly document: DocumentState
  readonly place: Place
}

/** What one statement has found. */
export interface Found {
  readonly documents: readonly PlacedDocument[]
  /** How many there were before those that were too much for a page were left out. */
  readonly count: number
}

/**
 * Half of an order: first what has something of the type to sort by, then what has not. Either is found by itself, so
 * that an index serves both in either direction.
 */
export type Half = 'PRESENT' | 'ABSENT'

/** The halves that a page may consist of, from its place on. */
export function halvesFrom(columns: readonly SortColumn[], place: Place | undefined): readonly Half[] {
  if (columns[0]?.isNullable !== true) return ['PRESENT']
  return place !== undefined && place[0] === null ? ['ABSENT'] : ['PRESENT', 'ABSENT']
}

export interface PageRequest {
  readonly selection: Selection
  readonly orders: readonly DocumentOrder[]
  readonly half: Half
  readonly after: Place | undefined
  readonly limit: number
  /** Names of what is asked of each document; of the rest only what costs nothing is read. All when undefined. */
  readonly wanted?: ReadonlySet<string> | undefined
}

/** The statement that finds one half of a page; rows are read by {@link readFound}. */
export function pageSql({ selection, orders, half, after, limit, wanted }: PageRequest): {
  text: string
  values: unknown[]
} {
  const parameters = new Parameters()
  const from = selectionSql(selection, parameters)
  const all = sortColumns(orders, isExact(selection.in), parameters)
  const { ordered, compared, condition } = halved(all, half)
  const place = half === 'ABSENT' ? after?.slice(1) : after
  // Behind a place in the first half the second one begins at its beginning.
  const isWhole = place === undefined || (half === 'ABSENT' && after?.[0] !== null)
  const conditions = [...condition, ...(isWhole ? [] : [behindSql(compared, place, parameters)])]
  const places = all.flatMap(({ sql, field }, index) => (field === undefined ? [`${sql} AS "place${index}"`] : []))
  const sorted = all.flatMap(({ field }) => field ?? [])
  const shown = wanted === undefined ? documentColumns : columnsFor(new Set([...wanted, ...sorted]))
  const text = `
    SELECT * FROM (
      SELECT page.*, (count(*) OVER ())::int AS "pageCount",
        sum("sizeBytes") OVER (ROWS UNBOUNDED PRECEDING) - "sizeBytes" AS "bytesBefore"
      FROM (SELECT ${[shown, ...places].join(', ')}
        ${[from, ...conditions].join(' AND ')} ORDER BY ${orderSql(ordered)} LIMIT ${parameters.add(limit, 'integer')}) page
    ) counted WHERE "bytesBefore" < ${parameters.add(pageBytes, 'integer')}`
  return { text, values: parameters.values }
}

/** What a half is sorted by, what its places are compared by, and what makes it a half. */
function halved(all: readonly SortColumn[], half: Half) {
  const [first, ...rest] = all
  if (first?.isNullable !== true) return { ordered: all, compared: all, condition: [] }
  // Also where it is the same for all: in this form an index is known to have the order.
  const ordered = [{ ...first, isNullable: false }, ...rest]
  return half === 'PRESENT'
    ? { ordered, compared: ordered, condition: [`${first.sql} IS NOT NULL`] }
    : { ordered, compared: rest, condition: [`${first.sql} IS NULL`] }
}

/** What costs little to read. */
const everyColumn = `d.account_id AS "accountId", d.collection, d.key, d.version, d.deleted, d.size_bytes AS "sizeBytes"`
const furtherColumns: Readonly<Partial<Record<keyof DocumentState, string>>> = {
  data: 'd.data',
  createdAt: 'd.created_at AS "createdAt"',
  createdBy: 'd.created_by AS "createdBy"',
  updatedAt: 'd.updated_at AS "updatedAt"',
  updatedBy: 'd.updated_by AS "updatedBy"',
  expiresAt: 'd.expires_at AS "expiresAt"',
}

/** Columns of what {@link selectionSql} finds as a {@link DocumentState}. */
export const documentColumns = columnsFor(new Set(Object.keys(furtherColumns)))

function columnsFor(wanted: ReadonlySet<string>): string {
  const further = Object.entries(furtherColumns).filter(([name]) => wanted.has(name))
  return [everyColumn, ...further.map(([, sql]) => sql)].join(', ')
}

type Row = DocumentState & { readonly pageCount: number; readonly [column: `place${number}`]: unknown }

export function readFound(rows: readonly Row[], columns: readonly SortColumn[]): Found {
  return {
    documents: rows.map((row) => ({
      document: row,
      place: columns.map(({ field }, index) => placeOf(field === undefined ? row[`place${index}`] : row[field])),
    })),
    count: rows[0]?.pageCount ?? 0,
  }
}

function placeOf(value: unknown): Place[number] {
  return value instanceof Date ? value.toISOString() : (value as Place[number])
}
