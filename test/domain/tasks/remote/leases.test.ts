import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { submitTask } from '#test/support/follower.ts'
import { graphqlData } from '#test/support/graphql.ts'
import { type Lease, refOf, registerType, remoteWorker } from '#test/support/remote-worker.ts'
import type { TestServer } from '#test/support/server.ts'
import { sharedServer } from '#test/support/shared-server.ts'
import { addToken } from '#test/support/tokens.ts'
import { until } from '#test/support/until.ts'
import { connectSocket } from '#test/support/websocket.ts'

let server: TestServer
beforeAll(async () => {
  server = await sharedServer()
})
afterAll(() => server.close())

interface Task {
  readonly status: string
  readonly progress: number
  readonly currentStep: string | null
  readonly result: unknown
  readonly error: { code: string; message: string; retryable: boolean } | null
  readonly waiting: { reason: string; message: string } | null
  readonly attempts: { number: number; status: string; error: { code: string } | null }[]
  readonly logs: { nodes: { message: string; attempt: number }[] }
  readonly parts: { name: string; contentType: string; sizeBytes: number; complete: boolean; text: string }[]
}

async function find(id: string): Promise<Task> {
  const query = /* GraphQL */ `
    query ($id: ID!) {
      task(id: $id) {
        status progress currentStep result error { code message retryable } waiting { reason message }
        attempts { number status error { code } } logs(first: 200) { nodes { message attempt } }
        parts { name contentType sizeBytes complete text }
      }
    }`
  return (await graphqlData<{ task: Task }>(server, query, { id })).task
}

const reach = (id: string, status: string) =>
  until(async () => {
    const task = await find(id)
    return task.status === status && task
  })

async function typesOfEvents(id: string): Promise<string[]> {
  const rows = await server.database.query<{ type: string }>(
    "SELECT type FROM journal WHERE subject = $1 AND type NOT IN ('task.log', 'task.step') ORDER BY seq",
    [`task:${id}`],
  )
  return rows.map(({ type }) => type)
}

/** As if the lease had run out. */
async function expire({ task }: Lease): Promise<void> {
  await server.database.query('UPDATE task_lease SET until = now() WHERE task_id = $1', [task.id])
}

