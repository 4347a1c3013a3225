import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { submitTask } from '#test/support/follower.ts'
import { graphql, graphqlData } from '#test/support/graphql.ts'
import { registerType, remoteWorker } from '#test/support/remote-worker.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'
import { addToken } from '#test/support/tokens.ts'
import { until } from '#test/support/until.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer({ env: { WORKER_SLOTS: '1', CRITICAL_SLOTS: '0', LOG_LEVEL: 'silent' } })
})
afterAll(() => server.close())

interface Worker {
  readonly id: string
  readonly name: string
  readonly isRemote: boolean
  readonly version: string | null
  readonly types: readonly string[]
  readonly slots: number
  readonly running: number
  readonly lastSeenAt: string
  readonly drainingAt: string | null
  readonly drainedAt: string | null
}

const fields = 'id name isRemote version types slots running lastSeenAt drainingAt drainedAt'

const workers = async () =>
  (await graphqlData<{ workers: { nodes: Worker[] } }>(server, `{ workers { nodes { ${fields} } } }`)).workers.nodes

async function processOf(): Promise<Worker> {
  const own = (await workers()).find(({ isRemote }) => !isRemote)
  if (own === undefined) throw new Error('The server is not among the workers.')
  return own
}

async function change(name: 'drainWorker' | 'setWorkerSlots', input: object, token = server.token) {
  const type = `${name.charAt(0).toUpperCase()}${name.slice(1)}`
  const query = `mutation ($input: ${type}Input!) {
    ${name}(input: $input) { __typename ... on Failure { message } ... on ${type}Payload { worker { ${fields} } } }
  }`
  return graphql<Record<string, { __typename: string; message?: string; worker?: Worker }>>(
    server,
    query,
    { input },
    token,
  )
}

async function statusOf(id: string): Promise<string> {
  const query = 'query ($id: ID!) { task(id: $id) { status } }'
  return (await graphqlData<{ task: { status: string } }>(server, query, { id })).task.status
}

describe('workers', () => {
  it('are the processes of the server and the programs of the account', async () => {
    const type = await registerType(server, 'list.type')
    const remote = remoteWorker(server)
    await submitTask(server, { type })
    const { leases, workerId } = await remote.claim([type], { slots: 5, version: '1.2' })
    const list = await workers()
    expect(list).toContainEqual(
      expect.objectContaining({ isRemote: false, slots: 1, types: [], version: expect.stringMatching(/^\d+\.\d+/) }),
    )
    expect(list.find(({ id }) => id === workerId)).toMatchObject({
      name: remote.worker,
      isRemote: true,
      version: '1.2',
      types: [type],
      slots: 5,
      running: 1,
      drainingAt: null,
    })
    const stranger = await addToken(server, { scopes: ['tasks:read'] })
    const foreign = await graphql<{ workers: { nodes: Worker[] } }>(
      server,
      `{ workers { nodes { ${fields} } } }`,
      {},
      stranger.token,
    )
    expect(foreign.data?.workers.nodes.map(({ isRemote }) => isRemote)).toEqual([false])
    await remote.complete(leases[0]!)
  })

  it('get other slots while they work', async () => {
    const { id } = await processOf()
    await change('setWorkerSlots', { id, slots: 3 })
    const input = { durationMs: 60_000, steps: 1 }
    const ids = await Promise.all([1, 2, 3].map(() => submitTask(server, { type: 'probe', input })))
    await until(async () => (await Promise.all(ids.map(statusOf))).every((status) => status === 'ACTIVE'))
    expect(await processOf()).toMatchObject({ slots: 3, running: 3 })
    for (const task of ids)
      await graphqlData(server, 'mutation ($id: ID!) { cancelTask(input: { id: $id }) { __typename } }', { id: task })
    await until(async () => (await processOf()).running === 0)
    expect((await change('setWorkerSlots', { id, slots: 0 })).data?.['setWorkerSlots']).toMatchObject({
      __typename: 'InvalidInput',
    })
  })

  it('claim nothing more once they are drained', async () => {
    const type = await registerType(server, 'drain.type')
    const remote = remoteWorker(server)
    await submitTask(server, { type })
    await submitTask(server, { type })
    const { leases, workerId } = await remote.claim([type], { slots: 2 })
    const manager = await addToken(server, { accountId: await ownId(), scopes: ['tasks:admin'] })
    const drained = (await change('drainWorker', { id: workerId }, manager.token)).data?.['drainWorker']
    expect(drained?.worker).toMatchObject({ drainingAt: expect.any(String), drainedAt: null, running: 1 })
    expect(await remote.claim([type], { slots: 2 })).toMatchObject({ leases: [], draining: true })
    await remote.complete(leases[0]!)
    await until(async () => (await workers()).find((one) => one.id === workerId)?.drainedAt ?? undefined)
    const events = await server.database.query<{ type: string }>(
      'SELECT type FROM journal WHERE subject = $1 ORDER BY seq',
      [`worker:${workerId}`],
    )
    expect(events.map((one) => one.type)).toEqual(['worker.joined', 'worker.draining', 'worker.drained'])
  })

  it('leave at once when they drain themselves and run nothing', async () => {
    const type = await registerType(server, 'leave.type')
    const { workerId } = await remoteWorker(server).claim([type])
    await change('drainWorker', { id: workerId })
    expect((await workers()).some(({ id }) => id === workerId)).toBe(false)
  })

  it('are for administrators, and processes of the server for the first account’s', async () => {
    const { id } = await processOf()
    const stranger = await addToken(server, { scopes: ['tasks:admin'] })
    const member = await addToken(server, { accountId: await ownId(), scopes: ['tasks:write', 'tasks:work'] })
    for (const { token } of [stranger, member])
      expect((await change('drainWorker', { id }, token)).errors?.[0]?.extensions?.['code']).toBe('FORBIDDEN')
    for (const unknown of ['999999', '0', 'x'])
      expect((await change('drainWorker', { id: unknown })).data?.['drainWorker']).toMatchObject({
        __typename: 'WorkerNotFound',
      })
  })

  it('run nothing more when the process is drained', async () => {
    const { id } = await processOf()
    await change('drainWorker', { id })
    await until(async () => (await processOf()).drainedAt ?? undefined)
    const task = await submitTask(server, { type: 'probe', input: { durationMs: 1, steps: 1 } })
    // Of a lower priority, and claimed by a worker that is not drained: by then the first would have started.
    const type = await registerType(server, 'after.drain')
    await submitTask(server, { type, priority: 'BATCH' })
    await remoteWorker(server).claimOne(type)
    expect(await statusOf(task)).toBe('PENDING')
  })
})

