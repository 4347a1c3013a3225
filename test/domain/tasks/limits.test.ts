import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { submitTask } from '#test/support/follower.ts'
import { graphqlData } from '#test/support/graphql.ts'
import { createTestDatabase, startTestServer, type TestDatabase, type TestServer } from '#test/support/server.ts'
import { until } from '#test/support/until.ts'

const configFile = fileURLToPath(new URL('../../fixtures/limits/signalbox.config.ts', import.meta.url))
const options = { configFile, env: { WORKER_SLOTS: '8', CRITICAL_SLOTS: '0', LOG_LEVEL: 'silent' } }

let directory: string
let database: TestDatabase
/** Two servers on one database: limits hold over both. */
let servers: TestServer[]
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'signalbox-limits-'))
  database = await createTestDatabase()
  servers = [await startTestServer({ ...options, database }), await startTestServer({ ...options, database })]
})
afterAll(async () => {
  for (const server of servers) await server.close()
  await database.drop()
  rmSync(directory, { recursive: true })
})

interface Task {
  readonly id: string
  readonly status: string
  readonly startedAt: string | null
  readonly waiting: { reason: string; since: string; ahead: number | null; message: string } | null
}

const query = /* GraphQL */ `
  query ($ids: [ID!]!) {
    nodes(ids: $ids) { ... on Task { id status startedAt waiting { reason since ahead message } } }
  }`

async function find(ids: readonly string[]): Promise<Task[]> {
  return (await graphqlData<{ nodes: Task[] }>(servers[0]!, query, { ids })).nodes
}

async function reach(ids: readonly string[], isReached: (tasks: readonly Task[]) => boolean): Promise<Task[]> {
  return until(async () => {
    const tasks = await find(ids)
    return isReached(tasks) && tasks
  })
}

const countOf = (tasks: readonly Task[], status: string) => tasks.filter((task) => task.status === status).length
const heldFor = (tasks: readonly Task[], reason: string) => tasks.filter(({ waiting }) => waiting?.reason === reason)

/** Submits tasks that wait at a gate, by turns to both servers. */
async function submitGated(count: number, input: { type: string; concurrencyKey?: string; priority?: string }) {
  const gate = join(directory, randomUUID())
  const ids: string[] = []
  for (let index = 0; index < count; index += 1)
    ids.push(await submitTask(servers[index % 2]!, { ...input, input: { gate } }))
  return { ids, open: () => writeFileSync(gate, '') }
}

const completed = (ids: readonly string[]) => reach(ids, (tasks) => countOf(tasks, 'COMPLETED') === ids.length)

describe('tasks with the same concurrency key', () => {
  it('run as many at once as their type allows, and keep no others from running', async () => {
    const limited = await submitGated(6, { type: 'limits.pair', concurrencyKey: 'org one' })
    const others = await submitGated(2, { type: 'limits.pair', concurrencyKey: 'org two' })
    const tasks = await reach(
      limited.ids,
      (tasks) => countOf(tasks, 'ACTIVE') === 2 && heldFor(tasks, 'CONCURRENCY').length === 4,
    )
    await reach(others.ids, (tasks) => countOf(tasks, 'ACTIVE') === 2)
    const waiting = heldFor(tasks, 'CONCURRENCY').toSorted((a, b) => (a.id < b.id ? -1 : 1))
    expect(waiting.map((task) => task.waiting?.ahead)).toEqual([0, 1, 2, 3])
    expect(waiting[0]?.waiting?.message).toBe(
      'As many tasks with the concurrency key "org one" are running as may run at once.',
    )
    limited.open()
    others.open()
    await completed([...limited.ids, ...others.ids])
    const most = await database.query(
      `SELECT max(running)::int AS most FROM (
         SELECT (SELECT count(*) FROM task AS other WHERE other.concurrency_key = task.concurrency_key
                   AND other.started_at <= task.started_at AND other.finished_at > task.started_at) AS running
         FROM task WHERE concurrency_key = 'org one'
       ) AS at_start`,
    )
    expect(most).toEqual([{ most: 2 }])
  })

  it('run one at a time when their type says nothing', async () => {
    const { ids, open } = await submitGated(3, { type: 'limits.free', concurrencyKey: 'alone' })
    await reach(ids, (tasks) => countOf(tasks, 'ACTIVE') === 1 && heldFor(tasks, 'CONCURRENCY').length === 2)
    open()
    await completed(ids)
  })

  it('share a limit by the name of their type without a key of their own', async () => {
    const { ids, open } = await submitGated(3, { type: 'limits.pair' })
    await reach(ids, (tasks) => countOf(tasks, 'ACTIVE') === 2 && heldFor(tasks, 'CONCURRENCY').length === 1)
    open()
    await completed(ids)
  })

  it('let the next one start when one that runs, or one that is held, is cancelled', async () => {
    const { ids, open } = await submitGated(3, { type: 'limits.free', concurrencyKey: 'cancelled' })
    const [first, second, third] = ids as [string, string, string]
    await reach(ids, (tasks) => countOf(tasks, 'ACTIVE') === 1 && heldFor(tasks, 'CONCURRENCY').length === 2)
    const cancel = 'mutation ($id: ID!) { cancelTask(input: { id: $id }) { __typename } }'
    const running = (await find(ids)).find(({ status }) => status === 'ACTIVE')?.id ?? ''
    const held = [first, second, third].filter((id) => id !== running) as [string, string]
    for (const id of [held[0], running]) await graphqlData(servers[1]!, cancel, { id })
    await reach([held[1]], (tasks) => countOf(tasks, 'ACTIVE') === 1)
    open()
    await completed([held[1]])
  })

  it('are announced when they are held', async () => {
    const { ids, open } = await submitGated(2, { type: 'limits.free', concurrencyKey: 'announced' })
    await reach(ids, (tasks) => heldFor(tasks, 'CONCURRENCY').length === 1)
    const events = await database.query<{ data: object }>(
      `SELECT data FROM journal WHERE type = 'task.held' AND subject = ANY($1)`,
      [ids.map((id) => `task:${id}`)],
    )
    expect(events.map(({ data }) => data)).toEqual([
      expect.objectContaining({ status: 'PENDING', waiting: 'CONCURRENCY' }),
    ])
    open()
    await completed(ids)
  })
})

