import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { filterSql, type IsIndexed } from '#domain/documents/query/filter-sql.ts'
import { Parameters } from '#domain/documents/query/parameters.ts'
import { matches } from '#lib/filter/matches.ts'
import { readFilter } from '#lib/filter/parse.ts'
import { documentFacts, rawFilter } from '#test/support/filters.ts'
import { createTestDatabase, type TestDatabase } from '#test/support/server.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.drop())

const from = `FROM jsonb_to_recordset($1::jsonb) AS given(place int, data jsonb, key text, collection text, version int,
  "createdAt" timestamptz, "updatedAt" timestamptz, "createdBy" text, "updatedBy" text),
  LATERAL (SELECT given.data, given.key COLLATE "C" AS key, given.collection COLLATE "C" AS collection, given.version,
    given."createdAt" AS created_at, given."updatedAt" AS updated_at,
    jsonb_build_object('id', given."createdBy") AS created_by, jsonb_build_object('id', given."updatedBy") AS updated_by) AS d`

type Facts = typeof documentFacts extends fc.Arbitrary<infer Document> ? Document : never

/** Which of the documents the database finds. */
async function found(raw: object, documents: readonly Facts[], isIndexed: IsIndexed): Promise<number[]> {
  const parameters = new Parameters()
  parameters.add(JSON.stringify(documents.map((one, place) => ({ ...one, place }))), 'jsonb')
  const where = filterSql(readFilter(raw, 'where'), parameters, isIndexed)
  const rows = await database.query<{ place: number }>(
    `SELECT given.place ${from} WHERE ${where} ORDER BY 1`,
    parameters.values,
  )
  return rows.map(({ place }) => place)
}

function matching(raw: object, documents: readonly Facts[]): number[] {
  const filter = readFilter(raw, 'where')
  return documents.flatMap(({ createdAt, updatedAt, ...facts }, place) =>
    matches(filter, { ...facts, createdAt: new Date(createdAt), updatedAt: new Date(updatedAt) }) ? [place] : [],
  )
}

describe('a filter', () => {
  it.each([
    ['without declared indexes', () => false],
    ['with them', () => true],
  ])('means the same to the database as in memory, %s', async (_name, isIndexed) => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(documentFacts, { minLength: 15, maxLength: 15 }),
        fc.array(rawFilter, { minLength: 5, maxLength: 5 }),
        async (documents, filters) => {
          for (const raw of filters) expect(await found(raw, documents, isIndexed)).toEqual(matching(raw, documents))
        },
      ),
      { numRuns: 200 },
    )
  })
})
