import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { put, write } from '#test/support/documents.ts'
import { graphql, graphqlData } from '#test/support/graphql.ts'
import type { TestServer } from '#test/support/server.ts'
import { sharedServer } from '#test/support/shared-server.ts'
import { addToken, ownAccount } from '#test/support/tokens.ts'

let server: TestServer
beforeAll(async () => {
  server = await sharedServer()
})
afterAll(() => server.close())

interface Page {
  readonly nodes: readonly { collection: string; key: string; data: never; version: number }[]
  readonly pageInfo: { readonly endCursor: string | null; readonly hasNextPage: boolean }
  readonly totalCount?: number | null
}
type Arguments = Record<string, unknown>

const documentsQuery = (more = '') => `query ($in: String! = "**", $where: DocumentFilter, $search: String,
  $orderBy: [DocumentOrder!], $at: DateTime, $first: Int, $after: String) {
  documents(in: $in, where: $where, search: $search, orderBy: $orderBy, at: $at, first: $first, after: $after) {
    nodes { collection key data version } pageInfo { endCursor hasNextPage } ${more}
  } }`

async function list(args: Arguments, more?: string): Promise<Page> {
  return (await graphqlData<{ documents: Page }>(server, documentsQuery(more), args)).documents
}

async function refused(args: Arguments): Promise<unknown> {
  const { errors } = await graphql(server, documentsQuery(), args)
  return errors?.[0]?.extensions?.['code']
}

const names = ({ nodes }: Page) => nodes.map(({ collection, key }) => `${collection}/${key}`)
const keys = ({ nodes }: Page) => nodes.map(({ key }) => key)

/** All pages, of two documents each, one after the other. */
async function pages(args: Arguments): Promise<string[]> {
  const all: string[] = []
  for (let after: string | null = null; ; ) {
    const page: Page = await list({ ...args, first: 2, after })
    all.push(...names(page))
    if (!page.pageInfo.hasNextPage) return all
    after = page.pageInfo.endCursor
  }
}

async function fill(collection: string, documents: Readonly<Record<string, unknown>>): Promise<void> {
  for (const [key, data] of Object.entries(documents)) await put(server, key, data, { collection })
}

