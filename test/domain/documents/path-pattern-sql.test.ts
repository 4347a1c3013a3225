import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Parameters } from '#domain/documents/query/parameters.ts'
import { pathPatternSql, reachSql } from '#domain/documents/query/path-pattern-sql.ts'
import { matchesPattern } from '#lib/path-pattern.ts'
import { createTestDatabase, type TestDatabase } from '#test/support/server.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.drop())

const part = fc.string({ unit: fc.constantFrom('a', 'b', '.', '+', 'é', '😀', "'"), minLength: 1, maxLength: 3 })
const path = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'))
const wild = fc.oneof(
  { weight: 3, arbitrary: part },
  { weight: 2, arbitrary: fc.constantFrom('*', '**', 'a*', '*b', '*.*') },
)
const pattern = fc.array(wild, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'))
const paths = fc.array(path, { minLength: 20, maxLength: 20 })

/** Which of the documents, of these collections and keys, the database finds. */
async function found(of: (parameters: Parameters) => string, documents: readonly (readonly [string, string])[]) {
  const parameters = new Parameters()
  parameters.add(
    documents.map(([collection]) => collection),
    'text[]',
  )
  parameters.add(
    documents.map(([, key]) => key),
    'text[]',
  )
  const rows = await database.query<{ place: string }>(
    `SELECT place FROM (
       SELECT collection COLLATE "C" AS collection, key COLLATE "C" AS key, place
       FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS given (collection, key, place)) d
     WHERE ${of(parameters)} ORDER BY 1`,
    parameters.values,
  )
  return rows.map(({ place }) => Number(place) - 1)
}

const places = (hits: readonly boolean[]) => hits.flatMap((hit, place) => (hit ? [place] : []))

describe('a path pattern', () => {
  it('means the same to the database as in memory', async () => {
    await fc.assert(
      fc.asyncProperty(pattern, paths, async (one, all) => {
        const known = [...all, one.replaceAll('*', 'a'), one.replaceAll('/**', ''), one.replaceAll('**', 'a/b')]
        const documents = known.map((collection) => [collection, 'key'] as const)
        const sql = (parameters: Parameters) => pathPatternSql(one, 'd.collection', parameters)
        expect(await found(sql, documents)).toEqual(places(known.map((collection) => matchesPattern(one, collection))))
      }),
      { numRuns: 300 },
    )
  })

  it('that rights are narrowed to means the same as well, across collection and key', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(pattern, { maxLength: 3 }), paths, path, async (reach, collections, key) => {
        const names = [...reach.map((one) => one.replaceAll('*', 'a')), ...collections].map(
          (collection) => [collection, key] as const,
        )
        expect(await found((parameters) => reachSql(reach, parameters), names)).toEqual(
          places(names.map(([collection]) => reach.some((one) => matchesPattern(one, `${collection}/${key}`)))),
        )
      }),
      { numRuns: 200 },
    )
  })
})
