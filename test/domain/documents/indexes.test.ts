import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { IsIndexed } from '#domain/documents/query/filter-sql.ts'
import type { DocumentOrder } from '#domain/documents/query/order.ts'
import { type Half, pageSql } from '#domain/documents/query/page.ts'
import type { Selection } from '#domain/documents/query/selection.ts'
import { parseFilter } from '#lib/filter/parse.ts'
import { put } from '#test/support/documents.ts'
import { graphql, graphqlData } from '#test/support/graphql.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'
import { ownAccount } from '#test/support/tokens.ts'
import { until } from '#test/support/until.ts'

const collection = 'plans/many'
const declared = [
  { path: 'name', type: 'STRING' },
  { path: 'spec.size', type: 'NUMBER' },
  { path: 'old', type: 'BOOLEAN' },
]

let server: TestServer
let accountId: string
beforeAll(async () => {
  server = await startTestServer({ env: { ROLES: 'api' } })
  accountId = await ownAccount(server)
  await change('createCollection', { path: collection, indexes: declared, fullTextPaths: ['note', 'spec.note'] })
  await put(server, 'first', {}, { collection })
  await change('createCollection', { path: `${collection}-other` })
  await server.database.query(
    `INSERT INTO document (account_id, collection, key, version, data, created_at, created_by, updated_at, updated_by, size_bytes)
     SELECT account_id, collection || other, 'key-' || n, 1, jsonb_build_object('name', 'name-' || n, 'old', n % 500 = 0,
         'spec', jsonb_build_object('size', n), 'plain', n, 'tags', jsonb_build_array('tag-' || n, n), 'note', 'note ' || n),
       now(), created_by, now(), created_by, 100
     FROM document, generate_series(1, 20000) n, unnest(ARRAY['', '-other']) other WHERE collection = $1`,
    [collection],
  )
  await until(async () => (await states(collection)).every(({ state }) => state === 'READY'))
  await server.database.query('ANALYZE document')
})
afterAll(() => server.close())

async function change(mutation: string, input: object): Promise<{ code?: string; issues?: { path: string }[] }> {
  const name = mutation.charAt(0).toUpperCase() + mutation.slice(1)
  const { data } = await graphql<Record<string, { code?: string }>>(
    server,
    `mutation ($input: ${name}Input!) { ${mutation}(input: $input) {
      ... on Failure { code message } ... on InvalidInput { issues { path } } } }`,
    { input },
  )
  return data?.[mutation] ?? {}
}

interface State {
  readonly path: string | null
  readonly type: string | null
  readonly state: string
  readonly error: string | null
}

async function states(path: string): Promise<readonly State[]> {
  const { collection: found } = await graphqlData<{ collection: { indexes: State[] } | null }>(
    server,
    'query ($path: String!) { collection(path: $path) { indexes { path type state error } } }',
    { path },
  )
  return found?.indexes ?? []
}

interface Asked extends Partial<Selection> {
  readonly where?: object
  readonly orders?: readonly DocumentOrder[]
  readonly half?: Half
  readonly after?: readonly string[]
}

/** How the database goes about the first page. */
async function plan({ where = {}, orders = [], half = 'PRESENT', after, ...more }: Asked): Promise<string> {
  const isIndexed: IsIndexed = (path, type) => declared.some((one) => one.path === path.join('.') && one.type === type)
  const selection = {
    accountId,
    in: collection,
    filter: parseFilter(where),
    at: undefined,
    reach: undefined,
    isIndexed,
    ...more,
  }
  const { text, values } = pageSql({ selection, orders, half, after, limit: 20 })
  const rows = await server.database.query<{ 'QUERY PLAN': string }>(`EXPLAIN ${text}`, values)
  return rows.map((row) => row['QUERY PLAN']).join('\n')
}

