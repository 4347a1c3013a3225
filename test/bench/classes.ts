import { setTimeout as sleep } from 'node:timers/promises'
import { Pool } from 'undici'
import { until } from '#test/support/until.ts'
import { post } from './graphql.ts'
import { percentile, type Row, report } from './report.ts'
import { openStand } from './stand.ts'

const samples = 200
const ownSamples = 30
const burners = 6
const burnMs = 5_000

/** How long CRITICAL tasks take to begin: on an idle machine, and while BATCH tasks use all of its processors. */
export async function benchClasses(): Promise<object> {
  const stand = await openStand()
  try {
    const server = await stand.startServer(await stand.createDatabase('classes'))
    const client = new Pool(server.url, { connections: 4 })
    // A first one, after which everything is loaded and compiled.
    await measure(client, 'bench.own', 2, 500)
    await measure(client, 'bench.stamp', 50, 20)
    const rows = [
      row('idle, in process', await measure(client, 'bench.stamp', samples, 25)),
      row('idle, own process', await measure(client, 'bench.own', ownSamples, 400)),
    ]
    const fire = burn(client)
    await sleep(2_000)
    rows.push(
      row('BATCH burns, in process', await measure(client, 'bench.stamp', samples, 25)),
      row('BATCH burns, own process', await measure(client, 'bench.own', ownSamples, 400)),
    )
    await fire.stop()
    await client.close()
    await server.stop()
    return { classes: report('CRITICAL tasks: ms to the first line of the handler', rows) }
  } finally {
    await stand.close()
  }
}

interface Delay {
  /** From the answer to the submission; 0 when the task ran before it was there. */
  readonly acceptedMs: number
  /** From the request. */
  readonly sentMs: number
}

function row(what: string, delays: readonly Delay[]): Row {
  const accepted = delays.map(({ acceptedMs }) => acceptedMs)
  const sent = delays.map(({ sentMs }) => sentMs)
  return {
    what,
    'accepted p50': percentile(accepted, 0.5),
    'accepted p95': percentile(accepted, 0.95),
    'accepted p99': percentile(accepted, 0.99),
    'sent p50': percentile(sent, 0.5),
    'sent p99': percentile(sent, 0.99),
  }
}

async function measure(client: Pool, type: string, count: number, gapMs: number): Promise<Delay[]> {
  const submitted: { id: string; sentAt: number; acceptedAt: number }[] = []
  for (let sample = 0; sample < count; sample += 1) {
    const sentAt = now()
    const id = await submit(client, { type, priority: 'CRITICAL' })
    submitted.push({ id, sentAt, acceptedAt: now() })
    await sleep(gapMs * (0.75 + Math.random() / 2))
  }
  return Promise.all(
    submitted.map(async ({ id, sentAt, acceptedAt }) => {
      const { startedAt } = await until(() => resultOf(client, id), 60_000)
      return { acceptedMs: Math.max(0, startedAt - acceptedAt), sentMs: startedAt - sentAt }
    }),
  )
}

function now(): number {
  return performance.timeOrigin + performance.now()
}

const resultQuery = 'query($id: ID!) { task(id: $id) { result } }'

async function resultOf(client: Pool, id: string): Promise<{ startedAt: number } | false> {
  const { task } = await post<{ task: { result: { startedAt: number } | null } }>(client, resultQuery, { id })
  return task.result ?? false
}

const submitQuery =
  'mutation($input: SubmitTaskInput!) { submitTask(input: $input) { ... on SubmitTaskPayload { task { id } } ... on Failure { code } } }'

async function submit(client: Pool, input: object): Promise<string> {
  const data = await post<{ submitTask: { task: { id: string } } }>(client, submitQuery, { input })
  return data.submitTask.task.id
}

/** Keeps as many BATCH tasks in the queue as can run beside the slots of CRITICAL ones, each of which uses a core. */
function burn(client: Pool): { stop(): Promise<void> } {
  let isOver = false
  const burnOn = async () => {
    while (!isOver) {
      for (let burner = 0; burner < burners; burner += 1)
        await submit(client, { type: 'bench.burn', priority: 'BATCH', input: { forMs: burnMs } })
      await sleep(burnMs)
    }
  }
  const burning = burnOn()
  return {
    async stop() {
      isOver = true
      await burning
    },
  }
}