describe('tasks of a type with a rate limit', () => {
  it('start as fast as it allows, and say that they wait for it', async () => {
    const { ids, open } = await submitGated(5, { type: 'limits.paced' })
    open()
    await reach(ids, (tasks) => heldFor(tasks, 'RATE').length > 0)
    const tasks = await completed(ids)
    const starts = tasks.map(({ startedAt }) => Date.parse(startedAt ?? '')).toSorted((a, b) => a - b)
    // Two at once, then one each 750 ms.
    for (const [index, start] of starts.entries())
      expect(start - starts[0]!).toBeGreaterThanOrEqual(Math.max(0, index - 1) * 750 - 20)
  })
})

describe('tasks that are paused', () => {
  const pauseQuery = `mutation ($input: PauseTasksInput!) {
    pauseTasks(input: $input) { ... on PauseTasksPayload { pause { kind value reason pausedBy { name } } } ... on Failure { code message } } }`
  const pause = (input: object) => graphqlData<{ pauseTasks: object }>(servers[0]!, pauseQuery, { input })
  const resume = (input: object) =>
    graphqlData<{ resumeTasks: object }>(
      servers[1]!,
      'mutation ($input: ResumeTasksInput!) { resumeTasks(input: $input) { ... on ResumeTasksPayload { wasPaused } } }',
      { input },
    )

  it.each([
    ['PRIORITY', { priority: 'BATCH' }, 'BATCH'],
    ['TYPE', { type: 'limits.pair' }, 'limits.pair'],
    ['CONCURRENCY_KEY', { concurrencyKey: 'org paused' }, 'org paused'],
  ])('by their %s don’t start until they are resumed; others do', async (kind, ref, value) => {
    const by = { type: 'limits.free', ...ref }
    const before = await submitGated(1, by)
    await reach(before.ids, (tasks) => countOf(tasks, 'ACTIVE') === 1)
    expect(await pause({ ...ref, reason: 'a freeze' })).toMatchObject({
      pauseTasks: { pause: { kind, value, reason: 'a freeze' } },
    })
    const paused = await submitGated(3, by)
    const others = await submitGated(1, { type: 'limits.free' })
    await reach(paused.ids, (tasks) => heldFor(tasks, 'PAUSED').length === 3)
    for (const { open } of [before, paused, others]) open()
    await completed([...before.ids, ...others.ids])
    const { taskPauses } = await graphqlData<{ taskPauses: object[] }>(servers[1]!, '{ taskPauses { kind value } }')
    expect(taskPauses).toEqual([{ kind, value }])
    expect(await resume(ref)).toEqual({ resumeTasks: { wasPaused: true } })
    await completed(paused.ids)
    expect(await resume(ref)).toEqual({ resumeTasks: { wasPaused: false } })
  })

  it.each([
    [{}, 'Exactly one of priority, type and concurrencyKey must be given.'],
    [{ type: 'a', priority: 'BATCH' }, 'Exactly one of priority, type and concurrencyKey must be given.'],
    [{ type: 'a', reason: 'x'.repeat(501) }, 'reason: Too big'],
  ])('are not when the request is wrong: %#', async (input, message) => {
    expect(await pause(input)).toMatchObject({
      pauseTasks: { code: 'INVALID_INPUT', message: expect.stringContaining(message) },
    })
  })
})

describe('a task that waits', () => {
  it('says until when, and why', async () => {
    const runAt = new Date(Date.now() + 3_600_000).toISOString()
    const id = await submitTask(servers[0]!, { type: 'limits.free', input: {}, runAt })
    const [task] = await find([id])
    expect(task?.waiting).toMatchObject({ reason: 'SCHEDULE', ahead: null, message: `It is due at ${runAt}.` })
  })

  it('says how many are before it when all slots are taken', async () => {
    const running = await submitGated(16, { type: 'limits.free' })
    await reach(running.ids, (tasks) => countOf(tasks, 'ACTIVE') === 16)
    const { ids } = await submitGated(3, { type: 'limits.free' })
    const tasks = await find(ids)
    expect(tasks.map(({ waiting }) => [waiting?.reason, waiting?.ahead])).toEqual([
      ['SLOT', 0],
      ['SLOT', 1],
      ['SLOT', 2],
    ])
    running.open()
    await reach(running.ids, (tasks) => countOf(tasks, 'COMPLETED') === 16)
    expect((await find(running.ids))[0]?.waiting).toBeNull()
  })
})
