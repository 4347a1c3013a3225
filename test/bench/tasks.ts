import { setTimeout as sleep } from 'node:timers/promises'
import { Logger, makeWorkerUtils, run as runGraphile } from 'graphile-worker'
import pg from 'pg'
import { PgBoss } from 'pg-boss'
import { Pool } from 'undici'
import { until } from '#test/support/until.ts'
import { post } from './graphql.ts'
import { percentile, type Row, report } from './report.ts'
import { openStand, type Stand } from './stand.ts'
import { countFor, openSubmitters } from './submissions.ts'

const turns = 5
const turnMs = 2_500
const taskCount = 20_000
const latencySamples = 300

/** Submissions, throughput and latency of tasks, each beside what the queue below can do by itself. */
export async function benchTasks(): Promise<object> {
  const stand = await openStand()
  try {
    return {
      submissions: report('Single submissions a second, 64 at a time', await submissions(stand)),
      throughput: report(`No-op tasks a second, ${taskCount} from submission to completion`, await throughput(stand)),
      latency: report('Idle time from accepted to running, ms', await latency(stand)),
    }
  } finally {
    await stand.close()
  }
}

/** Only the submission rate. */
export async function benchSubmissions(): Promise<object> {
  const stand = await openStand()
  try {
    return { submissions: report('Single submissions a second, 64 at a time', await submissions(stand)) }
  } finally {
    await stand.close()
  }
}

async function submissions(stand: Stand): Promise<Row[]> {
  const server = await stand.startServer(await stand.createDatabase('submissions'), { ROLES: 'api' })
  const submitters = openSubmitters(server.url)
  const boss = await openBoss(await stand.createDatabase('submissions_boss'))
  await boss.createQueue('noop')
  const ours: number[] = []
  const peer: number[] = []
  // In turns, so that both meet the same machine; the first turn only warms up.
  for (let turn = 0; turn <= turns; turn += 1) {
    ours.push(await countFor(turnMs, submitters.submit))
    peer.push(await countFor(turnMs, () => boss.send('noop', {})))
  }
  submitters.close()
  await server.stop()
  await boss.stop({ graceful: false })
  const [mine, theirs] = [median(ours.slice(1)), median(peer.slice(1))]
  return [
    { what: 'Signalbox, submitTask by HTTP', 'per second': mine, 'of boss.send': `${(mine / theirs).toFixed(2)} ×` },
    { what: 'pg-boss, boss.send in process', 'per second': theirs, 'of boss.send': '1.00 ×' },
  ]
}

function median(sample: readonly number[]): number {
  return percentile(sample, 0.5)
}

const submitQuery =
  'mutation($input: SubmitTaskInput!) { submitTask(input: $input) { ... on SubmitTaskPayload { task { id } } ... on Failure { code } } }'
const submitManyQuery =
  'mutation($input: SubmitTasksInput!) { submitTasks(input: $input) { ... on SubmitTasksPayload { deduplicated } ... on Failure { code } } }'

async function submit(client: Pool, type: string): Promise<string> {
  const data = await post<{ submitTask: { task?: { id: string }; code?: string } }>(client, submitQuery, {
    input: { type },
  })
  if (data.submitTask.task === undefined) throw new Error(`not submitted: ${data.submitTask.code}`)
  return data.submitTask.task.id
}

async function throughput(stand: Stand): Promise<Row[]> {
  const slots = String(500)
  const url = await stand.createDatabase('throughput')
  const server = await stand.startServer(url, { WORKER_SLOTS: slots })
  const client = new Pool(server.url, { connections: 2, pipelining: 1 })
  const database = new pg.Client({ connectionString: url })
  await database.connect()
  const isDone = async (count: number) => {
    // Asked seldom: each answer costs the database about as much as ten tasks.
    await sleep(100)
    const { rows } = await database.query("SELECT count(*)::int AS done FROM task WHERE status = 'COMPLETED'")
    return rows[0].done >= count
  }
  const submitAll = async (count: number) => {
    for (let sent = 0; sent < count; sent += 1_000) {
      const tasks = Array.from({ length: 1_000 }, () => ({ type: 'bench.noop' }))
      await post(client, submitManyQuery, { input: { tasks } })
    }
  }
  let submitted = 0
  const ours = await warmRate(async (count) => {
    await submitAll(count)
    submitted += count
    await until(() => isDone(submitted), 120_000)
  })
  await database.end()
  await client.close()
  await server.stop()

  const boss = await bossThroughput(await stand.createDatabase('throughput_boss'))
  const graphile = await graphileThroughput(await stand.createDatabase('throughput_graphile'))
  return [
    {
      what: `Signalbox, submitTasks of 1,000, ${slots} slots`,
      'per second': ours,
      'of raw pg-boss': share(ours, boss),
    },
    { what: 'pg-boss, insert of 1,000, 2 workers with batches of 500', 'per second': boss, 'of raw pg-boss': '1.00' },
    {
      what: 'graphile-worker, addJobs of 1,000, 100 at a time',
      'per second': graphile,
      'of raw pg-boss': share(graphile, boss),
    },
  ]
}

