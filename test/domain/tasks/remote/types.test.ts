import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { submitTask } from '#test/support/follower.ts'
import { graphql, graphqlData } from '#test/support/graphql.ts'
import { type Failure, newType, registerType, remoteWorker } from '#test/support/remote-worker.ts'
import type { TestServer } from '#test/support/server.ts'
import { sharedServer } from '#test/support/shared-server.ts'
import { addToken } from '#test/support/tokens.ts'
import { until } from '#test/support/until.ts'

let server: TestServer
beforeAll(async () => {
  server = await sharedServer()
})
afterAll(() => server.close())

const registration = `mutation ($types: [TaskTypeInput!]!) {
  registerTaskTypes(input: { types: $types }) { __typename ... on Failure { message } ... on RegisterTaskTypesPayload { types { name changed } } }
}`
const register = async (types: readonly object[], token?: string) =>
  (await graphql<{ registerTaskTypes: Failure & { types: object[] } }>(server, registration, { types }, token)).data
    ?.registerTaskTypes

const submission = `mutation ($input: SubmitTaskInput!) {
  submitTask(input: $input) { __typename ... on Failure { message } ... on SubmitTaskPayload { task { id } } }
}`
const submit = async (input: object) =>
  (await graphqlData<{ submitTask: Failure & { task: { id: string } } }>(server, submission, { input })).submitTask

const waiting = async (id: string) =>
  (
    await graphqlData<{ task: { status: string; waiting: { reason: string; message: string } | null } }>(
      server,
      'query ($id: ID!) { task(id: $id) { status waiting { reason message } } }',
      { id },
    )
  ).task

