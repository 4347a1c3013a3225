import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { applyDocumentRetention } from '#domain/documents/retention.ts'
import { get, put, write } from '#test/support/documents.ts'
import { graphql, graphqlData } from '#test/support/graphql.ts'
import type { TestServer } from '#test/support/server.ts'
import { sharedServer } from '#test/support/shared-server.ts'
import { until } from '#test/support/until.ts'

let server: TestServer
beforeAll(async () => {
  server = await sharedServer()
})
afterAll(() => server.close())

const fields = 'path requireVersion schema documentCount retention { kind versions days } createdBy { name }'

/** Does one mutation about a collection. */
const change = async (mutation: string, input: object): Promise<Record<string, unknown>> => {
  const name = mutation.charAt(0).toUpperCase() + mutation.slice(1)
  const payload = mutation === 'deleteCollection' ? 'path documents' : `collection { ${fields} }`
  const unfit =
    mutation === 'updateCollection' ? '... on DocumentsDontFit { more documents { key version path reason } }' : ''
  const data = await graphqlData<Record<string, Record<string, unknown>>>(
    server,
    `mutation ($input: ${name}Input!) { ${mutation}(input: $input) {
      ... on ${name}Payload { ${payload} } ... on Failure { code message } ${unfit} } }`,
    { input },
  )
  return data[mutation] ?? {}
}

const named = (title: string) => ({ type: 'object', required: ['title'], properties: { title: { const: title } } })

describe('a collection', () => {
  it('declares no more indexes than its account may have', async () => {
    const indexes = [{ path: 'n', type: 'NUMBER' }]
    expect(await change('createCollection', { path: 'few/one', indexes })).toHaveProperty('collection')
    // As if many collections did; the same one is built once.
    const many = JSON.stringify(Array.from({ length: 63 }, () => indexes[0]))
    await server.database.query(`UPDATE collection SET indexes = $1 WHERE path = 'few/one'`, [many])
    expect(await change('createCollection', { path: 'few/last', indexes })).toHaveProperty('collection')
    const refused = { code: 'INVALID_INPUT', message: expect.stringContaining('the account, which may have 64') }
    expect(await change('createCollection', { path: 'few/more', indexes })).toMatchObject(refused)
    expect(await change('updateCollection', { path: 'few/last', fullTextPaths: ['words'] })).toMatchObject(refused)
    expect(await change('updateCollection', { path: 'few/last', indexes: [] })).toHaveProperty('collection')
    expect(await change('createCollection', { path: 'few/more', indexes })).toHaveProperty('collection')
  })

  it('is created by its first document, or before', async () => {
    await put(server, 'one', 1, { collection: 'made/by' })
    expect(await change('createCollection', { path: 'made/by' })).toMatchObject({ code: 'ALREADY_EXISTS' })
    expect(await change('createCollection', { path: 'made/before', requireVersion: true })).toMatchObject({
      collection: { path: 'made/before', requireVersion: true, schema: null, retention: { kind: 'KEEP_ALL' } },
    })
  })

  it('is listed by its path, in pages', async () => {
    for (const name of ['a', 'b', 'c', 'd']) await put(server, name, 1, { collection: `listed/${name}` })
    await put(server, 'x', 1, { collection: 'listed' })
    const list = (first: number, after?: string) =>
      graphqlData<{
        collections: { nodes: { path: string }[]; pageInfo: { endCursor: string; hasNextPage: boolean } }
      }>(
        server,
        `query ($first: Int, $after: String) { collections(prefix: "listed/", first: $first, after: $after) {
          nodes { path documentCount } pageInfo { endCursor hasNextPage } } }`,
        { first, after },
      )
    const { collections: page } = await list(3)
    expect(page.nodes).toEqual(['a', 'b', 'c'].map((name) => ({ path: `listed/${name}`, documentCount: 1 })))
    expect(page.pageInfo.hasNextPage).toBe(true)
    const { collections: rest } = await list(3, page.pageInfo.endCursor)
    expect([rest.nodes.map(({ path }) => path), rest.pageInfo.hasNextPage]).toEqual([['listed/d'], false])
  })

  it('is deleted with all its documents, and then free', async () => {
    await put(server, 'one', 1, { collection: 'to/go' })
    await put(server, 'one', 2, { collection: 'to/go' })
    await put(server, 'two', 1, { collection: 'to/go' })
    await put(server, 'kept', 1, { collection: 'to/go/on' })
    expect(await change('deleteCollection', { path: 'to/go' })).toEqual({ path: 'to/go', documents: 2 })
    expect(await get(server, 'one', { collection: 'to/go', version: 1 })).toBeNull()
    expect(await change('deleteCollection', { path: 'to/go' })).toMatchObject({ code: 'NOT_FOUND' })
    expect(await get(server, 'kept', { collection: 'to/go/on' })).toMatchObject({ data: 1 })
    expect(await put(server, 'one', 'again', { collection: 'to/go' })).toMatchObject({ version: 1 })
  })

  it('that wants versions refuses writes without', async () => {
    await change('createCollection', { path: 'strict', requireVersion: true })
    const name = { collection: 'strict', key: 'a' }
    expect(await write(server, 'putDocument', { ...name, data: 1 })).toMatchObject({ code: 'VERSION_REQUIRED' })
    expect(await put(server, 'a', 1, { collection: 'strict', expectedVersion: 0 })).toMatchObject({ version: 1 })
    expect(await write(server, 'deleteDocument', name)).toMatchObject({ code: 'VERSION_REQUIRED' })
    expect(await change('updateCollection', { path: 'strict', requireVersion: false })).toMatchObject({
      collection: { requireVersion: false },
    })
    expect(await put(server, 'a', 2, { collection: 'strict' })).toMatchObject({ version: 2 })
  })
})

