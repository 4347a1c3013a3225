import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { get, write } from '#test/support/documents.ts'
import { entriesOf } from '#test/support/entries.ts'
import { documentSubject } from '#test/support/history/document-subject.ts'
import { entrySubject } from '#test/support/history/entry-subject.ts'
import { type Call, isLinearizable } from '#test/support/history/linearizable.ts'
import type { Subject } from '#test/support/history/subject.ts'
import { type ServerProcess, startServerProcess } from '#test/support/process.ts'
import { createTestDatabase, type TestDatabase } from '#test/support/server.ts'

const clients = 8
/** Servers that are killed and restarted while the clients continue. */
const kills = 3

let database: TestDatabase
let dataDir: string
let servers: ServerProcess[]
beforeEach(async () => {
  database = await createTestDatabase()
  dataDir = await mkdtemp(join(tmpdir(), 'signalbox-history-'))
  servers = await Promise.all([start(0), start(1)])
})
afterEach(async () => {
  for (const server of servers) await server.end('SIGKILL')
  await rm(dataDir, { recursive: true, force: true })
  await database.drop()
})

function start(index: number): Promise<ServerProcess> {
  const env = { ROLES: 'api', LOG_LEVEL: 'warn', ENTRY_HISTORY: '10000', RATE_LIMIT_TOKEN: '0', COST_LIMIT_TOKEN: '0' }
  return startServerProcess({ dataDir: join(dataDir, String(index)), databaseUrl: database.url, env })
}

/** Kills one server after the other and starts a replacement; the clients meet both. */
async function killInTurns(): Promise<void> {
  for (let turn = 0; turn < kills; turn += 1) {
    await sleep(1_000)
    const index = turn % servers.length
    await servers[index]?.end('SIGKILL')
    servers[index] = await start(index)
  }
  await sleep(500)
}

let clock = 0
/** The place of what happens now in the order of all that happens here. */
function tick(): number {
  clock += 1
  return clock
}

/** One call, with its times; not one at all when the server could not even be reached. */
async function record<Asked, Answer>(
  asked: Asked,
  ask: () => Promise<Answer>,
): Promise<Call<Asked, Answer> | undefined> {
  const began = tick()
  try {
    const answer = await ask()
    return { asked, answer, began, ended: tick() }
  } catch (error) {
    const { errors } = error as { errors?: readonly { extensions?: { code?: unknown } }[] }
    if (errors?.some(({ extensions }) => extensions?.code !== 'UNAVAILABLE')) throw error
    await sleep(20)
    if (/ECONNREFUSED/.test(JSON.stringify((error as Error).cause ?? ''))) return undefined
    return { asked, answer: undefined, began, ended: Number.POSITIVE_INFINITY }
  }
}

async function client<State, Asked, Answer extends object>(
  subject: Subject<State, Asked, Answer>,
  seed: number,
  isOver: () => boolean,
) {
  const calls: { key: string; call: Call<Asked, Answer> }[] = []
  const step = fc.record({ key: fc.constantFrom(...subject.keys), server: fc.nat(1), asked: subject.asked })
  const known = new Map<string, number>()
  const steps = fc.sample(step, { seed, numRuns: 1_000 })
  for (let index = 0; !isOver(); index += 1) {
    const { key, server, asked: asking } = steps[index % steps.length] as (typeof steps)[number]
    const asked = asking(known.get(key) ?? 0)
    const call = await record(asked, () => subject.ask(servers[server] as ServerProcess, key, asked))
    if (call === undefined) continue
    calls.push({ key, call })
    const { answer } = call
    if (answer !== undefined && 'version' in answer) known.set(key, Number(answer.version))
  }
  return calls
}

/** Runs clients beside the killing of servers; what each of them has to say. */
async function besideKills<Said>(work: (index: number, isOver: () => boolean) => Promise<Said>): Promise<Said[]> {
  let isOver = false
  const working = Promise.all(Array.from({ length: clients }, (_, index) => work(index, () => isOver)))
  const killing = killInTurns().finally(() => {
    isOver = true
  })
  const [said] = await Promise.all([working, killing])
  return said
}

const counter = 'history/counter'

/** What is counted up under a lock: whether it was, is answered. */
const counters: readonly {
  read(server: ServerProcess): Promise<number>
  put(server: ServerProcess, value: number, fence: object): Promise<boolean>
}[] = [
  {
    read: async (server) => Number((await entriesOf(server).get(counter))?.value ?? 0),
    put: async (server, value, fence) => (await entriesOf(server).set(counter, value, { fence })).entry !== undefined,
  },
  {
    read: async (server) => Number((await get(server, counter))?.data ?? 0),
    put: async (server, data, fence) =>
      (await write(server, 'putDocument', { key: counter, data, fence })).document !== undefined,
  },
]