describe('a registered task type', () => {
  it('is listed beside those of the server, and can be changed and removed', async () => {
    const name = newType('type.listed')
    const schema = { type: 'object', required: ['n'], properties: { n: { type: 'integer' } } }
    const type = { name, description: 'Counts.', inputSchema: schema, priority: 'BATCH' }
    const shown = { name, description: 'Counts.', priority: 'BATCH', isRemote: true, input: schema, resultSchema: null }
    expect(await register([type])).toMatchObject({ types: [{ name, changed: true }] })
    // As a worker does at each of its starts.
    expect(await register([type])).toMatchObject({ types: [{ name, changed: false }] })
    await register([{ ...type, description: 'Counts again.' }])
    const { taskTypes } = await graphqlData<{ taskTypes: { name: string }[] }>(
      server,
      '{ taskTypes { name description priority isRemote input resultSchema } }',
    )
    expect(taskTypes).toContainEqual({ ...shown, description: 'Counts again.' })
    expect(taskTypes.map((one) => one.name)).toEqual(
      taskTypes.map((one) => one.name).toSorted((a, b) => a.localeCompare(b)),
    )
    expect(taskTypes).toContainEqual(expect.objectContaining({ isRemote: false }))
    const remove =
      'mutation ($names: [String!]!) { removeTaskTypes(input: { names: $names }) { ... on RemoveTaskTypesPayload { removed } } }'
    expect(await graphqlData(server, remove, { names: [name, 'no.such.type'] })).toEqual({
      removeTaskTypes: { removed: [name] },
    })
    const events = await server.database.query('SELECT type FROM journal WHERE subject = $1 ORDER BY seq', [
      `task-type:${name}`,
    ])
    expect(events.map(({ type }) => type)).toEqual([
      'task.type_registered',
      'task.type_registered',
      'task.type_removed',
    ])
    expect(await submit({ type: name, input: { n: 1 } })).toMatchObject({ __typename: 'UnknownTaskType' })
  })

  it('checks the input of its tasks', async () => {
    const inputSchema = { type: 'object', required: ['n'], properties: { n: { type: 'integer' } } }
    const type = await registerType(server, 'type.checked', { inputSchema })
    expect(await submit({ type, input: { n: 'x' } })).toEqual({
      __typename: 'InvalidInput',
      message: `The input of "${type}" is not valid. input.n: must be integer.`,
    })
    expect(await submit({ type, input: {} })).toMatchObject({
      message: `The input of "${type}" is not valid. input: must have required property 'n'.`,
    })
    expect(await submit({ type, input: { n: 1 } })).toMatchObject({ __typename: 'SubmitTaskPayload' })
  })

  it('says of a waiting task whether a worker for it is there', async () => {
    const type = await registerType(server, 'type.served')
    const id = await submitTask(server, { type })
    expect(await waiting(id)).toEqual({
      status: 'PENDING',
      waiting: { reason: 'NO_WORKER', message: `No worker that claims tasks of the type "${type}" is connected.` },
    })
    const worker = remoteWorker(server)
    const other = await submitTask(server, { type })
    const lease = await worker.claimOne(type)
    await until(async () => (await waiting(other)).waiting?.reason === 'SLOT')
    await worker.complete(lease)
  })

  it('lets its tasks wait when it is removed, and go on when it is there again', async () => {
    const type = await registerType(server, 'type.gone')
    const id = await submitTask(server, { type })
    const remove = 'mutation ($names: [String!]!) { removeTaskTypes(input: { names: $names }) { __typename } }'
    await graphqlData(server, remove, { names: [type] })
    expect(await waiting(id)).toMatchObject({ status: 'PENDING', waiting: { reason: 'NO_WORKER' } })
    const worker = remoteWorker(server)
    await until(
      async () => (await worker.ask('claimTasks', { worker: 'w', types: [type] })).__typename === 'UnknownTaskType',
    )
    await register([{ name: type, inputSchema: true }])
    const lease = await worker.claimOne(type)
    expect(lease.task.id).toBe(id)
    await worker.complete(lease)
  })

  it.each([
    [
      'a name of the server',
      { name: 'http.request', inputSchema: true },
      'types.0.name: "http.request" is a task type of the server',
    ],
    ['a name of another form', { name: 'No', inputSchema: true }, 'types.0.name: must match'],
    ['no schema', { name: 'a.b', inputSchema: 'text' }, 'types.0.inputSchema: must be a JSON Schema'],
    ['a schema that is wrong', { name: 'a.b', inputSchema: { type: 'nothing' } }, 'types.0.inputSchema: can’t be used'],
    [
      'a result schema that is wrong',
      { name: 'a.b', inputSchema: true, resultSchema: { type: 1 } },
      'types.0.resultSchema: can’t be used',
    ],
    [
      'a schema that is too large',
      { name: 'a.b', inputSchema: { enum: ['x'.repeat(70_000)] } },
      'types.0.inputSchema: takes',
    ],
    ['a limit of nothing', { name: 'a.b', inputSchema: true, concurrency: 0 }, 'types.0.concurrency'],
  ])('is refused with %s', async (_name, type, message) => {
    expect(await register([type])).toMatchObject({
      __typename: 'InvalidInput',
      message: expect.stringContaining(message),
    })
  })

  it('is for those who may work on it', async () => {
    const name = newType('type.scoped')
    const { token } = await addToken(server, { accountId: server.accountId!, scopes: ['tasks:work:type=type.other'] })
    const refused = await graphql(server, registration, { types: [{ name, inputSchema: true }] }, token)
    expect(refused.errors?.[0]?.extensions?.['code']).toBe('FORBIDDEN')
    await register([{ name, inputSchema: true }])
    const claim = 'mutation ($input: ClaimTasksInput!) { claimTasks(input: $input) { __typename } }'
    const input = { worker: 'w', types: [name] }
    expect((await graphql(server, claim, { input }, token)).errors?.[0]?.extensions?.['code']).toBe('FORBIDDEN')
    const stranger = await addToken(server, { scopes: ['tasks:work'] })
    expect((await graphql<{ claimTasks: Failure }>(server, claim, { input }, stranger.token)).data?.claimTasks).toEqual(
      {
        __typename: 'UnknownTaskType',
      },
    )
  })
})