describe('a remote worker', () => {
  it('claims a task that waits, reports, and completes it', async () => {
    const type = await registerType(server, 'work.whole')
    const id = await submitTask(server, { type, input: { n: 7 }, labels: { team: 'blue' } })
    const worker = remoteWorker(server)
    const lease = await worker.claimOne(type)
    expect(lease).toMatchObject({ task: { id, type, input: { n: 7 }, labels: { team: 'blue' } }, attempt: 1, fence: 1 })
    const until = Date.parse(lease.leaseUntil) - Date.now()
    expect(until).toBeGreaterThan(15_000)
    expect(until).toBeLessThan(45_000)
    const [state] = (await worker.heartbeat([lease])).leases
    expect(state).toMatchObject({ lost: false, cancelRequested: false })
    expect(await worker.report(lease, { logs: ['one', 'two'], step: 'halfway', progress: 50 })).toMatchObject({
      __typename: 'ReportTaskPayload',
      droppedLines: 0,
    })
    await worker.report(lease, {
      logs: ['three'],
      parts: [
        { name: 'facts', json: { a: 1 } },
        { name: 'text', text: 'begun, ', complete: false },
      ],
    })
    await worker.report(lease, { parts: [{ name: 'text', text: 'done', append: true }] })
    expect(await find(id)).toMatchObject({ status: 'ACTIVE', progress: 50, currentStep: 'halfway' })
    expect(await worker.complete(lease, { sum: 14 })).toEqual({ __typename: 'CompleteTaskPayload', taskId: id })
    const task = await find(id)
    expect(task).toMatchObject({ status: 'COMPLETED', progress: 100, result: { sum: 14 }, error: null, waiting: null })
    expect(task.logs.nodes.map(({ message }) => message)).toEqual(['one', 'two', 'three'])
    expect(task.parts).toEqual([
      { name: 'facts', contentType: 'application/json', sizeBytes: 7, complete: true, text: '{"a":1}' },
      { name: 'text', contentType: 'text/plain; charset=utf-8', sizeBytes: 11, complete: true, text: 'begun, done' },
    ])
    expect(await typesOfEvents(id)).toEqual([
      'task.submitted',
      'task.started',
      'task.part',
      'task.part',
      'task.completed',
    ])
  })

  it('waits for a task, and is given the first that comes', async () => {
    const type = await registerType(server, 'work.later')
    const waiting = [remoteWorker(server), remoteWorker(server)].map((worker) =>
      worker.claim([type], { waitMs: 20_000 }),
    )
    const ids = [await submitTask(server, { type }), await submitTask(server, { type })]
    const claimed = await Promise.all(waiting)
    expect(claimed.flatMap(({ leases }) => leases.map(({ task }) => task.id)).toSorted()).toEqual(ids.toSorted())
  })

  it('is answered without a task when none comes in time', async () => {
    const type = await registerType(server, 'work.none')
    const { leases, slots, draining } = await remoteWorker(server).claim([type], { waitMs: 10, slots: 3 })
    expect({ leases, slots, draining }).toEqual({ leases: [], slots: 3, draining: false })
  })

  it('has no more leases than slots', async () => {
    const type = await registerType(server, 'work.slots')
    for (let count = 0; count < 3; count += 1) await submitTask(server, { type })
    const worker = remoteWorker(server)
    const { leases } = await worker.claim([type], { max: 100, slots: 2 })
    expect(leases).toHaveLength(2)
    expect((await worker.claim([type], { max: 100, slots: 2 })).leases).toEqual([])
    await worker.complete(leases[0]!)
    expect((await worker.claim([type], { max: 100, slots: 2 })).leases).toHaveLength(1)
  })

  it('fails a task, which another attempt follows after the time that it names', async () => {
    const type = await registerType(server, 'work.fail', { retry: { maxAttempts: 3, delayMs: 3_600_000 } })
    const id = await submitTask(server, { type })
    const worker = remoteWorker(server)
    const first = await worker.claimOne(type)
    await worker.fail(first, { code: 'BUSY', message: 'Later.', retryAfterMs: 20 })
    const second = await worker.claimOne(type)
    expect(second).toMatchObject({ task: { id }, attempt: 2, fence: 2 })
    await worker.fail(second, { code: 'BROKEN', message: 'Never.', retryable: false })
    expect(await find(id)).toMatchObject({
      status: 'FAILED',
      error: { code: 'BROKEN', message: 'Never.', retryable: false },
      attempts: [
        { number: 1, status: 'FAILED', error: { code: 'BUSY' } },
        { number: 2, status: 'FAILED', error: { code: 'BROKEN' } },
      ],
    })
    // A worker that did not receive the answer asks again.
    expect(await worker.fail(second, { code: 'BROKEN' })).toMatchObject({ __typename: 'FailTaskPayload' })
  })

  it('gives a task back, which does not count', async () => {
    const type = await registerType(server, 'work.release')
    const id = await submitTask(server, { type })
    const worker = remoteWorker(server)
    const lease = await worker.claimOne(type)
    await worker.ask('releaseTask', { ...refOf(lease), checkpoint: { page: 3 } })
    const again = await worker.claimOne(type)
    expect(again).toMatchObject({ attempt: 1, fence: 2, checkpoint: { page: 3 } })
    await worker.complete(again)
    expect(await find(id)).toMatchObject({ status: 'COMPLETED', attempts: [{ number: 1, status: 'COMPLETED' }] })
  })

  it('hears at once that a task is to stop, and ends it', async () => {
    const type = await registerType(server, 'work.cancel')
    const id = await submitTask(server, { type })
    const worker = remoteWorker(server)
    const lease = await worker.claimOne(type)
    const heartbeat = worker.heartbeat([lease], { waitMs: 60_000 })
    await graphqlData(
      server,
      'mutation ($id: ID!) { cancelTask(input: { id: $id, reason: "enough" }) { __typename } }',
      {
        id,
      },
    )
    expect((await heartbeat).leases).toMatchObject([{ cancelRequested: true, lost: false }])
    await worker.release(lease)
    expect(await find(id)).toMatchObject({ status: 'CANCELLED' })
  })

  it('receives offers over a subscription while it has slots', async () => {
    const type = await registerType(server, 'work.offers')
    const socket = await connectSocket(server)
    const worker = remoteWorker(server)
    socket.subscribe(
      'offers',
      `subscription ($worker: String!, $types: [String!]!) {
        taskOffers(worker: $worker, types: $types, slots: 1) { task { id type input labels } attempt fence leaseUntil }
      }`,
      { worker: worker.worker, types: [type] },
    )
    const results = socket.results('offers')
    const ids = [await submitTask(server, { type }), await submitTask(server, { type })]
    const seen: string[] = []
    for (let count = 0; count < 2; count += 1) {
      const { value } = await results.next()
      const lease = (value as { taskOffers: Lease }).taskOffers
      seen.push(lease.task.id)
      const active = await Promise.all(ids.map(find))
      expect(active.filter(({ status }) => status === 'ACTIVE')).toHaveLength(1)
      await worker.complete(lease)
    }
    expect(seen).toEqual(ids)
    socket.send({ id: 'offers', type: 'complete' })
    await socket.close()
  })
})

