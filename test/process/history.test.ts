import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { entriesOf, type Outcome } from '#test/support/entries.ts'
import { type EntryAnswer, type EntryAsked, entryModel } from '#test/support/history/entry-model.ts'
import { type Call, isLinearizable } from '#test/support/history/linearizable.ts'
import { type ServerProcess, startServerProcess } from '#test/support/process.ts'
import { createTestDatabase, type TestDatabase } from '#test/support/server.ts'

const clients = 8
const keys = ['history/a', 'history/b', 'history/c']
/** Servers that are killed and started anew while the clients go on. */
const kills = 3

let database: TestDatabase
let dataDir: string
let servers: ServerProcess[]
beforeEach(async () => {
  database = await createTestDatabase()
  dataDir = await mkdtemp(join(tmpdir(), 'signalbox-history-'))
  servers = [await start(0), await start(1)]
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

/** Kills one server after the other, and starts another in its place; the clients meet both. */
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

/** What of a server can be asked as the model is; whatever else has versions takes its place beside entries. */
interface Subject {
  readonly name: string
  ask(server: ServerProcess, key: string, asked: EntryAsked): Promise<EntryAnswer>
  /** Every version of every key that there was. */
  versions(): Promise<{ key: string; version: number }[]>
}

const subjects: readonly Subject[] = [
  {
    name: 'entries',
    ask: askEntries,
    versions: () => database.query('SELECT key, version FROM entry_version ORDER BY key, version'),
  },
]

async function askEntries(server: ServerProcess, key: string, asked: EntryAsked): Promise<EntryAnswer> {
  const entries = entriesOf(server)
  switch (asked.kind) {
    case 'get': {
      const entry = await entries.get(key)
      return entry === null ? { kind: 'none' } : { kind: 'got', value: entry.value, version: entry.version }
    }
    case 'set': {
      const { value, ifVersion } = asked
      return answerOf(await entries.set(key, value, { ifVersion }))
    }
    case 'delete':
      return answerOf(await entries.remove(key))
    case 'increment':
      return answerOf(await entries.increment(key))
    case 'swap': {
      const { succeeded, written } = await entries.transact({
        checks: [{ key, value: { is: asked.from } }],
        writes: [{ set: { key, value: asked.to } }],
      })
      const [one] = written ?? []
      return succeeded && one?.entry
        ? { kind: 'written', version: one.version, value: one.entry.value }
        : { kind: 'conflict' }
    }
  }
}

function answerOf({ entry, version, code }: Outcome): EntryAnswer {
  if (entry !== undefined) return { kind: 'written', version: entry.version, value: entry.value }
  if (version !== undefined) return { kind: 'written', version }
  if (code === 'NOT_FOUND') return { kind: 'none' }
  if (code === 'VERSION_CONFLICT' || code === 'NOT_A_NUMBER') return { kind: 'conflict' }
  throw new Error(`unexpected: ${code}`)
}

/** What one client asks, again and again; a known version is one that it has read. */
const step = fc.record({
  key: fc.constantFrom(...keys),
  server: fc.nat(1),
  what: fc.oneof(
    { weight: 3, arbitrary: fc.constant<'get'>('get') },
    { weight: 2, arbitrary: fc.constantFrom('set', 'set if known', 'set if new') },
    { weight: 1, arbitrary: fc.constantFrom('delete', 'increment', 'swap') },
  ),
  value: fc.nat(3),
  other: fc.nat(3),
})

type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never

function askedOf({ what, value, other }: Step, known: number): EntryAsked {
  if (what === 'set') return { kind: 'set', value }
  if (what === 'set if known') return { kind: 'set', value, ifVersion: known }
  if (what === 'set if new') return { kind: 'set', value, ifVersion: 0 }
  if (what === 'swap') return { kind: 'swap', from: value, to: other }
  return { kind: what }
}

async function client(subject: Subject, seed: number, isOver: () => boolean) {
  const calls: { key: string; call: Call<EntryAsked, EntryAnswer> }[] = []
  const known = new Map<string, number>()
  const steps = fc.sample(step, { seed, numRuns: 1_000 })
  for (let index = 0; !isOver(); index += 1) {
    const next = steps[index % steps.length] as Step
    const asked = askedOf(next, known.get(next.key) ?? 0)
    const call = await record(asked, () => subject.ask(servers[next.server] as ServerProcess, next.key, asked))
    if (call === undefined) continue
    calls.push({ key: next.key, call })
    const { answer } = call
    if (answer !== undefined && 'version' in answer) known.set(next.key, answer.version)
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

describe('many clients of two servers that are killed and started again', () => {
  it.each(subjects)(
    'see $name change one after the other, without a gap and without losing any',
    async (subject) => {
      const seed = Date.now()
      const said = await besideKills((index, isOver) => client(subject, seed + index, isOver))
      const byKey = Map.groupBy(said.flat(), ({ key }) => key)
      for (const key of keys) {
        const calls = (byKey.get(key) ?? []).map(({ call }) => call)
        expect(calls.filter(({ answer }) => answer !== undefined).length).toBeGreaterThan(50)
        expect([seed, key, isLinearizable(calls, entryModel)]).toEqual([seed, key, true])
      }
      const versions = Map.groupBy(await subject.versions(), ({ key }) => key)
      for (const [key, rows] of versions)
        expect([key, rows.map(({ version }) => version)]).toEqual([key, rows.map((_, index) => index + 1)])
      const revisions = await database.query<{ revision: number }>(
        `SELECT DISTINCT (data->>'revision')::int AS revision FROM journal WHERE type LIKE 'entry.%' ORDER BY 1`,
      )
      expect(revisions.map(({ revision }) => revision)).toEqual(revisions.map((_, index) => index + 1))
    },
    90_000,
  )

  it('take turns by a lock, and lose nothing that they write under it', async () => {
    const name = 'history/lock'
    const counter = 'history/counter'
    const said = await besideKills(async (index, isOver) => {
      const grants: { fence: number; began: number; ended: number }[] = []
      let certain = 0
      let uncertain = 0
      for (let turn = index; !isOver(); turn += 1) {
        const at = () => entriesOf(servers[turn % 2] as ServerProcess)
        const grant = await record(name, () => at().acquire(name, { ttlMs: 1_500, waitMs: 3_000 }))
        const fence = grant?.answer?.lock?.fence
        if (grant === undefined || fence === undefined) continue
        grants.push({ fence, began: grant.began, ended: grant.ended })
        // Reading and writing are two: only the lock stands between them and the others.
        const read = await record(counter, async () => Number((await at().get(counter))?.value ?? 0))
        if (read?.answer === undefined) continue
        const value = read.answer + 1
        const write = await record(value, () => at().set(counter, value, { fence: { lock: name, fence } }))
        if (write?.answer?.entry !== undefined) certain += 1
        else if (write !== undefined && write.answer === undefined) uncertain += 1
        await record(name, () => at().release(name, fence))
      }
      return { grants, certain, uncertain }
    })
    const grants = said.flatMap((one) => one.grants)
    expect(grants.length).toBeGreaterThan(20)
    expect(new Set(grants.map(({ fence }) => fence)).size).toBe(grants.length)
    // Whoever asked after another had been answered has a greater one.
    for (const { fence, ended } of grants)
      expect(grants.filter((later) => later.began > ended && later.fence <= fence)).toEqual([])
    const [row] = await database.query<{ value: number }>('SELECT value FROM entry WHERE key = $1', [counter])
    const certain = said.reduce((sum, one) => sum + one.certain, 0)
    const uncertain = said.reduce((sum, one) => sum + one.uncertain, 0)
    expect(row?.value).toBeGreaterThanOrEqual(certain)
    expect(row?.value).toBeLessThanOrEqual(certain + uncertain)
    const told = await database.query<{ fence: number }>(
      `SELECT (data->>'fence')::int AS fence FROM journal WHERE type = 'lock.acquired' ORDER BY xid, seq`,
    )
    expect(told.map(({ fence }) => fence)).toEqual(told.map((_, index) => index + 1))
  }, 90_000)
})
