import { createHash } from 'node:crypto'
import { type ValueType, valueTypes } from '#domain/documents/query/value-sql.ts'
import { type JsonPath, parseJsonPath } from '#lib/filter/json-path.ts'

/** What a collection declares: values of a type at a path are asked for, or sorted by. */
interface DeclaredIndex {
  readonly path: string
  readonly type: ValueType
}

/** A value index, or the one on the words at the collection's full-text paths. */
type IndexType = ValueType | 'FULL_TEXT'

/** An index that there has to be. */
export interface WantedIndex {
  readonly name: string
  readonly accountId: string
  readonly collection: string
  readonly type: IndexType
  /** One path; several for full text. */
  readonly paths: readonly JsonPath[]
}

/** What a collection's row says of its indexes. */
export interface Declaration {
  readonly accountId: string
  readonly collection: string
  readonly indexes: readonly DeclaredIndex[]
  readonly fullTextPaths: readonly string[]
}

export const indexNamePrefix = 'document_ix_'

/** The indexes that declarations stand for, each once. */
export function wantedIndexes(declarations: readonly Declaration[]): WantedIndex[] {
  const wanted = declarations.flatMap(({ accountId, collection, indexes, fullTextPaths }) => [
    ...indexes
      .filter(({ type }) => valueTypes.includes(type))
      .map(({ path, type }) => withName({ accountId, collection, type, paths: [parseJsonPath(path)] })),
    ...(fullTextPaths.length === 0
      ? []
      : [
          withName({
            accountId,
            collection,
            type: 'FULL_TEXT',
            paths: fullTextPaths.map((path) => parseJsonPath(path)),
          }),
        ]),
  ])
  return [...new Map(wanted.map((index) => [index.name, index])).values()]
}

/** The same declaration always has the same name, and another one never. */
function withName(index: Omit<WantedIndex, 'name'>): WantedIndex {
  const facts = JSON.stringify([index.accountId, index.collection, index.type, index.paths])
  return { ...index, name: indexNamePrefix + createHash('sha256').update(facts).digest('hex').slice(0, 32) }
}