/** Tasks a second of a program that has run for a while: its code is compiled, and its tables aren't empty any more. */
async function warmRate(work: (count: number) => Promise<void>): Promise<number> {
  await work(taskCount / 2)
  const startedAt = performance.now()
  await work(taskCount)
  return (taskCount * 1000) / (performance.now() - startedAt)
}

/** Counts what handlers have done. */
class Count {
  #done = 0
  #goal = Number.POSITIVE_INFINITY
  #reached = () => {}

  add(count: number): void {
    this.#done += count
    if (this.#done >= this.#goal) this.#reached()
  }

  /** Resolves once `count` more are done. */
  more(count: number): Promise<void> {
    this.#goal = this.#done + count
    return new Promise((resolve) => {
      this.#reached = resolve
    })
  }
}

function share(part: number, whole: number): string {
  return (part / whole).toFixed(2)
}

async function bossThroughput(url: string): Promise<number> {
  const boss = await openBoss(url)
  await boss.createQueue('noop')
  const done = new Count()
  const handle = async (jobs: unknown[]) => done.add(jobs.length)
  for (let worker = 0; worker < 2; worker += 1)
    await boss.work('noop', { batchSize: 500, burstWhenBatchFull: true, pollingIntervalSeconds: 0.5 }, handle)
  const result = await warmRate(async (count) => {
    const finished = done.more(count)
    for (let sent = 0; sent < count; sent += 1_000)
      await boss.insert(
        'noop',
        Array.from({ length: 1_000 }, () => ({ data: {} })),
      )
    await finished
  })
  await boss.stop({ graceful: false })
  return result
}

const silent = new Logger(() => () => {})

async function graphileThroughput(url: string): Promise<number> {
  const utils = await makeWorkerUtils({ connectionString: url, logger: silent })
  await utils.migrate()
  const done = new Count()
  const runner = await runGraphile({
    connectionString: url,
    concurrency: 100,
    maxPoolSize: 10,
    logger: silent,
    noHandleSignals: true,
    taskList: {
      noop: async () => done.add(1),
    },
  })
  const result = await warmRate(async (count) => {
    const finished = done.more(count)
    for (let sent = 0; sent < count; sent += 1_000)
      await utils.addJobs(Array.from({ length: 1_000 }, () => ({ identifier: 'noop', payload: {} })))
    await finished
  })
  await runner.stop()
  await utils.release()
  return result
}

async function latency(stand: Stand): Promise<Row[]> {
  const server = await stand.startServer(await stand.createDatabase('latency'))
  const client = new Pool(server.url, { connections: 2, pipelining: 1 })
  const accepted = new Map<string, number>()
  for (let sample = 0; sample < latencySamples; sample += 1) {
    const id = await submit(client, 'bench.stamp')
    accepted.set(id, performance.timeOrigin + performance.now())
    await sleep(15 + Math.random() * 20)
  }
  const ours: number[] = []
  for (const [id, at] of accepted) {
    const { task } = await until(async () => {
      const data = await post<{ task: { result: { startedAt: number } | null } }>(
        client,
        'query($id: ID!) { task(id: $id) { result } }',
        { id },
      )
      return data.task.result !== null && data
    })
    ours.push(Math.max(0, (task.result?.startedAt ?? 0) - at))
  }
  await client.close()
  await server.stop()
  const peer = await bossLatency(await stand.createDatabase('latency_boss'))
  const row = (what: string, sample: number[]) => ({
    what,
    p50: percentile(sample, 0.5),
    p95: percentile(sample, 0.95),
    p99: percentile(sample, 0.99),
  })
  return [row('Signalbox, answer to submitTask → handler', ours), row('pg-boss with notify, send → handler', peer)]
}

async function bossLatency(url: string): Promise<number[]> {
  const boss = await openBoss(url, { useListenNotify: true })
  await boss.createQueue('stamp', { notify: true })
  const samples: number[] = []
  const started = new Map<string, number>()
  await boss.work('stamp', { batchSize: 1 }, async ([job]) => {
    if (job !== undefined) started.set(job.id, performance.now())
  })
  for (let sample = 0; sample < latencySamples; sample += 1) {
    const id = (await boss.send('stamp', {})) ?? ''
    const at = performance.now()
    // A worker waits out its poll interval after a job, so the next one is sent when it listens again.
    await until(() => started.has(id), 60_000)
    samples.push(Math.max(0, (started.get(id) ?? 0) - at))
    await sleep(15 + Math.random() * 20)
  }
  await boss.stop({ graceful: false })
  return samples
}

async function openBoss(connectionString: string, options: object = {}): Promise<PgBoss> {
  const boss = new PgBoss({ connectionString, supervise: false, schedule: false, ...options })
  boss.on('error', (error) => console.error('pg-boss:', error.message))
  await boss.start()
  return boss
}