describe('a lease that ran out', () => {
  it('leads to another attempt when the type says that running again is safe', async () => {
    const type = await registerType(server, 'lost.safe', { onWorkerLost: 'RETRY' })
    const id = await submitTask(server, { type })
    const [gone, other] = [remoteWorker(server), remoteWorker(server)]
    const lease = await gone.claimOne(type)
    await expire(lease)
    const again = await other.claimOne(type)
    expect(again).toMatchObject({ task: { id }, attempt: 2, fence: 2 })
    expect(await typesOfEvents(id)).toEqual([
      'task.submitted',
      'task.started',
      'task.lost',
      'task.retried',
      'task.started',
    ])
    // The first comes back, and changes nothing.
    expect((await gone.heartbeat([lease])).leases).toMatchObject([{ lost: true, leaseUntil: null }])
    for (const answer of [
      await gone.complete(lease, 'late'),
      await gone.fail(lease, { code: 'LATE' }),
      await gone.release(lease),
      await gone.report(lease, { logs: ['late'], progress: 10 }),
      await gone.report(lease, { parts: [{ name: 'late', text: 'late' }] }),
    ])
      expect(answer).toMatchObject({ __typename: 'LeaseLost', code: 'LEASE_LOST' })
    await other.complete(again, 'in time')
    expect(await find(id)).toMatchObject({
      status: 'COMPLETED',
      result: 'in time',
      attempts: [
        { number: 1, status: 'LOST', error: { code: 'WORKER_LOST' } },
        { number: 2, status: 'COMPLETED' },
      ],
      logs: { nodes: [] },
      parts: [],
    })
  })

  it('fails the task when the type says nothing', async () => {
    const type = await registerType(server, 'lost.unsafe')
    const id = await submitTask(server, { type })
    await expire(await remoteWorker(server).claimOne(type))
    const task = await reach(id, 'FAILED')
    expect(task.error).toEqual({
      code: 'WORKER_LOST',
      message: 'Its remote worker sent no heartbeat for 30,000 ms.',
      retryable: true,
    })
  })

  it('is not renewed beyond the time limit of the task', async () => {
    const type = await registerType(server, 'lost.slow', { timeoutMs: 60_000 })
    const id = await submitTask(server, { type })
    const worker = remoteWorker(server)
    const lease = await worker.claimOne(type)
    await server.database.query("UPDATE task SET started_at = started_at - interval '50 s' WHERE id = $1", [id])
    const [renewed] = (await worker.heartbeat([lease])).leases
    expect(Date.parse(renewed?.leaseUntil ?? '') - Date.now()).toBeLessThan(15_000)
    await server.database.query("UPDATE task SET started_at = started_at - interval '10 s' WHERE id = $1", [id])
    await worker.heartbeat([lease])
    expect((await reach(id, 'FAILED')).error).toMatchObject({ code: 'TIMEOUT' })
  })

  it('cancels a task that was to stop', async () => {
    const type = await registerType(server, 'lost.cancelled')
    const id = await submitTask(server, { type })
    const lease = await remoteWorker(server).claimOne(type)
    await graphqlData(server, 'mutation ($id: ID!) { cancelTask(input: { id: $id }) { __typename } }', { id })
    await expire(lease)
    await reach(id, 'CANCELLED')
  })
})

