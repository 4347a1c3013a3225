import { invalidValue } from '#lib/errors.ts'
import type { Filter } from '#lib/filter/filter.ts'
import { isStorable } from '#lib/json.ts'
import { filterSql, type IsIndexed } from './filter-sql.ts'
import type { Parameters } from './parameters.ts'
import { pathPatternSql, reachSql } from './path-pattern-sql.ts'

/** Which documents are asked for, by whom. */
export interface Selection {
  readonly accountId: string
  /** Path pattern of their collections. */
  readonly in: string
  readonly filter: Filter
  /** As they were then; as they are when undefined. */
  readonly at: Date | undefined
  /** What the caller's rights are narrowed to; undefined for everything. */
  readonly reach: readonly string[] | undefined
  /** Declared indexes of the collection, when it is one. */
  readonly isIndexed: IsIndexed
  /** Words that have to be in what is at the collection's paths for them. */
  readonly search?: { readonly words: string; readonly paths: readonly (readonly string[])[] } | undefined
}

const maxPatternLength = 512

/** @throws {InvalidInput} for what no path pattern can be. */
export function checkPattern(pattern: string, at = 'in'): void {
  const fault =
    (pattern.length > maxPatternLength && `must have at most ${maxPatternLength} characters`) ||
    (!isStorable(pattern) && 'has a character that no path can hold') ||
    (pattern.split('/').includes('') && 'has an empty part')
  if (fault) throw invalidValue('The pattern', at, fault)
}

/** The selected documents as `FROM … WHERE …` with the alias `d`, which has the columns of `document`. */
export function selectionSql(selection: Selection, parameters: Parameters): string {
  const account = parameters.add(selection.accountId, 'uuid')
  const at = selection.at && parameters.add(selection.at.toISOString(), 'timestamptz')
  const conditions = [
    `d.account_id = ${account}`,
    pathPatternSql(selection.in, 'd.collection', parameters),
    'NOT d.deleted',
    `(d.expires_at IS NULL OR d.expires_at > ${at ?? 'now()'})`,
    ...(selection.reach === undefined ? [] : [reachSql(selection.reach, parameters)]),
    filterSql(selection.filter, parameters, at === undefined ? selection.isIndexed : undefined),
    ...(selection.search === undefined ? [] : [searchSql(selection.search, parameters)]),
  ]
  return `FROM ${at === undefined ? 'document d' : pastSql(at)} WHERE ${conditions.join(' AND ')}`
}

/** Each document as its last version until then made it; found from the documents, whose order pages follow. */
function pastSql(at: string): string {
  const columns = 'version, data, created_at, created_by, at, by, deleted, expires_at, size_bytes'
  return `(SELECT e.account_id, e.collection, e.key, v.version, v.data, v.created_at, v.created_by, v.at AS updated_at,
      v.by AS updated_by, v.deleted, v.expires_at, v.size_bytes
    FROM document e CROSS JOIN LATERAL (
      SELECT * FROM (
        SELECT e.version, e.data, e.created_at, e.created_by, e.updated_at, e.updated_by, e.deleted, e.expires_at,
          e.size_bytes WHERE e.updated_at <= ${at}
        UNION ALL (
          SELECT ${columns} FROM document_version v
          WHERE v.account_id = e.account_id AND v.collection = e.collection AND v.key = e.key AND v.at <= ${at}
          ORDER BY v.version DESC LIMIT 1)
      ) AS until (${columns}) ORDER BY version DESC LIMIT 1) v) d`
}

function searchSql({ words, paths }: NonNullable<Selection['search']>, parameters: Parameters): string {
  const found = `document_words(d.data, ${parameters.add(JSON.stringify(paths), 'jsonb')})`
  return `${found} @@ websearch_to_tsquery('simple', ${parameters.add(words, 'text')})`
}