/** Expects that what was asked at the same time could have been answered one after the other. */
async function expectOneAfterTheOther<State, Asked, Answer>(
  seed: number,
  subject: Subject<State, Asked, Answer>,
  said: readonly { key: string; call: Call<Asked, Answer> }[],
) {
  const byKey = Map.groupBy(said, ({ key }) => key)
  for (const key of subject.keys) {
    const calls = (byKey.get(key) ?? []).map(({ call }) => call)
    expect(calls.filter(({ answer }) => answer !== undefined).length).toBeGreaterThan(50)
    expect([seed, subject.name, key, isLinearizable(calls, subject.model)]).toEqual([seed, subject.name, key, true])
  }
  expectNoGap(subject.keys, await database.query<Versioned>(subject.versionsSql))
  expectNoGap(subject.keys, await database.query<Versioned>(subject.toldSql))
}

interface Versioned {
  readonly key: string
  readonly version: number
}

function expectNoGap(keys: readonly string[], rows: readonly Versioned[]): void {
  const byKey = Map.groupBy(rows, ({ key }) => key)
  expect([...byKey.keys()].toSorted()).toEqual(keys.toSorted())
  for (const [key, rows] of byKey)
    expect([key, rows.map(({ version }) => version)]).toEqual([key, rows.map((_, index) => index + 1)])
}

describe('many clients of two servers that are killed and started again', () => {
  it('see entries and documents change one after the other, without a gap and without losing any', async () => {
    const seed = Date.now()
    const said = await besideKills(async (index, isOver) => {
      const [entries, documents] = await Promise.all([
        client(entrySubject, seed + index, isOver),
        client(documentSubject, seed + index, isOver),
      ])
      return { entries, documents }
    })
    await expectOneAfterTheOther(
      seed,
      entrySubject,
      said.flatMap(({ entries }) => entries),
    )
    await expectOneAfterTheOther(
      seed,
      documentSubject,
      said.flatMap(({ documents }) => documents),
    )
    const revisions = await database.query<{ revision: number }>(
      `SELECT DISTINCT (data->>'revision')::int AS revision FROM journal WHERE type LIKE 'entry.%' ORDER BY 1`,
    )
    expect(revisions.map(({ revision }) => revision)).toEqual(revisions.map((_, index) => index + 1))
  }, 90_000)

  it('take turns by a lock, and lose nothing that they write under it', async () => {
    const name = 'history/lock'
    const said = await besideKills(async (index, isOver) => {
      const grants: { fence: number; began: number; ended: number }[] = []
      const tallies = counters.map(() => ({ certain: 0, uncertain: 0 }))
      for (let turn = index; !isOver(); turn += 1) {
        const at = () => servers[turn % 2] as ServerProcess
        const grant = await record(name, () => entriesOf(at()).acquire(name, { ttlMs: 1_500, waitMs: 3_000 }))
        const fence = grant?.answer?.lock?.fence
        if (grant === undefined || fence === undefined) continue
        grants.push({ fence, began: grant.began, ended: grant.ended })
        for (const [place, { read, put }] of counters.entries()) {
          // Reading and writing are two: only the lock stands between them and the others.
          const before = await record(name, () => read(at()))
          if (before?.answer === undefined) break
          const value = before.answer + 1
          const write = await record(value, () => put(at(), value, { lock: name, fence }))
          const tally = tallies[place] as (typeof tallies)[number]
          if (write?.answer === true) tally.certain += 1
          else if (write !== undefined && write.answer === undefined) tally.uncertain += 1
        }
        await record(name, () => entriesOf(at()).release(name, fence))
      }
      return { grants, tallies }
    })
    const grants = said.flatMap((one) => one.grants)
    expect(grants.length).toBeGreaterThan(20)
    expect(new Set(grants.map(({ fence }) => fence)).size).toBe(grants.length)
    // A caller that asked after another one had its grant has a greater fence.
    for (const { fence, ended } of grants)
      expect(grants.filter((later) => later.began > ended && later.fence <= fence)).toEqual([])
    for (const [place, { read }] of counters.entries()) {
      const value = await read(servers[0] as ServerProcess)
      const certain = said.reduce((sum, { tallies }) => sum + (tallies[place]?.certain ?? 0), 0)
      const uncertain = said.reduce((sum, { tallies }) => sum + (tallies[place]?.uncertain ?? 0), 0)
      expect(certain).toBeGreaterThan(0)
      expect(value).toBeGreaterThanOrEqual(certain)
      expect(value).toBeLessThanOrEqual(certain + uncertain)
    }
    const told = await database.query<{ fence: number }>(
      `SELECT (data->>'fence')::int AS fence FROM journal WHERE type = 'lock.acquired' ORDER BY xid, seq`,
    )
    expect(told.map(({ fence }) => fence)).toEqual(told.map((_, index) => index + 1))
  }, 90_000)
})