describe('a request that a worker may not make', () => {
  it('completes nothing twice', async () => {
    const type = await registerType(server, 'bad.twice')
    const id = await submitTask(server, { type })
    const worker = remoteWorker(server)
    const lease = await worker.claimOne(type)
    await worker.complete(lease, 'first')
    expect(await worker.complete(lease, 'second')).toMatchObject({ __typename: 'CompleteTaskPayload', taskId: id })
    expect(await worker.fail(lease, { code: 'OTHER' })).toMatchObject({ __typename: 'LeaseLost' })
    expect((await find(id)).result).toBe('first')
    expect((await typesOfEvents(id)).filter((one) => one === 'task.completed')).toHaveLength(1)
  })

  it('reports no 140 %', async () => {
    const type = await registerType(server, 'bad.progress')
    const id = await submitTask(server, { type })
    const worker = remoteWorker(server)
    const lease = await worker.claimOne(type)
    const refusal = { __typename: 'InvalidInput', message: expect.stringContaining('progress: must be at most 100') }
    expect(await worker.report(lease, { progress: 140 })).toMatchObject(refusal)
    const leases = [{ ...refOf(lease), progress: 140 }]
    expect(await worker.ask('heartbeatTasks', { worker: worker.worker, leases })).toMatchObject({
      message: expect.stringContaining('leases.0.progress: must be at most 100'),
    })
    expect(await find(id)).toMatchObject({ status: 'ACTIVE', progress: 0 })
  })

  it.each([
    ['a result that is too large', 'x'.repeat(256 * 1024), 'takes 262146 bytes as JSON, and may take 262144'],
    ['a result that can’t be kept', { text: 'a\0b' }, 'holds a NUL character'],
    ['a result that does not match the schema', { count: 'many' }, 'result.count: must be integer'],
  ])('completes nothing with %s', async (_name, result, message) => {
    const resultSchema = { properties: { count: { type: 'integer' } } }
    const type = await registerType(server, 'bad.result', { resultSchema })
    const id = await submitTask(server, { type })
    const worker = remoteWorker(server)
    const lease = await worker.claimOne(type)
    expect(await worker.complete(lease, result)).toMatchObject({
      __typename: 'InvalidInput',
      message: expect.stringContaining(message),
    })
    expect(await find(id)).toMatchObject({ status: 'ACTIVE' })
    await worker.complete(lease, { count: 1 })
    expect(await find(id)).toMatchObject({ status: 'COMPLETED' })
  })

  it('ends no attempt of another worker, nor of another account', async () => {
    const type = await registerType(server, 'bad.other')
    const id = await submitTask(server, { type })
    const lease = await remoteWorker(server).claimOne(type)
    const neighbour = await addToken(server, { accountId: server.accountId!, scopes: [`tasks:work:type=${type}`] })
    const stranger = await addToken(server, { scopes: ['tasks:work'] })
    const narrow = await addToken(server, { accountId: server.accountId!, scopes: ['tasks:work:type=other'] })
    expect(await remoteWorker(server, neighbour).complete(lease)).toMatchObject({ __typename: 'LeaseLost' })
    for (const { token } of [stranger, narrow])
      expect(await remoteWorker(server, { token }).complete(lease)).toMatchObject({ __typename: 'TaskNotFound' })
    expect(await remoteWorker(server, neighbour).report(lease, { logs: ['foreign'] })).toMatchObject({
      __typename: 'LeaseLost',
    })
    expect(await find(id)).toMatchObject({ status: 'ACTIVE', logs: { nodes: [] } })
  })

  it('keeps no more log lines than an attempt can have, and says how many it drops', async () => {
    const type = await registerType(server, 'bad.flood')
    const id = await submitTask(server, { type })
    const worker = remoteWorker(server)
    const lease = await worker.claimOne(type)
    const logs = Array.from({ length: 1_000 }, (_, index) => `line ${index}`)
    const reports = await Promise.all(Array.from({ length: 11 }, () => worker.report(lease, { logs })))
    expect(reports.map(({ droppedLines }) => droppedLines).toSorted((a, b) => a - b)).toEqual([
      ...Array.from({ length: 10 }, () => 0),
      1_000,
    ])
    const [row] = await server.database.query<{ count: number; last: string }>(
      'SELECT count(*)::int AS count, (array_agg(message ORDER BY seq DESC))[1] AS last FROM task_log WHERE task_id = $1',
      [id],
    )
    expect(row).toEqual({ count: 10_001, last: '[signalbox] Further log lines were dropped.' })
  })
})