describe('limits of tasks for remote workers', () => {
  it('hold back tasks with the same concurrency key', async () => {
    const type = await registerType(server, 'limit.key', { concurrency: 1 })
    const ids: string[] = []
    for (const concurrencyKey of ['a', 'a', 'b']) ids.push(await submitTask(server, { type, concurrencyKey }))
    const worker = remoteWorker(server)
    const { leases } = await worker.claim([type], { max: 10 })
    expect(leases.map(({ task }) => task.id).toSorted()).toEqual([ids[0], ids[2]].toSorted())
    expect(await waiting(ids[1]!)).toMatchObject({ waiting: { reason: 'CONCURRENCY' } })
    await worker.complete(leases.find(({ task }) => task.id === ids[0])!)
    expect((await worker.claimOne(type, { slots: 10 })).task.id).toBe(ids[1])
  })

  it('hold back tasks of a type with a rate limit, each until its time', async () => {
    const type = await registerType(server, 'limit.rate', { rateLimit: { limit: 1, perMs: 700 } })
    const ids: string[] = []
    for (let count = 0; count < 3; count += 1) ids.push(await submitTask(server, { type }))
    const worker = remoteWorker(server)
    const { leases } = await worker.claim([type], { max: 10 })
    expect(leases.map(({ task }) => task.id)).toEqual([ids[0]])
    expect(await waiting(ids[1]!)).toMatchObject({ waiting: { reason: 'RATE' } })
    for (const id of ids.slice(1)) expect((await worker.claimOne(type, { slots: 10 })).task.id).toBe(id)
    const rows = await server.database.query<{ at: Date }>(
      'SELECT started_at AS at FROM task WHERE id = ANY($1) ORDER BY id',
      [ids],
    )
    const starts = rows.map(({ at }) => at.getTime())
    for (const index of [1, 2]) expect(starts[index]! - starts[index - 1]!).toBeGreaterThanOrEqual(650)
  })

  it('hold back tasks that are paused', async () => {
    const type = await registerType(server, 'limit.pause')
    const id = await submitTask(server, { type })
    await graphqlData(server, `mutation { pauseTasks(input: { type: "${type}" }) { __typename } }`)
    const worker = remoteWorker(server)
    expect((await worker.claim([type])).leases).toEqual([])
    expect(await waiting(id)).toMatchObject({ waiting: { reason: 'PAUSED' } })
    const claim = worker.claimOne(type)
    await graphqlData(server, `mutation { resumeTasks(input: { type: "${type}" }) { __typename } }`)
    expect((await claim).task.id).toBe(id)
  })

  it('start no task before its time', async () => {
    const type = await registerType(server, 'limit.later')
    const runAt = new Date(Date.now() + 400)
    const id = await submitTask(server, { type, runAt: runAt.toISOString() })
    const worker = remoteWorker(server)
    expect((await worker.claim([type])).leases).toEqual([])
    expect((await worker.claimOne(type)).task.id).toBe(id)
    const [row] = await server.database.query<{ at: Date }>('SELECT started_at AS at FROM task WHERE id = $1', [id])
    expect(row!.at.getTime()).toBeGreaterThanOrEqual(runAt.getTime())
  })
})

describe('the order of tasks for remote workers', () => {
  it('is by priority, with a share for BATCH', async () => {
    const type = await registerType(server, 'order.priority')
    const names = new Map<string, string>()
    for (const priority of ['BATCH', 'NORMAL', 'CRITICAL', 'BATCH', 'NORMAL', 'CRITICAL'])
      names.set(await submitTask(server, { type, priority }), priority)
    const { leases } = await remoteWorker(server).claim([type], { max: 4, slots: 4 })
    const priorities = leases.map(({ task }) => names.get(task.id))
    expect(priorities.toSorted()).toEqual(['BATCH', 'CRITICAL', 'CRITICAL', 'NORMAL'])
  })

  it('is fair between fairness keys, by weight, and by rank inside of one', async () => {
    const type = await registerType(server, 'order.fair')
    const names = new Map<string, string>()
    const add = async (name: string, input: object) => names.set(await submitTask(server, { type, ...input }), name)
    for (let count = 1; count <= 6; count += 1) await add(`a${count}`, { fairnessKey: 'a', fairnessWeight: 2 })
    for (let count = 1; count <= 3; count += 1) await add(`b${count}`, { fairnessKey: 'b', rank: count })
    const { leases } = await remoteWorker(server).claim([type], { max: 9, slots: 9 })
    const order = await server.database.query<{ id: string }>('SELECT id FROM task WHERE id = ANY($1) ORDER BY id', [
      [...names.keys()],
    ])
    expect(order).toHaveLength(9)
    const claimed = leases.map(({ task }) => names.get(task.id)!)
    expect(claimed.filter((name) => name.startsWith('b'))).toEqual(['b3', 'b2', 'b1'])
    // In each third of the turns, two of the heavier lane and one of the other.
    for (const start of [0, 3, 6])
      expect(claimed.slice(start, start + 3).filter((name) => name.startsWith('a'))).toHaveLength(2)
  })
})