describe('documents', () => {
  it('are listed by the pattern of their collections', async () => {
    await fill('places/prod', { one: 1 })
    await fill('places/prod/emea', { two: 2 })
    await fill('places/test/emea', { three: 3 })
    await fill('places-old', { four: 4 })
    const of = async (pattern: string) => names(await list({ in: pattern })).filter((name) => name.startsWith('places'))
    expect(await of('places/prod')).toEqual(['places/prod/one'])
    expect(await of('places/*')).toEqual(['places/prod/one'])
    expect(await of('places/**')).toEqual(['places/prod/one', 'places/prod/emea/two', 'places/test/emea/three'])
    expect(await of('**/emea')).toEqual(['places/prod/emea/two', 'places/test/emea/three'])
    expect(await of('*/prod/*')).toEqual(['places/prod/emea/two'])
    expect(await of('places*')).toEqual(['places-old/four'])
    expect(await refused({ in: 'a//b' })).toBe('INVALID_INPUT')
    expect(await refused({ in: 'a\u0000' })).toBe('INVALID_INPUT')
  })

  it('are found by what they hold, and by what is known of them', async () => {
    await fill('found', {
      a: { spec: { replicas: 1, image: 'web:1' }, tags: ['eu'] },
      b: { spec: { replicas: 3, image: 'web:2' }, tags: ['us', 'eu'] },
      c: { spec: { replicas: '3' } },
    })
    const where = async (filter: object) => keys(await list({ in: 'found', where: filter }))
    expect(await where({ path: 'spec.replicas', eq: 3 })).toEqual(['b'])
    expect(await where({ path: 'spec.replicas', gte: 1 })).toEqual(['a', 'b'])
    expect(await where({ path: 'spec.image', startsWith: 'web:', ne: 'web:1' })).toEqual(['b'])
    expect(await where({ path: 'tags', arrayContains: 'eu' })).toEqual(['a', 'b'])
    expect(await where({ path: 'spec.replicas', type: 'STRING' })).toEqual(['c'])
    expect(await where({ not: { or: [{ path: 'tags.0', eq: 'us' }, { key: { eq: 'a' } }] } })).toEqual(['c'])
    expect(await where({ version: { eq: 1 }, createdAt: { gt: '2020-01-01T00:00:00Z' }, key: { in: ['a'] } })).toEqual([
      'a',
    ])
    expect(await where({ path: 'tags', exists: false })).toEqual(['c'])
    expect(await where({ path: 'tags', exists: null, type: null, eq: null })).toEqual([])
  })

  it('are not found once they are deleted or have expired', async () => {
    await fill('gone', { kept: 1, deleted: 1 })
    await put(server, 'short', 1, { collection: 'gone', ttlMs: 1 })
    await write(server, 'deleteDocument', { collection: 'gone', key: 'deleted' })
    expect(keys(await list({ in: 'gone' }))).toEqual(['kept'])
  })

  it('come in the order of several paths, those without a value of the type last', async () => {
    await fill('sorted', {
      a: { n: 2, s: 'b' },
      b: { n: 10, s: 'a' },
      c: { n: 'text' },
      d: {},
      e: { n: 2, s: 'a' },
      f: { n: -1, s: '\u{1f600}' },
      g: { n: null, s: '\uffee' },
    })
    const by = (...orderBy: object[]) =>
      pages({ in: 'sorted', orderBy }).then((all) => all.map((name) => name.slice(-1)).join(''))
    const n = { path: 'n', type: 'NUMBER' }
    expect(await by(n)).toBe('faebcdg')
    expect(await by({ ...n, direction: 'DESC' })).toBe('beafgdc')
    expect(await by(n, { path: 's', direction: 'DESC' })).toBe('faebgcd')
    expect(await by({ path: 's' })).toBe('beagfcd')
    expect(await by({ path: 's', direction: 'DESC' }, n)).toBe('fgaebdc')
    expect(await by({ path: 'n', type: 'BOOLEAN' })).toBe('abcdefg')
    expect(await by({ field: 'KEY', direction: 'DESC' })).toBe('gfedcba')
    expect(await by({ field: 'CREATED_AT' }, { field: 'KEY' })).toBe('abcdefg')
    expect(await by({ field: 'VERSION' }, { ...n, direction: 'DESC' })).toBe('baefcdg')
    expect(await refused({ orderBy: [{ path: 'a', field: 'KEY' }] })).toBe('INVALID_INPUT')
    expect(await refused({ orderBy: Array(5).fill(n) })).toBe('INVALID_INPUT')
  })

  it('come in the order of collection and key across collections, on pages that hold each once', async () => {
    for (const collection of ['across/b', 'across/a', 'across'])
      await fill(collection, { y: { n: 1 }, x: { n: 2 }, z: 0 })
    const all = [
      'across/x',
      'across/y',
      'across/z',
      'across/a/x',
      'across/a/y',
      'across/a/z',
      'across/b/x',
      'across/b/y',
      'across/b/z',
    ]
    expect(await pages({ in: 'across/**' })).toEqual(all)
    const byNumber = await pages({ in: 'across/**', orderBy: [{ path: 'n', type: 'NUMBER' }] })
    expect(byNumber).toEqual([
      ...all.filter((name) => name.endsWith('y')),
      ...all.filter((name) => name.endsWith('x')),
      ...all.filter((name) => name.endsWith('z')),
    ])
  })

  it('stay in the pages’ order while others come and go', async () => {
    await fill('moving', { b: 1, d: 1, f: 1, h: 1 })
    const { pageInfo } = await list({ in: 'moving', first: 2 })
    await fill('moving', { a: 1, e: 1 })
    await write(server, 'deleteDocument', { collection: 'moving', key: 'd' })
    expect(keys(await list({ in: 'moving', after: pageInfo.endCursor }))).toEqual(['e', 'f', 'h'])
  })

  it('have cursors that are of use to their own query alone', async () => {
    await fill('cursors', { a: { n: 1 }, b: { n: 2 } })
    const query = { in: 'cursors', where: { path: 'n', gt: 0 }, orderBy: [{ path: 'n', type: 'NUMBER' }] }
    const after = (await list({ ...query, first: 1 })).pageInfo.endCursor
    expect(keys(await list({ ...query, after }))).toEqual(['b'])
    expect(await refused({ ...query, in: 'cursors/*', after })).toBe('INVALID_CURSOR')
    expect(await refused({ ...query, where: { path: 'n', gt: 1 }, after })).toBe('INVALID_CURSOR')
    expect(await refused({ ...query, orderBy: null, after })).toBe('INVALID_CURSOR')
    expect(await refused({ ...query, at: new Date().toISOString(), after })).toBe('INVALID_CURSOR')
    expect(await refused({ ...query, after: 'nonsense' })).toBe('INVALID_CURSOR')
    const { token } = await addToken(server)
    const { errors } = await graphql(server, documentsQuery(), { ...query, after }, token)
    expect(errors?.[0]?.extensions?.['code']).toBe('INVALID_CURSOR')
    const [mark] = JSON.parse(Buffer.from(after ?? '', 'base64url').toString()) as [string]
    for (const place of [
      [1, 'a'],
      ['1; DROP TABLE document', 'a'],
      ['1'],
      ['1', null],
      ['1', '\u0000'],
      [null, 'a', 'b'],
    ])
      expect(
        await refused({ ...query, after: Buffer.from(JSON.stringify([mark, ...place])).toString('base64url') }),
      ).toBe('INVALID_CURSOR')
  })

  it('are counted when that is asked for', async () => {
    await fill('counted', { a: 1, b: 1, c: 2 })
    expect((await list({ in: 'counted', first: 1 }, 'totalCount')).totalCount).toBe(3)
    expect((await list({ in: 'counted', where: { key: { gt: 'a' } }, first: 1 }, 'totalCount')).totalCount).toBe(2)
  })

  it('are listed and found as they were at a time', async () => {
    await fill('past', { changed: { n: 1 }, deleted: { n: 1 } })
    const { updatedAt: at } = await put(server, 'last', { n: 1 }, { collection: 'past' })
    await put(server, 'changed', { n: 2 }, { collection: 'past' })
    await put(server, 'new', { n: 1 }, { collection: 'past' })
    await write(server, 'deleteDocument', { collection: 'past', key: 'deleted' })
    const query = { in: 'past', where: { path: 'n', eq: 1 } }
    expect(keys(await list(query))).toEqual(['last', 'new'])
    expect(await pages({ ...query, at })).toEqual(['past/changed', 'past/deleted', 'past/last'])
    expect((await list({ ...query, at }, 'totalCount')).totalCount).toBe(3)
    expect(keys(await list({ ...query, at: '2000-01-01T00:00:00Z' }))).toEqual([])
  })

  it('are shown to those alone who may read them', async () => {
    await fill('narrow/open', { a: 1, b: 1 })
    await fill('narrow/shut', { c: 1 })
    const accountId = await ownAccount(server)
    const seen = async (...scopes: string[]) => {
      const { token } = await addToken(server, { accountId, scopes })
      const { data, errors } = await graphql<{ documents: Page }>(
        server,
        documentsQuery('totalCount'),
        { in: 'narrow/**' },
        token,
      )
      const page = data?.documents
      return page === undefined ? errors?.[0]?.extensions?.['code'] : [page.totalCount, ...names(page)]
    }
    expect(await seen('documents:read')).toEqual([3, 'narrow/open/a', 'narrow/open/b', 'narrow/shut/c'])
    expect(await seen('documents:read:narrow/open/**')).toEqual([2, 'narrow/open/a', 'narrow/open/b'])
    expect(await seen('documents:write:*/open/b', 'documents:read:**/c')).toEqual([2, 'narrow/open/b', 'narrow/shut/c'])
    expect(await seen('tasks:read')).toBe('FORBIDDEN')
    const { token } = await addToken(server)
    const elsewhere = await graphql<{ documents: Page }>(server, documentsQuery('totalCount'), {}, token)
    expect(elsewhere.data?.documents).toMatchObject({ nodes: [], totalCount: 0 })
  })

  it('are safe from SQL in every text', async () => {
    const sql = `'); DELETE FROM document; -- $1 %s " \\`
    await fill('safe', { a: { [sql]: sql, n: 1 } })
    const pointer = `/${sql}`
    expect(keys(await list({ in: 'safe', where: { path: pointer, eq: sql } }))).toEqual(['a'])
    expect(
      keys(await list({ in: 'safe', where: { path: pointer, in: [sql, 1], contains: sql, startsWith: sql } })),
    ).toEqual(['a'])
    expect(
      keys(await list({ in: 'safe', where: { path: pointer, gte: sql, lte: sql }, orderBy: [{ path: pointer }] })),
    ).toEqual(['a'])
    expect(keys(await list({ in: 'safe', where: { key: { ne: sql }, createdBy: { ne: sql } } }))).toEqual(['a'])
    expect(keys(await list({ in: sql.replaceAll('/', '') }))).toEqual([])
    expect(keys(await list({ in: 'safe', where: { path: 'n', matches: sql.replaceAll(/[)$\\]/g, '\\$&') } }))).toEqual(
      [],
    )
    expect((await list({ in: 'safe' })).nodes).toHaveLength(1)
  })

  it.each([
    ['10,000 branches', { or: Array(10_000).fill({ path: 'a', eq: 1 }) }],
    ['a pattern that goes back', { path: 'a', matches: '(a+)\\1' }],
    ['NUL', { path: 'a', eq: '\u0000' }],
    ['no path', { eq: 1 }],
  ])('are refused by a filter with %s', async (_name, where) => {
    expect(await refused({ where })).toBe('INVALID_INPUT')
  })

  it('are searched in a time that no pattern makes endless', async () => {
    await fill('patterns', { long: { text: `${'a'.repeat(100_000)}b` }, short: { text: 'aaab' } })
    const where = (matches: string) => ({ in: 'patterns', where: { path: 'text', matches } })
    expect(keys(await list(where('^(a+)+$')))).toEqual(['long'])
    expect(keys(await list(where('^(a|aa)+b$')))).toEqual(['short'])
    expect(keys(await list(where('((a{0,20}){0,20}c|(a*)*b)$')))).toEqual(['short'])
  })

  it('have all that is asked of them, however it is asked', async () => {
    await fill('asked', { one: { n: 1 } })
    const { documents } = await graphqlData<{ documents: object }>(
      server,
      `query { documents(in: "asked", orderBy: [{ field: UPDATED_AT }]) {
        plain: nodes { name: key data } ... { nodes { createdBy { name } ...Rest } }
        ...Page } }
      fragment Rest on Document { expiresAt history { nodes { version } } }
      fragment Page on DocumentConnection { edges { node { updatedBy { name } ... on Document { createdAt updatedAt sizeBytes } } } }`,
    )
    const actor = { name: 'owner' }
    expect(documents).toEqual({
      plain: [{ name: 'one', data: { n: 1 } }],
      nodes: [{ createdBy: actor, expiresAt: null, history: { nodes: [{ version: 1 }] } }],
      edges: [
        { node: { updatedBy: actor, createdAt: expect.any(String), updatedAt: expect.any(String), sizeBytes: 7 } },
      ],
    })
  })

  it('come on a page of at most 8 MiB, with the rest on the next', async () => {
    const large = 'x'.repeat(1_000_000)
    await fill('large', Object.fromEntries(Array.from({ length: 12 }, (_, index) => [`k${index + 10}`, large])))
    const first = await list({ in: 'large' })
    expect(first.nodes).toHaveLength(9)
    expect(first.pageInfo.hasNextPage).toBe(true)
    const second = await list({ in: 'large', after: first.pageInfo.endCursor })
    expect([second.nodes.length, second.pageInfo.hasNextPage]).toEqual([3, false])
  })
})

