import { LRUCache } from 'lru-cache'
import type { DeclaredIndexes, IsIndexed } from '#domain/documents/query/filter-sql.ts'
import { type CompositeKey, compositeKey } from '#lib/composite-key.ts'
import type { JsonPath } from '#lib/filter/json-path.ts'
import type { Sql } from '#platform/database/sql.ts'
import { type WantedIndex, wantedIndexes } from './declared-index.ts'
import { readBuiltIndexes, readDeclaration, readFailures } from './store.ts'

export const indexStates = ['BUILDING', 'READY', 'FAILED'] as const
type IndexState = (typeof indexStates)[number]

/** How it stands with a declared index. */
export interface IndexReport extends WantedIndex {
  readonly state: IndexState
  /** Why the last attempt failed. */
  readonly error: string | undefined
}

/** How it stands with the indexes that a collection declares. */
export async function reportIndexes(sql: Sql, accountId: string, collection: string): Promise<IndexReport[]> {
  const declaration = await readDeclaration(sql, accountId, collection)
  const wanted = declaration === undefined ? [] : wantedIndexes([declaration])
  if (wanted.length === 0) return []
  const ready = new Set((await readBuiltIndexes(sql)).filter(({ isValid }) => isValid).map(({ name }) => name))
  const errors = new Map((await readFailures(sql)).map(({ name, error }) => [name, error]))
  return wanted.map((index) => {
    const error = ready.has(index.name) ? undefined : errors.get(index.name)
    return { ...index, error, state: ready.has(index.name) ? 'READY' : error === undefined ? 'BUILDING' : 'FAILED' }
  })
}

/** How long it may take until queries make use of what has been built meanwhile, in milliseconds. */
const staleMs = 5_000
const maxKept = 1_000

type Known = Awaited<ReturnType<DeclaredIndexes['of']>>

/** What collections declare, remembered for a few seconds: that changes how fast queries are, and never what they find. */
export function createDeclaredIndexes(sql: Sql): DeclaredIndexes {
  const cache = new LRUCache<CompositeKey, Known, { accountId: string; collection: string }>({
    max: maxKept,
    ttl: staleMs,
    fetchMethod: (_key, _stale, { context: { accountId, collection } }) => read(sql, accountId, collection),
  })
  return {
    async of(accountId, collection) {
      const known = await cache.fetch(compositeKey(accountId, collection), { context: { accountId, collection } })
      return known ?? read(sql, accountId, collection)
    },
  }
}

async function read(sql: Sql, accountId: string, collection: string): Promise<Known> {
  const reports = await reportIndexes(sql, accountId, collection)
  const ready = new Set(reports.filter(({ state }) => state === 'READY').map(({ type, paths }) => mark(type, paths[0])))
  const isIndexed: IsIndexed = (path, type) => ready.has(mark(type, path))
  return { isIndexed, fullTextPaths: reports.find(({ type }) => type === 'FULL_TEXT')?.paths ?? [] }
}

function mark(type: string, path: JsonPath = []): CompositeKey {
  return compositeKey(type, ...path)
}