describe('a schema', () => {
  it('refuses what doesn’t fit, with path and reason, whatever the kind of write', async () => {
    const schema = {
      type: 'object',
      properties: { port: { type: 'integer', maximum: 65_535 }, mail: { type: 'string', format: 'email' } },
      additionalProperties: false,
    }
    await put(server, 'a', { port: 'any' }, { collection: 'typed' })
    await put(server, 'a', { port: 1 }, { collection: 'typed' })
    expect(await change('updateCollection', { path: 'typed', schema })).toMatchObject({ collection: { schema } })
    const collection = 'typed'
    const refused = async (mutation: string, input: object) => {
      const { code, message } = await write(server, mutation, { collection, key: 'a', ...input })
      expect(code).toBe('SCHEMA_VIOLATION')
      return message
    }
    expect(await refused('putDocument', { data: { port: 70_000 } })).toContain('/port')
    expect(await refused('putDocument', { data: { mail: 'nobody' } })).toContain('/mail')
    expect(await refused('putDocument', { data: { extra: 1 } })).toContain('extra')
    await refused('patchDocument', { mergePatch: { port: 1.5 } })
    await refused('restoreDocument', { version: 1 })
    expect(await put(server, 'a', { port: 22 }, { collection })).toMatchObject({ version: 3 })
  })

  it('that documents don’t fit is refused with those documents, unless they may stay', async () => {
    for (const key of ['a', 'b', 'c']) await put(server, key, { title: key }, { collection: 'fits' })
    expect(await change('updateCollection', { path: 'fits', schema: named('b') })).toMatchObject({
      code: 'SCHEMA_VIOLATION',
      more: false,
      documents: [
        { key: 'a', version: 1, path: '/title' },
        { key: 'c', version: 1, path: '/title' },
      ],
    })
    expect(await put(server, 'd', 'anything', { collection: 'fits' })).toMatchObject({ version: 1 })
    const accepted = { path: 'fits', schema: named('b'), acceptExisting: true }
    expect(await change('updateCollection', accepted)).toMatchObject({ collection: { schema: named('b') } })
    expect(await get(server, 'a', { collection: 'fits' })).toMatchObject({ data: { title: 'a' } })
    expect(await change('updateCollection', { path: 'fits', schema: null })).toMatchObject({
      collection: { schema: null },
    })
    expect(await put(server, 'e', 'anything', { collection: 'fits' })).toMatchObject({ version: 1 })
  })

  it('is never got around by writes that are under way when it is set', async () => {
    const writes = Array.from({ length: 40 }, (_, index) =>
      write(server, 'putDocument', {
        collection: 'raced',
        key: `k${index}`,
        data: { title: index % 2 === 0 ? 'x' : 1 },
      }),
    )
    await put(server, 'first', { title: 'x' }, { collection: 'raced' })
    const set = await change('updateCollection', { path: 'raced', schema: named('x') })
    await Promise.all(writes)
    const [{ count } = { count: 0 }] = await server.database.query<{ count: number }>(
      `SELECT count(*)::int AS count FROM document WHERE collection = 'raced' AND data->>'title' <> 'x'`,
    )
    expect(set['code'] === undefined ? count : 0).toBe(0)
  })

  it.each([
    ['refers to elsewhere', { $ref: 'https://example.com/schema.json' }],
    ['is not a schema', { type: 'nothing' }],
    ['is a text', 'string'],
    ['looks around in a pattern', { pattern: '(?=a)b' }],
    ['is too large', { description: 'x'.repeat(70_000) }],
    ['is asynchronous', { $async: true }],
  ])('that %s is refused', async (_what, schema) => {
    expect(await change('createCollection', { path: 'never', schema })).toMatchObject({ code: 'INVALID_INPUT' })
  })

  it('can’t hold the server up by what it asks for', async () => {
    await change('createCollection', { path: 'slow/pattern', schema: { pattern: '^(a+)+$' } })
    const data = `${'a'.repeat(50_000)}!`
    const answer = await write(server, 'putDocument', { collection: 'slow/pattern', key: 'a', data })
    expect(answer).toMatchObject({ code: 'SCHEMA_VIOLATION' })
    const twice = (name: string) => ({ properties: { a: { $ref: '#' } }, required: [name] })
    await change('createCollection', { path: 'slow/tree', schema: { anyOf: [twice('x'), twice('y')] } })
    let tree: object = {}
    for (let depth = 0; depth < 150; depth += 1) tree = { a: tree }
    expect(await write(server, 'putDocument', { collection: 'slow/tree', key: 'a', data: tree })).toMatchObject({
      code: 'SCHEMA_VIOLATION',
    })
  })
})