describe('declared indexes', () => {
  it('are built, said to be ready, and dropped when they are no longer declared', async () => {
    expect(await states(collection)).toEqual([
      ...declared.map((one) => ({ ...one, state: 'READY', error: null })),
      { path: null, type: null, state: 'READY', error: null },
    ])
    await change('createCollection', { path: 'brief', indexes: [declared[0]] })
    await until(async () => (await states('brief'))[0]?.state === 'READY')
    const built = () =>
      server.database.query<{ def: string }>(
        `SELECT pg_get_indexdef(indexrelid) AS def FROM pg_index WHERE indrelid = 'document'::regclass
         AND pg_get_indexdef(indexrelid) LIKE '%''brief''%'`,
      )
    expect(await built()).toHaveLength(1)
    await change('updateCollection', { path: 'brief', indexes: [] })
    await until(async () => (await built()).length === 0)
  })

  it('are refused where they could not be used, and when there are too many', async () => {
    const create = (input: object) => change('createCollection', { path: 'refused', ...input })
    expect(await create({ indexes: [{ path: 'a..b', type: 'STRING' }] })).toMatchObject({
      code: 'INVALID_INPUT',
      issues: [{ path: 'indexes.0.path' }],
    })
    expect((await create({ indexes: [{ path: 'a.-1', type: 'STRING' }] })).code).toBe('INVALID_INPUT')
    expect((await create({ indexes: Array(9).fill(declared[0]) })).code).toBe('INVALID_INPUT')
    expect((await create({ fullTextPaths: [''] })).code).toBe('INVALID_INPUT')
  })

  it('take in texts and numbers of every size', async () => {
    await put(
      server,
      'huge',
      { name: '😀'.repeat(100_000), spec: { size: -1e-300 }, note: 'word '.repeat(100_000) },
      { collection },
    )
    await put(server, 'odd', { name: 1, spec: [], note: { deep: [1] } }, { collection })
  })

  it.each([
    ['eq', { path: 'name', eq: 'name-77' }],
    ['in', { path: 'name', in: ['name-77', 'name-78'] }],
    ['gt', { path: 'name', gt: 'name-9998' }],
    ['gte', { path: 'spec.size', gte: 19_990 }],
    ['lt', { path: 'spec.size', lt: 10 }],
    ['lte', { path: 'spec.size', lte: 10 }],
    ['eq on numbers', { path: 'spec.size', eq: 77 }],
    ['eq on truth', { path: 'old', eq: true }],
    ['startsWith', { path: 'name', startsWith: 'name-777' }],
  ])('serve %s', async (_name, where) => {
    expect(await plan({ where })).toMatch(/Index.* document_ix_/)
  })

  it.each([
    ['its first page', {}],
    ['a page behind a cursor', { after: ['500', 'key-500'] }],
    ['what has no such value', { half: 'ABSENT' as const }],
  ])('serve an order in both directions without sorting: %s', async (_name, more) => {
    for (const direction of ['ASC', 'DESC'] as const) {
      const orders = [{ path: 'spec.size', type: 'NUMBER', direction }] as const
      const text = await plan({ orders, ...more })
      expect(text).toMatch(/Index Scan.* using document_ix_/)
      expect(text).not.toContain('Sort')
    }
  })

  it('serve full text', async () => {
    const search = { words: '"note 777"', paths: [['note'], ['spec', 'note']] }
    expect(await plan({ search })).toMatch(/Index.* document_ix_/)
    const { documents } = await graphqlData<{ documents: { nodes: { key: string }[] } }>(
      server,
      'query ($in: String!, $search: String!) { documents(in: $in, search: $search) { nodes { key } } }',
      { in: collection, search: 'NOTE 777 -778' },
    )
    expect(documents.nodes).toEqual([{ key: 'key-777' }])
    const { errors } = await graphql(server, '{ documents(search: "a") { nodes { key } } }')
    expect(errors?.[0]?.extensions?.['code']).toBe('INVALID_INPUT')
  })
})

describe('without a declaration', () => {
  it.each([
    ['eq', { path: 'plain', eq: 77 }],
    ['in', { path: 'plain', in: [77, 78] }],
    ['arrayContains', { path: 'tags', arrayContains: 'tag-77' }],
    ['eq on arrays', { path: 'tags', eq: ['tag-77', 77] }],
    [
      'several of them',
      {
        or: [
          { path: 'plain', eq: 77 },
          { path: 'tags', arrayContains: 'tag-78' },
        ],
      },
    ],
  ])('the index of all data serves %s, also across collections', async (_name, where) => {
    expect(await plan({ where })).toContain('document_data_idx')
    expect(await plan({ where, in: 'plans/**' })).toContain('document_data_idx')
  })

  it('keys and collections are found by their own', async () => {
    const byKey = await plan({ where: { key: { startsWith: 'key-77' } } })
    expect(byKey).toContain('document_pkey')
    expect(await plan({ in: 'plans/**' })).toContain('document_pkey')
    expect(await plan({ in: 'plans/**' })).not.toContain('Sort')
    expect(await plan({ in: '**', reach: ['other/**'] })).toContain('document_pkey')
  })
})
