import { createHash } from 'node:crypto'
import { isLoose, type ValueType, valueTypes } from '#domain/documents/query/value-sql.ts'
import { type InputIssue, invalidInput } from '#lib/errors.ts'
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
  /** What the planner knows of such values: the same for all collections that declare them. Undefined for full text. */
  readonly statistics: string | undefined
  /** One path; several for full text. */
  readonly paths: readonly JsonPath[]
  /** As it was declared; undefined for full text. */
  readonly declared: DeclaredIndex | undefined
}

/** What a collection's row says of its indexes. */
export interface Declaration {
  readonly accountId: string
  readonly collection: string
  readonly indexes: readonly DeclaredIndex[]
  readonly fullTextPaths: readonly string[]
}

/** A changed declaration; fields that are undefined stay as they are. */
export interface DeclarationChange {
  readonly indexes?: readonly DeclaredIndex[] | undefined
  readonly fullTextPaths?: readonly string[] | undefined
}

/** Each one has to be kept up to date by every write. */
const maxIndexes = 8
/** Of one account, those of words included: the database looks at every one of them before it answers anybody. */
const maxPerAccount = 64
export const indexNamePrefix = 'document_ix_'
export const statisticsNamePrefix = 'document_st_'

/** Checks what a collection is to declare. @throws {InvalidInput} */
export function checkDeclaration({ indexes = [], fullTextPaths = [] }: DeclarationChange): void {
  if (indexes.length > maxIndexes) refuse({ path: 'indexes', message: `must be at most ${maxIndexes}` })
  if (fullTextPaths.length > maxIndexes) refuse({ path: 'fullTextPaths', message: `must be at most ${maxIndexes}` })
  for (const [at, { path }] of indexes.entries()) checkPath(path, `indexes.${at}.path`)
  for (const [at, path] of fullTextPaths.entries()) checkPath(path, `fullTextPaths.${at}`)
}

/** @throws {InvalidInput} when an account declares more than it may. */
export function mustBeFew(declaredOfAccount: number): void {
  if (declaredOfAccount <= maxPerAccount) return
  const message = `would make ${declaredOfAccount} of the account, which may have ${maxPerAccount}`
  refuse({ path: 'indexes', message })
}

function checkPath(path: string, at: string): void {
  const parts = parseJsonPath(path, at)
  // The database would take it for an element of an array, which it never is for us.
  if (parts.some(isLoose)) refuse({ path: at, message: 'has a part that is a number, but no place in an array' })
}

function refuse(issue: InputIssue): never {
  throw invalidInput('The declaration', [issue])
}

/** The indexes that declarations stand for, each once. */
export function wantedIndexes(declarations: readonly Declaration[]): WantedIndex[] {
  const wanted = declarations.flatMap(({ accountId, collection, indexes, fullTextPaths }) => [
    ...indexes
      .filter(({ type }) => valueTypes.includes(type))
      .map((declared) =>
        withName({ accountId, collection, type: declared.type, paths: [parseJsonPath(declared.path)], declared }),
      ),
    ...(fullTextPaths.length === 0
      ? []
      : [
          withName({
            accountId,
            collection,
            type: 'FULL_TEXT',
            declared: undefined,
            paths: fullTextPaths.map((path) => parseJsonPath(path)),
          }),
        ]),
  ])
  return [...new Map(wanted.map((index) => [index.name, index])).values()]
}

/** The same declaration always has the same name, and another one never. */
function withName(index: Omit<WantedIndex, 'name' | 'statistics'>): WantedIndex {
  const { accountId, collection, type, paths } = index
  return {
    ...index,
    name: indexNamePrefix + digest([accountId, collection, type, paths]),
    statistics: type === 'FULL_TEXT' ? undefined : statisticsNamePrefix + digest([type, paths]),
  }
}

function digest(facts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(facts)).digest('hex').slice(0, 32)
}