describe('retention', () => {
  const versionsOf = async (key: string) =>
    (
      await server.database.query<{ version: number }>(
        'SELECT version FROM document_history WHERE key = $1 ORDER BY version',
        [key],
      )
    ).map(({ version }) => version)
  const prune = () =>
    applyDocumentRetention({
      query: (text, values) => server.database.query(text, values as unknown[]),
      script: () => Promise.reject(new Error('unused')),
    })

  it('keeps the last ones, pinned ones and the current one', async () => {
    const retention = { kind: 'KEEP_LAST', versions: 2 }
    await change('createCollection', { path: 'last', retention })
    for (let version = 1; version <= 5; version += 1) await put(server, 'last-ones', version, { collection: 'last' })
    await put(server, 'all-ones', 1)
    await put(server, 'all-ones', 2)
    const pinned = await graphqlData<object>(
      server,
      `mutation { pinDocumentVersion(input: { collection: "last", key: "last-ones", version: 2 }) {
        ... on PinDocumentVersionPayload { version { version pinned } } } }`,
    )
    expect(pinned).toEqual({ pinDocumentVersion: { version: { version: 2, pinned: true } } })
    await prune()
    expect(await versionsOf('last-ones')).toEqual([2, 4, 5])
    expect(await versionsOf('all-ones')).toEqual([1, 2])
  })

  it('keeps by days the versions that were current within them', async () => {
    await change('createCollection', { path: 'days', retention: { kind: 'KEEP_DAYS', days: 30 } })
    for (let version = 1; version <= 4; version += 1) await put(server, 'by-days', version, { collection: 'days' })
    await server.database.query(
      `UPDATE document_version SET at = now() - (CASE version WHEN 1 THEN 90 WHEN 2 THEN 60 WHEN 3 THEN 2 ELSE 1 END) * interval '1 day'
       WHERE key = 'by-days'`,
    )
    await prune()
    expect(await versionsOf('by-days')).toEqual([2, 3, 4])
  })

  it.each([
    [{ kind: 'KEEP_LAST' }],
    [{ kind: 'KEEP_LAST', versions: 0 }],
    [{ kind: 'KEEP_DAYS', versions: 3 }],
    [{ kind: 'KEEP_ALL', days: 3 }],
  ])('is refused without its own number: %j', async (retention) => {
    expect(await change('createCollection', { path: 'never', retention })).toMatchObject({ code: 'INVALID_INPUT' })
  })
})

describe('a document with a time to live', () => {
  it('is deleted by the system when its time has come, and not to be seen from then on', async () => {
    const made = await put(server, 'short', 'lived', { ttlMs: 300 })
    expect(made.expiresAt).not.toBeNull()
    await until(async () => (await get(server, 'short')) === null)
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(made.expiresAt ?? ''))
    const deletion = await until(async () => (await get(server, 'short', { version: 2 })) ?? undefined)
    expect(deletion).toMatchObject({ deleted: true, updatedBy: { kind: 'system' } })
    const told = await until(async () => {
      const { data } = await graphql<{ events: { nodes: { type: string; data: object }[] } }>(
        server,
        '{ events(subject: "document:default/short") { nodes { type data } } }',
      )
      return data?.events.nodes.find(({ type }) => type === 'document.deleted')
    })
    expect(told).toMatchObject({ data: { version: 2, reason: 'expired' } })
  })

  it('keeps it when it is patched, and loses it when it is put', async () => {
    const made = await put(server, 'long', { a: 1 }, { ttlMs: 3_600_000 })
    const { document: patched } = await write(server, 'patchDocument', { key: 'long', mergePatch: { a: 2 } })
    expect(patched?.expiresAt).toBe(made.expiresAt)
    expect(await put(server, 'long', { a: 3 })).toMatchObject({ expiresAt: null })
  })

  it('counts as deleted for the next writer, though nobody has deleted it yet', async () => {
    const made = await put(server, 'due', 1, { ttlMs: 50 })
    await until(() => Date.now() > Date.parse(made.expiresAt ?? '') + 5)
    expect((await put(server, 'due', 2, { expectedVersion: 0 })).version).toBe(3)
  })

  it.each([0, -1, 1.5, 1e15])('is refused for %d milliseconds', async (ttlMs) => {
    expect(await write(server, 'putDocument', { key: 'odd', data: 1, ttlMs })).toMatchObject({ code: 'INVALID_INPUT' })
  })
})
