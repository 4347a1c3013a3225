import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { ChangeFollower } from '#test/support/changes.ts'
import { run } from '#test/support/command-line.ts'
import { get, put, write } from '#test/support/documents.ts'
import { graphqlData } from '#test/support/graphql.ts'
import { createTestDatabase, startTestServer, type TestDatabase, type TestServer } from '#test/support/server.ts'
import { until } from '#test/support/until.ts'

let database: TestDatabase
let server: TestServer
let dataDir: string
beforeAll(async () => {
  database = await createTestDatabase()
  dataDir = await mkdtemp(join(tmpdir(), 'signalbox-repair-'))
  server = await startTestServer({ database, env: { ROLES: 'api', LOG_LEVEL: 'silent' } })
})
afterAll(async () => {
  await server.close()
  await database.drop()
  await rm(dataDir, { recursive: true, force: true })
})

const signalbox = async <Answer>(...args: string[]) => {
  const env = { DATABASE_URL: database.url, DATA_DIR: dataDir, PORT: '0' }
  const { code, stdout } = await run([...args, '--json'], { env })
  return { code, answer: JSON.parse(stdout) as Answer }
}

interface Report {
  readonly examined: number
  readonly documents: readonly object[]
}
const repair = (...options: string[]) => signalbox<Report>('doc', 'repair', ...options)

const doctor = async () => {
  const { answer } = await signalbox<{ findings: { check: string; status: string; message: string }[] }>('doctor')
  return answer.findings.find(({ check }) => check === 'documents')
}

/** Writes a version that the document never came to have, as collisions of names did. */
const addLostVersion = (key: string, version: number, data: unknown, secondsAgo = 0) =>
  database.query(
    `INSERT INTO document_version (account_id, collection, key, version, data, at, by, created_at, created_by, size_bytes)
     SELECT account_id, collection, key, $2, $3, clock_timestamp() - $4 * interval '1 second', updated_by, created_at,
       created_by, 20 FROM document WHERE key = $1`,
    [key, version, JSON.stringify(data), secondsAgo],
  )

describe('doc repair', () => {
  it('brings a document to its newest version, which doctor had missed, and nothing is lost', async () => {
    const collection = 'damaged x'
    await put(server, 'whole', 1)
    await put(server, 'a key', { n: 1 }, { collection })
    await put(server, 'a key', { n: 2 }, { collection })
    expect(await doctor()).toMatchObject({ status: 'ok', message: 'All 2 are at their newest version.' })
    await addLostVersion('a key', 3, { n: 3 })
    await expect(put(server, 'a key', { n: 4 }, { collection })).rejects.toThrow('INTERNAL')
    expect(await doctor()).toMatchObject({
      status: 'problem',
      message: `1 of 2 can't be written, being behind their newest version: "damaged x/a key".`,
    })
    const found = { collection, key: 'a key', version: 2, newestVersion: 3 }
    expect((await repair('--dry-run')).answer).toMatchObject({ examined: 2, documents: [found] })
    expect(await get(server, 'a key', { collection })).toMatchObject({ version: 2 })
    const follower = await ChangeFollower.open(server, { in: collection })
    onTestFinished(() => follower.close())
    const { code, answer } = await repair()
    expect([code, answer]).toMatchObject([
      0,
      { documents: [{ ...found, repairedVersion: 3, repairedWith: 'NEWEST_VERSION' }] },
    ])
    expect(await follower.find(({ kind }) => kind === 'UPDATE')).toMatchObject({
      document: { version: 3, data: { n: 3 } },
      previous: { version: 2, data: { n: 2 } },
    })
    expect(await get(server, 'a key', { collection })).toMatchObject({ version: 3, data: { n: 3 } })
    expect(await put(server, 'a key', { n: 4 }, { collection })).toMatchObject({ version: 4 })
    expect(await doctor()).toMatchObject({ status: 'ok' })
    expect((await repair()).answer.documents).toEqual([])
  })

  it('is in the audit log, and is an event', async () => {
    await put(server, 'audited', 1)
    await addLostVersion('audited', 2, 2)
    await repair()
    const audited = await until(async () => {
      const { auditEntries } = await graphqlData<{ auditEntries: { nodes: object[] } }>(
        server,
        '{ auditEntries(where: { types: ["document.repaired"], subject: "document:default/audited" }) { nodes { actor { kind name } data } } }',
      )
      return auditEntries.nodes.length > 0 && auditEntries.nodes
    })
    expect(audited).toMatchObject([
      {
        actor: { kind: 'system', name: expect.stringMatching(/^operator /) },
        data: { version: 2, previousVersion: 1 },
      },
    ])
  })

  it('keeps what was written after the newest version, and what readers see when it is asked to', async () => {
    for (const key of ['written since', 'kept']) {
      await put(server, key, 'first')
      await put(server, key, 'second')
    }
    await addLostVersion('written since', 5, 'lost', 60)
    await addLostVersion('kept', 5, 'lost')
    expect((await repair('--dry-run')).answer.documents).toHaveLength(2)
    const { answer } = await repair('--keep-current')
    expect(answer.documents).toMatchObject([
      { key: 'kept', repairedVersion: 6, repairedWith: 'CURRENT_DATA' },
      { key: 'written since', repairedVersion: 6, repairedWith: 'CURRENT_DATA' },
    ])
    await addLostVersion('written since', 9, 'lost', 60)
    expect((await repair()).answer.documents).toMatchObject([{ repairedVersion: 10, repairedWith: 'CURRENT_DATA' }])
    for (const [key, version] of [
      ['written since', 10],
      ['kept', 6],
    ] as const)
      expect(await get(server, key)).toMatchObject({ version, data: 'second' })
    expect(await get(server, 'kept', { version: 5 })).toMatchObject({ data: 'lost' })
    expect(await write(server, 'restoreDocument', { key: 'kept', version: 5 })).toMatchObject({
      document: { version: 7, data: 'lost' },
    })
  })
})
