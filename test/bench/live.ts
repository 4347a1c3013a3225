import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Pool } from 'undici'
import { until } from '#test/support/until.ts'
import { post } from './graphql.ts'
import type { ClientCommand, Sample } from './live-client.ts'
import { percentile, type Row, report } from './report.ts'
import { openStand, type Stand, token } from './stand.ts'
import { residentKb, watchCpu } from './usage.ts'

const measuredMs = 20_000
const warmUpMs = 3_000
/** Longer than opening all the sockets and measuring takes. */
const beatMs = 120_000
/** `npm run bench -- live` with fewer, such as 1000, for a look. */
const many = Number(process.env['BENCH_SUBSCRIBERS'] ?? 5_000)
const scalars = 'kind at status progress step log { message }'
const withTask = `${scalars} task { id status progress }`

/** `BENCH_ONLY=strangers npm run bench -- live` measures the rows whose names contain that. */
const only = process.env['BENCH_ONLY'] ?? ''

type Server = Awaited<ReturnType<Stand['startServer']>>

const scenes: readonly (readonly [what: string, prepare: (server: Server) => Promise<Scene>])[] = [
  [`${many} subscribers, each of its own task, 1 update/s`, ownTasks],
  ['2,000 subscribers of one task, 2 updates/s', (server) => oneTask(server, 2_000, 500, scalars)],
  ['500 subscribers of one task, 10 updates/s', (server) => oneTask(server, 500, 100, scalars)],
  ['500 subscribers of one task, 10 updates/s, with task', (server) => oneTask(server, 500, 100, withTask)],
  ['20 strangers’ tasks, 10 updates/s, nobody subscribes', (server) => strangers(server, 0)],
  [`20 strangers’ tasks, 10 updates/s, beside ${many} subscribers`, (server) => strangers(server, many)],
]

/** What live subscriptions cost a server, and how old updates are when they arrive; no peer has the like. */
export async function benchLive(): Promise<object> {
  const stand = await openStand()
  try {
    const rows: Row[] = []
    for (const [what, prepare] of scenes) if (what.includes(only)) rows.push(await measure(stand, what, prepare))
    return { live: report('Live updates: age in ms, since the commit and since the handler said it', rows) }
  } finally {
    await stand.close()
  }
}

/** What subscribers ask for. */
interface Scene {
  readonly query: string
  readonly ids: string[]
}

async function measure(stand: Stand, what: string, prepare: (server: Server) => Promise<Scene>): Promise<Row> {
  const server = await stand.startServer(await stand.createDatabase(`live_${databases++}`), {
    WORKER_SLOTS: String(many + 100),
    QUOTA_RUNNING_TASKS: '0',
    SOCKET_LIMIT: '0',
    SUBSCRIPTION_LIMIT: '0',
    OPERATION_LIMIT: '0',
    HELD_BYTES_LIMIT: '0',
  })
  const client = fork(fileURLToPath(new URL('live-client.ts', import.meta.url)), { serialization: 'advanced' })
  try {
    const { query, ids } = await prepare(server)
    const before = await residentKb(server.pid)
    await ask(client, { kind: 'open', url: server.url, token, query, ids })
    await sleep(warmUpMs)
    const connectionKb = ((await residentKb(server.pid)) - before) / Math.max(1, ids.length)
    await ask(client, { kind: 'sample' })
    const cpu = await watchCpu(server.pid)
    await sleep(measuredMs)
    const used = await cpu()
    const sample = (await ask(client, { kind: 'sample' })) as { sample: Sample }
    return rowOf(what, sample.sample, used, connectionKb)
  } finally {
    client.kill()
    await server.stop()
  }
}

let databases = 0

function rowOf(what: string, { ages, said }: Sample, cpu: string, connectionKb: number): Row {
  const shares = [0.5, 0.95, 0.99]
  const percentiles = (sample: readonly number[]) =>
    sample.length === 0 ? '' : shares.map((share) => percentile(sample, share).toFixed(1)).join(' / ')
  return {
    what,
    'updates/s': (ages.length * 1000) / measuredMs,
    'since commit p50/p95/p99': percentiles(ages),
    'since said p50/p95/p99': percentiles(said),
    'server CPU': cpu,
    'kB a connection': connectionKb,
  }
}

async function ask(client: ChildProcess, command: ClientCommand): Promise<unknown> {
  client.send(command)
  const [answer] = await once(client, 'message')
  return answer
}

async function ownTasks(server: Server): Promise<Scene> {
  const ids = await submit(server, many, { type: 'bench.beat', input: beat(1_000, 'progress') })
  return { query: queryOf(scalars), ids }
}

async function oneTask(server: Server, subscribers: number, everyMs: number, fields: string): Promise<Scene> {
  const [id = ''] = await submit(server, 1, { type: 'bench.beat', input: beat(everyMs, 'time') })
  return { query: queryOf(fields), ids: Array.from({ length: subscribers }, () => id) }
}

async function strangers(server: Server, subscribers: number): Promise<Scene> {
  const runAt = new Date(Date.now() + 86_400_000).toISOString()
  const ids = subscribers === 0 ? [] : await submit(server, subscribers, { type: 'bench.noop', runAt }, false)
  await submit(server, 20, { type: 'bench.beat', input: beat(100, 'progress') })
  return { query: queryOf(scalars), ids }
}

function beat(everyMs: number, says: 'progress' | 'time') {
  return { everyMs, forMs: beatMs, says }
}

function queryOf(fields: string): string {
  return `subscription ($id: ID!) { taskUpdates(id: $id) { ${fields} } }`
}

const submitQuery =
  'mutation($input: SubmitTasksInput!) { submitTasks(input: $input) { ... on SubmitTasksPayload { tasks { id status } } ... on Failure { code } } }'
const statusQuery = 'query($id: ID!) { task(id: $id) { status } }'

/** Submits the same task several times; resolves with their ids once all of them run, if that is asked for. */
async function submit(server: Server, count: number, task: object, isRunning = true): Promise<string[]> {
  const client = new Pool(server.url, { connections: 1 })
  const ids: string[] = []
  for (let left = count; left > 0; left -= 500) {
    const tasks = Array.from({ length: Math.min(500, left) }, () => task)
    const data = await post<{ submitTasks: { tasks: { id: string }[] } }>(client, submitQuery, { input: { tasks } })
    ids.push(...data.submitTasks.tasks.map(({ id }) => id))
  }
  const last = ids.at(-1)
  const runs = async () =>
    (await post<{ task: { status: string } }>(client, statusQuery, { id: last })).task.status === 'ACTIVE'
  if (isRunning) await until(runs, 60_000)
  await client.close()
  return ids
}