describe('task statistics', () => {
  const query = `query ($from: DateTime!, $to: DateTime!, $bucketMs: Int!, $type: String) {
    taskStats(from: $from, to: $to, bucketMs: $bucketMs, type: $type) {
      waiting active oldestWaitMs completed failed cancelled wait { p50 p95 p99 } run { p50 } partial
      buckets { from completed failed wait { p50 } }
    }
  }`
  const hour = { from: new Date(Date.now() - 3_600_000), to: new Date(Date.now() + 3_600_000), bucketMs: 1_800_000 }

  it('count what waits and what ended, in all and over time', async () => {
    const type = await registerType(server, 'stats.type')
    const worker = remoteWorker(server)
    for (let count = 0; count < 4; count += 1) await submitTask(server, { type })
    const { leases } = await worker.claim([type], { max: 3 })
    await worker.complete(leases[0]!)
    await worker.fail(leases[1]!, { code: 'FAILED', retryable: false })
    const { taskStats } = await graphqlData<{ taskStats: { buckets: object[] } }>(server, query, { ...hour, type })
    expect(taskStats).toMatchObject({
      waiting: 1,
      active: 1,
      oldestWaitMs: expect.any(Number),
      completed: 1,
      failed: 1,
      cancelled: 0,
      wait: { p50: expect.any(Number), p95: expect.any(Number), p99: expect.any(Number) },
      run: { p50: expect.any(Number) },
      partial: false,
    })
    expect(taskStats.buckets).toHaveLength(4)
    const ended = taskStats.buckets.filter((bucket) => (bucket as { completed: number }).completed > 0)
    expect(ended).toEqual([expect.objectContaining({ completed: 1, failed: 1, wait: { p50: expect.any(Number) } })])
  })

  it.each([
    ['a time that ends before it begins', { to: new Date(Date.now() - 7_200_000) }, 'to: must be after from'],
    ['a time that is too long', { from: new Date(0) }, 'from: must be at most 31 days before to'],
    ['too many buckets', { bucketMs: 1_000 }, 'bucketMs: must divide the time into at most 1,000 parts'],
  ])('are refused for %s', async (_name, more, message) => {
    const { errors } = await graphql(server, query, { ...hour, ...more })
    expect(errors?.[0]?.message).toContain(message)
  })

  it('are in the metrics by type', async () => {
    const response = await fetch(`${server.url}/metrics`, { headers: { authorization: `Bearer ${server.token}` } })
    expect(await response.text()).toMatch(
      /signalbox_task_type_attempts_total\{type="list\.type\.\w+",outcome="completed"\} 1/,
    )
  })
})

async function ownId(): Promise<string> {
  const [account] = await server.database.query<{ id: string }>("SELECT id FROM account WHERE name = 'main'")
  return account?.id ?? ''
}
