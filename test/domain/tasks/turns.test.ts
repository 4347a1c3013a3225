import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { queueNames } from '#domain/tasks/jobs.ts'
import { restartTurns } from '#domain/tasks/turns.ts'
import { Queue } from '#platform/queue/queue.ts'
import { createLog } from '#platform/telemetry/log.ts'
import { submitTask } from '#test/support/follower.ts'
import { graphqlData } from '#test/support/graphql.ts'
import { openJournal } from '#test/support/journal.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'
import { addAccount } from '#test/support/shared-server.ts'
import { until } from '#test/support/until.ts'

const configFile = fileURLToPath(new URL('../../fixtures/limits/signalbox.config.ts', import.meta.url))

let directory: string
let server: TestServer
/** The same server, as the owner of another account. */
let other: TestServer
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'signalbox-turns-'))
  server = await startTestServer({ configFile, env: { WORKER_SLOTS: '1', CRITICAL_SLOTS: '0', LOG_LEVEL: 'silent' } })
  const { ownerToken, account } = await addAccount(server.database.url)
  other = { ...server, token: ownerToken, accountId: account.id }
})
afterAll(async () => {
  await server.close()
  rmSync(directory, { recursive: true })
})

interface Wanted {
  readonly name: string
  readonly by?: TestServer
  readonly fairnessKey?: string
  readonly fairnessWeight?: number
  readonly rank?: number
  readonly priority?: string
}

/** In which order these start on the only slot, when all are submitted one after the other while another task has it. */
async function orderOf(wanted: readonly Wanted[]): Promise<string[]> {
  const gate = join(directory, randomUUID())
  const first = await submitTask(server, { type: 'limits.free', priority: 'CRITICAL', input: { gate } })
  await until(async () => (await startedAmong([first])).length === 1)
  const names = new Map<string, string>()
  for (const { name, by = server, ...task } of wanted)
    names.set(await submitTask(by, { type: 'limits.free', input: {}, ...task }), name)
  writeFileSync(gate, '')
  const ids = [...names.keys()]
  const started = await until(async () => {
    const started = await startedAmong(ids)
    return started.length === ids.length && started
  })
  return started.map((id) => names.get(id) ?? '')
}

async function startedAmong(ids: readonly string[]): Promise<string[]> {
  const rows = await server.database.query<{ id: string }>(
    `SELECT substring(subject FROM 6) AS id FROM journal
     WHERE type = 'task.started' AND subject = ANY($1) ORDER BY xid, seq`,
    [ids.map((id) => `task:${id}`)],
  )
  return rows.map(({ id }) => id)
}

const times = (count: number, wanted: Omit<Wanted, 'name'> & { name: string }): Wanted[] =>
  Array.from({ length: count }, (_, index) => ({ ...wanted, name: `${wanted.name}${index + 1}` }))

