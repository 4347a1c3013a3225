import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { get, write } from '#test/support/documents.ts'
import { type Entries, entriesOf } from '#test/support/entries.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'

let server: TestServer
let other: TestServer
let entries: Entries
beforeAll(async () => {
  server = await startTestServer({ env: { ROLES: 'api' } })
  other = await startTestServer({ env: { ROLES: 'api' }, database: server.database })
  entries = entriesOf(server)
})
afterAll(async () => {
  await other.close()
  await server.close()
})

const journalOf = async (subject: string) =>
  (await server.database.query('SELECT 1 FROM journal WHERE subject = $1', [subject])).length

describe('a document that is put under an idempotency key', () => {
  const putOf = (key: string, more: object = {}) => ({ key, data: { n: 1 }, idempotencyKey: `put-${key}`, ...more })

  it('is put once, and a repeat gets the original response, whatever happened since', async () => {
    const first = await write(server, 'putDocument', putOf('once', { ttlMs: 3_600_000 }))
    expect(first.document).toMatchObject({ version: 1, data: { n: 1 } })
    await write(server, 'putDocument', { key: 'once', data: { n: 2 } })
    await write(server, 'deleteDocument', { key: 'once' })
    expect(await write(other, 'putDocument', putOf('once', { ttlMs: 3_600_000 }))).toEqual(first)
    expect(await get(server, 'once')).toBeNull()
  })

  it('is put once by all who ask at the same time, at any process', async () => {
    const told = await Promise.all(
      Array.from({ length: 20 }, (_, index) => write(index % 2 ? other : server, 'putDocument', putOf('together'))),
    )
    expect(new Set(told.map((one) => JSON.stringify(one))).size).toBe(1)
    expect(told[0]?.document?.version).toBe(1)
    expect(await journalOf('document:default/together')).toBe(1)
  })

  it('leaves the key to who asks for the same again after a failure', async () => {
    const asked = putOf('free', { expectedVersion: 1 })
    expect(await write(server, 'putDocument', asked)).toMatchObject({ code: 'VERSION_CONFLICT' })
    await write(server, 'putDocument', { key: 'free', data: 0 })
    expect(await write(server, 'putDocument', asked)).toMatchObject({ document: { version: 2 } })
    expect(await write(server, 'putDocument', asked)).toMatchObject({ document: { version: 2 } })
  })

  it.each([
    { data: { n: 2 } },
    { expectedVersion: 1 },
    { ttlMs: 1_000 },
    { collection: 'elsewhere' },
    { key: 'elsewhere' },
    { fence: { lock: 'elsewhere', fence: 1 } },
  ])('is refused when the key was for something else than with %j', async (more) => {
    const same = putOf('reused')
    expect(await write(server, 'putDocument', same)).toMatchObject({ document: { version: 1 } })
    expect(await write(server, 'putDocument', { ...same, ...more })).toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' })
  })

  it('is answered again to who has lost the lock since', async () => {
    const { lock } = await entries.acquire('idempotency')
    const asked = putOf('locked', { fence: { lock: 'idempotency', fence: lock?.fence } })
    const first = await write(server, 'putDocument', asked)
    await entries.release('idempotency', lock?.fence ?? 0)
    expect(first).toMatchObject({ document: { version: 1 } })
    expect(await write(server, 'putDocument', asked)).toEqual(first)
    expect(await write(server, 'putDocument', { ...asked, idempotencyKey: 'another' })).toMatchObject({
      code: 'FENCE_LOST',
    })
  })
})

describe('an entry that is set under an idempotency key', () => {
  it('is set once, and a repeat gets the original response', async () => {
    const more = { idempotencyKey: 'set-once', ttlMs: 3_600_000 }
    const first = await entries.set('once', { n: 1 }, more)
    expect(first.entry).toMatchObject({ version: 1, value: { n: 1 } })
    await entries.set('once', { n: 2 })
    expect(await entriesOf(other).set('once', { n: 1 }, more)).toEqual(first)
    expect(await entries.get('once')).toMatchObject({ version: 2, value: { n: 2 } })
    expect(await entries.set('once', { n: 3 }, more)).toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' })
  })

  it('is set once by all who ask at the same time, and counts as one revision', async () => {
    const before = (await entries.set('before', 0)).revision ?? 0
    const told = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        entriesOf(index % 2 ? other : server).set('together', 1, { idempotencyKey: 'set-together' }),
      ),
    )
    expect(new Set(told.map((one) => JSON.stringify(one))).size).toBe(1)
    expect(told[0]).toMatchObject({ revision: before + 1, entry: { version: 1 } })
    expect(await journalOf('entry:together')).toBe(1)
  })

  it('leaves the key free after a failure', async () => {
    const more = { idempotencyKey: 'set-free', ifExists: true }
    expect(await entries.set('free', 1, more)).toMatchObject({ code: 'NOT_FOUND' })
    await entries.set('free', 0)
    expect(await entries.set('free', 1, more)).toMatchObject({ entry: { version: 2 } })
  })
})
