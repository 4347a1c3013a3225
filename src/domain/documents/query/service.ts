import type { Caller } from '#domain/access/service.ts'
import { type DocumentChange, followDocuments } from '#domain/documents/changes/follow.ts'
import { VersionReader } from '#domain/documents/changes/version-reader.ts'
import type { DocumentState } from '#domain/documents/document.ts'
import { invalidValue } from '#lib/errors.ts'
import type { Filter } from '#lib/filter/filter.ts'
import type { FilterEvaluator } from '#lib/filter/filter-evaluator.ts'
import { parseLiveFilter } from '#lib/filter/live-filter.ts'
import { parseFilter } from '#lib/filter/parse.ts'
import { isStorable } from '#lib/json.ts'
import { type BoundedRead, readLimitMs, StatementTooSlow } from '#platform/database/bounded-read.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { JournalEntry } from '#platform/journal/entry.ts'
import type { Journal } from '#platform/journal/journal.ts'
import { type AggregateRequest, type Aggregates, aggregateSql, readAggregates } from './aggregate.ts'
import { QueryTooSlow } from './errors.ts'
import type { DeclaredIndexes } from './filter-sql.ts'
import { type DocumentOrder, type SortColumn, sortColumns } from './order.ts'
import { halvesFrom, type PageRequest, type PlacedDocument, pageSql, readFound } from './page.ts'
import { decodePlace, encodePlace, queryMark } from './page-cursor.ts'
import { Parameters } from './parameters.ts'
import { isExact } from './path-pattern-sql.ts'
import { checkPattern, type Selection, selectionSql } from './selection.ts'

const countLimitMs = 2_000
const maxSearchLength = 500

/** Which documents, as it comes in. */
export interface DocumentQuery {
  /** Path pattern of their collections. */
  readonly in: string
  /** A filter as clients write it. */
  readonly where?: unknown
  readonly search?: string | undefined
  readonly at?: Date | undefined
}

/** Which part of a list. */
export interface PagePart {
  readonly size: number
  readonly after: string | undefined
  /** Fields of documents that are asked for; others may be missing then. */
  readonly wanted?: ReadonlySet<string> | undefined
}

export interface DocumentPage {
  readonly nodes: readonly DocumentState[]
  /** One for each node. */
  readonly cursors: readonly string[]
  readonly hasNextPage: boolean
  /** How many there are in all; null when that takes too long to count. */
  readonly count: () => Promise<number | null>
}

export interface DocumentQueryDeps {
  readonly sql: Sql
  readonly journal: Journal
  readonly read: BoundedRead
  /** What is declared of a collection. */
  readonly declarations: DeclaredIndexes
  readonly filters: FilterEvaluator
}

/** Everything that can be asked of many documents at once. */
export type DocumentQueryService = ReturnType<typeof createDocumentQueryService>

