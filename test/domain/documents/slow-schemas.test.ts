import { monitorEventLoopDelay } from 'node:perf_hooks'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { plainDocumentBytes } from '#domain/documents/schemas/plain-schema.ts'
import { put, write } from '#test/support/documents.ts'
import { graphqlData } from '#test/support/graphql.ts'
import { doublingSchema } from '#test/support/schemas.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer({ env: { ROLES: 'api', RATE_LIMIT_TOKEN: '0', COST_LIMIT_TOKEN: '0' } })
  for (const path of ['slow', 'slow/patched']) await collection(path, doublingSchema(24))
})
afterAll(() => server.close())

async function collection(path: string, schema: object): Promise<void> {
  const { createCollection } = await graphqlData<{ createCollection: object }>(
    server,
    'mutation ($input: CreateCollectionInput!) { createCollection(input: $input) { ... on Failure { message } } }',
    { input: { path, schema } },
  )
  expect(createCollection).toEqual({})
}

interface Refused {
  readonly refusals: readonly { readonly code: string; readonly message: string }[]
}

/** How long the event loop stood still at most while this was done, in milliseconds. */
async function maxStopMs(work: () => Promise<unknown>): Promise<number> {
  const delay = monitorEventLoopDelay()
  delay.enable()
  await work()
  delay.disable()
  return delay.max / 1e6
}

/** The first of these to be over. */
const first = (works: Record<string, Promise<unknown>>) =>
  Promise.race(Object.entries(works).map(([name, work]) => work.then(() => name)))

describe('a schema that takes as long as its author likes', () => {
  it('has one limit for all writes of a request, and holds up nobody', async () => {
    const writes = Array.from({ length: 120 }, (_, n) => ({ put: { collection: 'slow', key: `k${n}`, data: n } }))
    let refused: Refused | undefined
    const stopMs = await maxStopMs(async () => {
      const slow = graphqlData<{ writeDocuments: Refused }>(
        server,
        `mutation ($writes: [DocumentWrite!]!) { writeDocuments(input: { writes: $writes }) {
          ... on WritesRefused { refusals { code message } } } }`,
        { writes },
      )
      expect(await first({ slow, other: put(server, 'other', 1) })).toBe('other')
      refused = (await slow).writeDocuments
    })
    expect(refused?.refusals).toHaveLength(120)
    expect(refused?.refusals[0]).toMatchObject({
      code: 'SCHEMA_VIOLATION',
      message: expect.stringContaining('takes more than 250 ms to be checked'),
    })
    expect(refused?.refusals.at(-1)?.message).toContain('all checks together take more than 1000 ms')
    // It was the sum of all checks, half a minute.
    expect(stopMs).toBeLessThan(5_000)
  })

  it('lets those who write at the same time go before those who wait for it', async () => {
    const slow = Promise.all(
      Array.from({ length: 8 }, (_, n) => write(server, 'putDocument', { collection: 'slow', key: `s${n}`, data: n })),
    )
    const others = Promise.all(Array.from({ length: 30 }, (_, n) => put(server, `o${n}`, n)))
    expect(await first({ slow, others })).toBe('others')
    for (const { code, message } of await slow)
      expect([code, message]).toEqual(['SCHEMA_VIOLATION', expect.stringContaining('takes more than 250 ms')])
  }, 60_000)

  it('is asked about patches and restored versions, and lets through what is valid, however it is checked', async () => {
    // Long enough not to be checked at once, and quick.
    const schema = {
      type: 'object',
      required: ['a'],
      properties: { a: { $ref: '#/$defs/text' } },
      $defs: { text: { type: 'string' } },
    }
    await collection('referring', schema)
    const name = { collection: 'referring', key: 'one' }
    expect(await put(server, name.key, { a: 'x' }, name)).toMatchObject({ version: 1 })
    const asked = [
      await write(server, 'patchDocument', { ...name, mergePatch: { a: 1 } }),
      await write(server, 'putDocument', { ...name, data: {} }),
      await write(server, 'patchDocument', { ...name, mergePatch: { a: 'y' } }),
      await write(server, 'restoreDocument', { ...name, version: 1 }),
    ]
    expect(asked.map(({ code, document }) => code ?? document?.version)).toEqual([
      'SCHEMA_VIOLATION',
      'SCHEMA_VIOLATION',
      2,
      3,
    ])
    const keyed = { ...name, data: { a: 'keyed' }, idempotencyKey: 'once' }
    for (const _ of [1, 2])
      expect(await write(server, 'putDocument', keyed)).toMatchObject({ document: { version: 4 } })
  })

  it('is refused when it takes too long to be made ready, and holds up nobody meanwhile', async () => {
    const large = { allOf: Array.from({ length: 400 }, (_, n) => ({ pattern: `x{${900 + (n % 90)}}y{${n + 1}}` })) }
    const stopMs = await maxStopMs(async () => {
      const { createCollection } = await graphqlData<{ createCollection: { code: string } }>(
        server,
        'mutation ($input: CreateCollectionInput!) { createCollection(input: $input) { ... on Failure { code } } }',
        { input: { path: 'never', schema: large } },
      )
      expect(createCollection).toMatchObject({})
    })
    expect(stopMs).toBeLessThan(5_000)
  })
})

describe('a plain schema', () => {
  it.each([
    ['types and bounds', { type: 'object', properties: { a: { type: 'string', maxLength: 5 } } }, true],
    ['a short pattern', { pattern: '^[a-z]+$' }, true],
    ['a format that is looked for in one pass', { format: 'date-time' }, true],
    ['a reference', { properties: { a: { $ref: '#' } } }, false],
    ['uniqueItems', { items: { uniqueItems: true } }, false],
    ['a repetition in braces', { pattern: 'x{900}' }, false],
    ['such a repetition in the name of a property', { patternProperties: { 'x{900}': true } }, false],
    ['another format', { format: 'email' }, false],
  ])('has %s: %#', (_what, schema, isPlain) => {
    const bytes = JSON.stringify(schema).length
    expect((plainDocumentBytes(schema, bytes) ?? 0) > 0).toBe(isPlain)
  })

  it('is for documents that are the smaller the larger it is itself, and its patterns', () => {
    const small = plainDocumentBytes({ type: 'string' }, 100) ?? 0
    expect(plainDocumentBytes({ type: 'string' }, 1_000)).toBe(small / 10)
    expect(plainDocumentBytes({ pattern: 'x'.repeat(300) }, 100)).toBe(1_000)
  })
})
