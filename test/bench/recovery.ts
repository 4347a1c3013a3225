import { Pool } from 'undici'
import { until } from '#test/support/until.ts'
import { post } from './graphql.ts'
import { percentile, type Row, report } from './report.ts'
import { openStand } from './stand.ts'

const rounds = 4
const count = 6

const policies = [
  { what: 'a type that may run again', task: { type: 'bench.wait-retry' } },
  { what: 'any other, with 10 attempts', task: { type: 'bench.wait-fail', retry: { maxAttempts: 10 } } },
]

/** From `kill -9` of a server with an embedded database to its tasks running again in the one that is started at once. */
export async function benchRecovery(): Promise<object> {
  const stand = await openStand()
  const rows: Row[] = []
  try {
    for (const { what, task } of policies) {
      const server = await stand.startEmbedded({ WORKER_SLOTS: String(count), CRITICAL_SLOTS: '0' })
      const client = new Pool(server.url, { connections: 1 })
      await post(client, submitQuery, { input: { tasks: Array.from({ length: count }, () => task) } })
      await until(() => areRunning(client, 1), 20_000)
      const ready: number[] = []
      const running: number[] = []
      for (let round = 0; round < rounds; round += 1) {
        const killedAt = performance.now()
        await server.restart()
        ready.push(performance.now() - killedAt)
        await until(() => areRunning(client, round + 2), 60_000)
        running.push(performance.now() - killedAt)
      }
      await client.close()
      await server.stop()
      rows.push({ what, ...columns('ready', ready), ...columns('running', running) })
    }
    return { recovery: report(`kill -9 of a server with ${count} running tasks, ms`, rows) }
  } finally {
    await stand.close()
  }
}

const submitQuery =
  'mutation($input: SubmitTasksInput!) { submitTasks(input: $input) { ... on SubmitTasksPayload { tasks { id } } ... on Failure { code message } } }'
const runningQuery = '{ tasks(first: 100, where: { status: [ACTIVE] }) { nodes { attempt } } }'

/** Whether all of them run in an attempt of at least this number. */
async function areRunning(client: Pool, attempt: number): Promise<boolean> {
  const data = await post<{ tasks: { nodes: { attempt: number }[] } }>(client, runningQuery, {}).catch(() => undefined)
  return (data?.tasks.nodes.filter((task) => task.attempt >= attempt).length ?? 0) === count
}

function columns(name: string, sample: readonly number[]): Record<string, number> {
  return { [`${name} p50`]: percentile(sample, 0.5), [`${name} max`]: Math.max(...sample) }
}