describe('numbers about documents', () => {
  const aggregate = async (args: Arguments) => {
    const { documentAggregates } = await graphqlData<{
      documentAggregates: { groups: object[]; isTruncated: boolean }
    }>(
      server,
      `query ($in: String!, $where: DocumentFilter, $groupBy: String, $paths: [String!]) {
        documentAggregates(in: $in, where: $where, groupBy: $groupBy, paths: $paths) {
          isTruncated groups { value count numbers { path count min max sum avg } } } }`,
      args,
    )
    return documentAggregates
  }

  it('are of all of them, or of each value at a path', async () => {
    await fill('numbers', {
      a: { env: 'prod', n: 1 },
      b: { env: 'prod', n: 2.5 },
      c: { env: 'test', n: 'text' },
      d: { env: ['prod'], n: 4 },
      e: { n: 0.1 },
    })
    expect(await aggregate({ in: 'numbers', paths: ['n'] })).toEqual({
      isTruncated: false,
      groups: [{ value: null, count: 5, numbers: [{ path: 'n', count: 4, min: 0.1, max: 4, sum: 7.6, avg: 1.9 }] }],
    })
    expect(await aggregate({ in: 'numbers', groupBy: 'env', paths: ['n'], where: { key: { ne: 'e' } } })).toMatchObject(
      {
        groups: [
          { value: 'prod', count: 2, numbers: [{ sum: 3.5 }] },
          { value: 'test', count: 1, numbers: [{ count: 0, min: null, avg: null }] },
          { value: null, count: 1, numbers: [{ sum: 4 }] },
        ],
      },
    )
  })

  it('are of at most 1,000 groups', async () => {
    await server.database.query(
      `INSERT INTO document (account_id, collection, key, version, data, created_at, created_by, updated_at, updated_by, size_bytes)
       SELECT account_id, collection, 'many-' || n, 1, jsonb_build_object('many', n), now(), created_by, now(), created_by, 1
       FROM document, generate_series(1, 1001) n WHERE collection = 'numbers' AND key = 'a'`,
    )
    const { groups, isTruncated } = await aggregate({ in: 'numbers', groupBy: 'many' })
    expect([groups.length, isTruncated]).toEqual([1_000, true])
  })
})