describe('the next free slot', () => {
  it('is shared by accounts, however many tasks one of them has', async () => {
    const order = await orderOf([...times(6, { name: 'a' }), ...times(2, { name: 'b', by: other })])
    expect(order.indexOf('b1')).toBeLessThanOrEqual(2)
    expect(order.indexOf('b2')).toBeLessThanOrEqual(4)
    expect(order.filter((name) => name.startsWith('a'))).toEqual(['a1', 'a2', 'a3', 'a4', 'a5', 'a6'])
  })

  it('is shared by the fairness keys of an account, and they don’t get more than one account’s share', async () => {
    const order = await orderOf([
      ...times(5, { name: 'big', fairnessKey: 'big' }),
      ...times(2, { name: 'small', fairnessKey: 'small' }),
      ...times(3, { name: 'b', by: other }),
    ])
    const own = order.filter((name) => !name.startsWith('b') || name.startsWith('big'))
    expect(own.slice(0, 4).toSorted()).toEqual(['big1', 'big2', 'small1', 'small2'])
    // Of the first six, three are of each account.
    expect(order.slice(0, 6).filter((name) => /^b\d/.test(name))).toHaveLength(3)
  })

  it('goes to a fairness key more often by its weight', async () => {
    const order = await orderOf([
      ...times(6, { name: 'light', fairnessKey: 'light' }),
      ...times(6, { name: 'heavy', fairnessKey: 'heavy', fairnessWeight: 3 }),
    ])
    const heavy = order.slice(0, 8).filter((name) => name.startsWith('heavy'))
    expect(heavy.length).toBeGreaterThanOrEqual(5)
  })

  it('goes to the highest rank of a lane, and by submission within a rank', async () => {
    const ranks = [0, -5, 10, 0, 100, 10]
    const inLane = ranks.map((rank, index) => ({ name: `${rank}/${index}`, rank, fairnessKey: 'ranked' }))
    expect(await orderOf(inLane)).toEqual(['100/4', '10/2', '10/5', '0/0', '0/3', '-5/1'])
  })

  it('goes by rank to tasks without a fairness key, too', async () => {
    const ranks = [0, -5, 10, 0, 100, 10]
    const alone = ranks.map((rank, index) => ({ name: `${rank}/${index}`, rank }))
    expect(await orderOf(alone)).toEqual(['100/4', '10/2', '10/5', '0/0', '0/3', '-5/1'])
    expect(await server.database.query(`SELECT 1 FROM task_lane WHERE key = ''`)).toEqual([])
  })

  it('goes to a waiting task in time, whatever is cancelled before it', async () => {
    const gate = join(directory, randomUUID())
    const first = await submitTask(server, { type: 'limits.free', input: { gate } })
    await until(async () => (await startedAmong([first])).length === 1)
    const submit = (task: object) => submitTask(server, { type: 'limits.free', input: {}, ...task })
    const ids = [
      await submit({ fairnessKey: 'x' }),
      await submit({ rank: 5 }),
      await submit({ fairnessKey: 'y', rank: 3 }),
      await submit({ rank: -5 }),
      await submit({}),
    ]
    const cancel = 'mutation ($id: ID!) { cancelTask(input: { id: $id }) { __typename } }'
    for (const id of ids.slice(0, 2)) await graphqlData(server, cancel, { id })
    writeFileSync(gate, '')
    await until(async () => (await startedAmong(ids)).length === 3)
    const waiting = await server.database.query(`SELECT 1 FROM task WHERE status = 'PENDING'`)
    expect(waiting).toEqual([])
  })

  it('comes to more tasks of lanes than have jobs in the queue', async () => {
    const gate = join(directory, randomUUID())
    const first = await submitTask(server, { type: 'limits.free', input: { gate } })
    await until(async () => (await startedAmong([first])).length === 1)
    const tasks = Array.from({ length: 120 }, (_, index) => ({
      type: 'limits.free',
      input: {},
      fairnessKey: `key ${index % 50}`,
    }))
    const submitted = await graphqlData<{ submitTasks: { tasks: { id: string }[] } }>(
      server,
      `mutation ($tasks: [SubmitTaskInput!]!) {
         submitTasks(input: { tasks: $tasks }) { ... on SubmitTasksPayload { tasks { id } } }
       }`,
      { tasks },
    )
    const ids = submitted.submitTasks.tasks.map(({ id }) => id)
    const [{ jobs } = { jobs: 0 }] = await server.database.query<{ jobs: number }>(
      `SELECT count(*)::int AS jobs FROM pgboss.job WHERE name = 'tasks-normal' AND state < 'active'`,
    )
    expect(jobs).toBe(32)
    writeFileSync(gate, '')
    const started = await until(async () => {
      const started = await startedAmong(ids)
      return started.length === ids.length && started
    }, 30_000)
    // Each lane had a turn before any had its second.
    const keys = started.slice(0, 50).map((id) => ids.indexOf(id) % 50)
    expect(new Set(keys).size).toBe(50)
  })
})

describe('turns', () => {
  it('begin with 0 again when they have become large, in the same order', async () => {
    await server.database.query(`UPDATE task_clock SET now = 1500000000 WHERE priority = 'BATCH'`)
    const gate = join(directory, randomUUID())
    const first = await submitTask(server, { type: 'limits.free', input: { gate } })
    await until(async () => (await startedAmong([first])).length === 1)
    const submit = (by: TestServer) => submitTask(by, { type: 'limits.free', input: {}, priority: 'BATCH' })
    const ids = [await submit(server), await submit(server), await submit(server), await submit(other)]
    const { database, transact, close } = await openJournal(server.database.url)
    const queue = await Queue.start({
      database,
      queues: queueNames,
      log: createLog({ level: 'silent', format: 'json' }),
    })
    for (const restarted of [['BATCH'], []])
      expect(await restartTurns({ sql: database, transact, queue })).toEqual(restarted)
    await queue.stop()
    await close()
    const jobs = await server.database.query<{ turn: number }>(
      `SELECT -priority AS turn FROM pgboss.job WHERE name = 'tasks-batch' AND state < 'active' ORDER BY 1`,
    )
    expect(jobs.map(({ turn }) => turn)).toEqual([0, 0, 1, 2])
    writeFileSync(gate, '')
    const started = await until(async () => {
      const started = await startedAmong(ids)
      return started.length === ids.length && started
    })
    expect(started.indexOf(ids[3]!)).toBeLessThanOrEqual(1)
  })
})