export function createDocumentQueryService({ sql, journal, read, declarations, filters }: DocumentQueryDeps) {
  /**
   * A page of documents in an order, behind a cursor. Who follows the cursors gets each document once that stays where
   * it is in the order; one that is moved by a change may be met again, or missed.
   * @throws {InvalidInput} @throws {InvalidCursor} @throws {QueryTooSlow}
   */
  async function list(
    caller: Caller,
    query: DocumentQuery,
    orders: readonly DocumentOrder[],
    page: PagePart,
  ): Promise<DocumentPage> {
    const selection = await select(caller, query)
    const columns = sortColumns(orders, isExact(selection.in), new Parameters())
    const mark = () => markOf(caller, query, orders)
    const after = page.after === undefined ? undefined : decodePlace(mark(), page.after, columns)
    const { documents, hasMore } = await readPage({ selection, orders, after, wanted: page.wanted }, columns, page.size)
    return {
      nodes: documents.map(({ document }) => document),
      get cursors() {
        const own = mark()
        return documents.map(({ place }) => encodePlace(own, place))
      },
      hasNextPage: hasMore,
      count: () => count(selection),
    }
  }

  async function readPage(
    request: Omit<PageRequest, 'half' | 'limit'>,
    columns: readonly SortColumn[],
    size: number,
  ): Promise<{ documents: readonly PlacedDocument[]; hasMore: boolean }> {
    const documents: PlacedDocument[] = []
    for (const half of halvesFrom(columns, request.after)) {
      // One more than asked for tells that there is a next page.
      const limit = size + 1 - documents.length
      const { text, values } = pageSql({ ...request, half, limit })
      const found = readFound(await inTime(read(text, values, readLimitMs)), columns)
      documents.push(...found.documents)
      const isCut = found.documents.length < found.count
      if (isCut || documents.length > size) return { documents: documents.slice(0, size), hasMore: true }
    }
    return { documents, hasMore: false }
  }

  async function count(selection: Selection): Promise<number | null> {
    const parameters = new Parameters()
    const text = `SELECT count(*)::int AS count ${selectionSql(selection, parameters)}`
    try {
      const [row] = await read<{ count: number }>(text, parameters.values, countLimitMs)
      return row?.count ?? 0
    } catch (error) {
      if (error instanceof StatementTooSlow) return null
      throw error
    }
  }

  /** Numbers about documents, for all or by what is at a path. @throws {InvalidInput} @throws {QueryTooSlow} */
  async function aggregate(caller: Caller, query: DocumentQuery, request: AggregateRequest): Promise<Aggregates> {
    const selection = await select(caller, query)
    const { text, values } = aggregateSql(selection, request)
    return readAggregates(await inTime(read(text, values, readLimitMs)), request)
  }

  async function select(caller: Caller, query: DocumentQuery, given?: Filter): Promise<Selection> {
    const reach = caller.mustSomewhere('documents:read')
    checkPattern(query.in)
    const filter = given ?? parseFilter(query.where ?? {})
    const known = isExact(query.in) ? await declarations.of(caller.accountId, query.in) : undefined
    return {
      accountId: caller.accountId,
      in: query.in,
      filter,
      at: query.at,
      reach,
      isIndexed: known?.isIndexed ?? (() => false),
      search: query.search === undefined ? undefined : searchOf(query.search, known?.fullTextPaths ?? []),
    }
  }

  const versions = new VersionReader(sql)

  /**
   * What matches, then each change to it, from now on or after a cursor.
   * @throws {InvalidInput} @throws {InvalidCursor} @throws {CursorExpired}
   */
  async function changes(
    caller: Caller,
    query: Pick<DocumentQuery, 'in' | 'where'>,
    after: string | undefined,
  ): Promise<AsyncGenerator<DocumentChange>> {
    const live = parseLiveFilter(query.where ?? {})
    const selection = await select(caller, query, live.filter)
    return followDocuments({ journal, read, versions, filters }, caller, { selection, live }, after)
  }

  /** Keeps up with what the journal tells; to be called with every entry. */
  function onJournalEntry({ type }: Pick<JournalEntry, 'type'>): void {
    if (type === 'collection.deleted') versions.forget()
  }

  return {
    list,
    aggregate,
    changes,
    onJournalEntry,
    /** The database may have gone back: nothing that was read before is believed. */
    forget: () => versions.forget(),
  }
}

function searchOf(words: string, paths: readonly (readonly string[])[]): Selection['search'] {
  const fault =
    (words.length > maxSearchLength && `must have at most ${maxSearchLength} characters`) ||
    (!isStorable(words) && 'has a character that no document can hold') ||
    (paths.length === 0 && 'needs `in` to be one collection that declares `fullTextPaths`')
  if (fault) throw invalidValue('The search', 'search', fault)
  return { words, paths }
}

function markOf({ accountId }: Caller, query: DocumentQuery, orders: readonly DocumentOrder[]): string {
  const { at, search = null, where = null } = query
  return queryMark([accountId, query.in, where, search, at?.getTime() ?? null, orders])
}

async function inTime<Row>(reading: Promise<Row[]>): Promise<Row[]> {
  try {
    return await reading
  } catch (error) {
    if (error instanceof StatementTooSlow) throw new QueryTooSlow(readLimitMs)
    throw error
  }
}
