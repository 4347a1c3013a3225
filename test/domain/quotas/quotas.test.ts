import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { dropPartitions } from '#platform/journal/partitions.ts'
import { graphql, graphqlData } from '#test/support/graphql.ts'
import { openJournal } from '#test/support/journal.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'
import { addToken, ownAccount } from '#test/support/tokens.ts'
import { until } from '#test/support/until.ts'
import { createWebhook } from '#test/support/webhooks.ts'

const submit = `mutation ($input: SubmitTaskInput!) { submitTask(input: $input) {
  ... on SubmitTaskPayload { task { id } deduplicated } ... on Failure { code message } ... on QuotaExceeded { quota limit used } } }`
const submitMany = `mutation ($tasks: [SubmitTaskInput!]!) { submitTasks(input: { tasks: $tasks }) {
  ... on SubmitTasksPayload { deduplicated } ... on QuotaExceeded { quota limit used } } }`
const later = { type: 'probe', runAt: '2999-01-01T00:00:00Z' }

let server: TestServer

const start = async (env: Record<string, string>) => {
  server = await startTestServer({
    configFile: join(import.meta.dirname, '../../fixtures/tasks/signalbox.config.ts'),
    env,
  })
}
afterEach(() => server.close())

interface Told {
  readonly task?: { id: string }
  readonly code?: string
  readonly quota?: string
  readonly limit?: number
  readonly used?: number
}

const submitOne = async (input: object, token = server.token): Promise<Told> => {
  const { data } = await graphql<{ submitTask: Told }>(server, submit, { input }, token)
  return data?.submitTask ?? {}
}

const usageOf = async (name: string) => {
  const { quotas } = await graphqlData<{ quotas: { name: string; used: number }[] }>(
    server,
    '{ quotas { name used limit } }',
  )
  return quotas.find((one) => one.name === name)?.used
}

describe('tasks that wait', () => {
  beforeEach(() => start({ ROLES: 'api', QUOTA_WAITING_TASKS: '5' }))

  it('are refused beyond the quota, with which, how much it is and how much is used', async () => {
    for (let count = 0; count < 5; count += 1) expect((await submitOne(later)).task).toBeDefined()
    const refused = { code: 'QUOTA_EXCEEDED', quota: 'WAITING_TASKS', limit: 5, used: 5 }
    expect(await submitOne(later)).toMatchObject(refused)
    expect(await usageOf('WAITING_TASKS')).toBe(5)
    const response = await fetch(`${server.url}/api/tasks`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${server.token}` },
      body: JSON.stringify({ type: 'probe', data: {}, scheduleType: 'scheduled', scheduledFor: later.runAt }),
    })
    expect([response.status, await response.json()]).toMatchObject([429, { code: 'QUOTA_EXCEEDED' }])
  })

  it('are counted exactly, however many are submitted at once', async () => {
    const told = await Promise.all(Array.from({ length: 40 }, () => submitOne(later)))
    expect(told.filter(({ task }) => task !== undefined)).toHaveLength(5)
    expect(await server.database.query('SELECT count(*)::int AS count FROM task')).toEqual([{ count: 5 }])
  })

  it('are refused all together when not all have room', async () => {
    const { data } = await graphql<{ submitTasks: Told }>(server, submitMany, { tasks: Array(6).fill(later) })
    expect(data?.submitTasks).toEqual({ quota: 'WAITING_TASKS', limit: 5, used: 0 })
    expect(await usageOf('WAITING_TASKS')).toBe(0)
  })

  it('have room again as soon as one ends', async () => {
    const { task } = await submitOne(later)
    for (let count = 1; count < 5; count += 1) await submitOne(later)
    expect((await submitOne(later)).code).toBe('QUOTA_EXCEEDED')
    await graphqlData(server, `mutation { cancelTask(input: { id: "${task?.id}" }) { __typename } }`)
    expect((await submitOne(later)).task).toBeDefined()
    const retry = `mutation { retryTask(input: { id: "${task?.id}" }) { __typename ... on QuotaExceeded { used } } }`
    expect(await graphqlData(server, retry)).toEqual({ retryTask: { __typename: 'QuotaExceeded', used: 5 } })
  })

  it('that were handed in before are answered as such, with no room for more', async () => {
    const keyed = { ...later, idempotencyKey: 'once' }
    const { task } = await submitOne(keyed)
    for (let count = 1; count < 5; count += 1) await submitOne(later)
    expect(await submitOne(keyed)).toMatchObject({ deduplicated: true, task })
    expect(await submitOne({ ...later, idempotencyKey: 'other' })).toMatchObject({ code: 'QUOTA_EXCEEDED' })
  })

  it('are each account’s own, which may have a quota of its own', async () => {
    const other = await addToken(server)
    await server.database.query(`UPDATE account SET quotas = '{"waitingTasks": 7}' WHERE id = $1`, [other.accountId])
    for (let count = 0; count < 5; count += 1) await submitOne(later)
    for (let count = 0; count < 7; count += 1) expect((await submitOne(later, other.token)).task).toBeDefined()
    expect(await submitOne(later, other.token)).toMatchObject({ limit: 7, used: 7 })
  })
})

describe('other quotas', () => {
  it('keep tasks waiting of which too many would run, until others have ended', async () => {
    await start({ QUOTA_RUNNING_TASKS: '2', WORKER_SLOTS: '8', CRITICAL_SLOTS: '0' })
    const inputs = Array.from({ length: 4 }, () => ({ type: 'probe', input: { durationMs: 600_000, steps: 1 } }))
    const ids = (await Promise.all(inputs.map((input) => submitOne(input)))).map(({ task }) => task?.id)
    const states = async () =>
      server.database.query<{ status: string }>('SELECT id, status FROM task ORDER BY status DESC')
    const active = async () => (await states()).filter(({ status }) => status === 'ACTIVE').length
    await until(async () => (await active()) === 2)
    const running = (await server.database.query<{ id: string }>("SELECT id FROM task WHERE status = 'ACTIVE'")).map(
      ({ id }) => id,
    )
    await until(async () => (await usageOf('RUNNING_TASKS')) === 2)
    for (const id of running)
      await graphqlData(server, `mutation { cancelTask(input: { id: "${id}" }) { __typename } }`)
    const others = ids.filter((id) => id !== undefined && !running.includes(id))
    await until(async () => {
      const rows = await server.database.query("SELECT id FROM task WHERE status = 'ACTIVE' AND id = ANY($1)", [others])
      return rows.length === 2
    }, 20_000)
    for (const id of others) await graphqlData(server, `mutation { cancelTask(input: { id: "${id}" }) { __typename } }`)
    await until(async () => (await active()) === 0)
  })

  it('refuse tasks when an account has stored too much, and count what is deleted', async () => {
    await start({ ROLES: 'api', QUOTA_STORED_BYTES: '50000' })
    expect((await submitOne({ ...later, input: { durationMs: 1 } })).task).toBeDefined()
    const before = (await usageOf('STORED_BYTES')) ?? 0
    expect(before).toBeGreaterThan(0)
    const account = await ownAccount(server)
    await server.database.query(
      `INSERT INTO task_log (account_id, task_id, seq, attempt, at, message) SELECT account_id, id, 1, 1, now(), repeat('x', 50000) FROM task`,
    )
    expect(await usageOf('STORED_BYTES')).toBe(before + 50_000)
    // What this process has not written itself it knows within a second.
    const refused = await until(async () => {
      const told = await submitOne({ ...later, input: { durationMs: 1 } })
      return told.task === undefined && told
    })
    expect(refused).toMatchObject({ quota: 'STORED_BYTES', limit: 50_000 })
    await server.database.query('DELETE FROM task WHERE account_id = $1', [account])
    // What the journal says of them stays until its day is dropped.
    expect(await usageOf('STORED_BYTES')).toBeLessThan(50_000)
    expect(await usageOf('WAITING_TASKS')).toBe(0)
  })

  it('refuse tokens beyond what may work at once', async () => {
    await start({ ROLES: 'api', QUOTA_APPLICATION_TOKENS: '3' })
    const create = `mutation { createApplicationToken(input: { name: "x", scopes: ["tasks:read"] }) {
      __typename ... on CreateApplicationTokenPayload { applicationToken { id } } ... on QuotaExceeded { quota limit used } } }`
    const told = await Promise.all(
      Array.from({ length: 5 }, () => graphqlData<{ createApplicationToken: object }>(server, create)),
    )
    const refused = { __typename: 'QuotaExceeded', quota: 'APPLICATION_TOKENS', limit: 3, used: 3 }
    expect(told.filter(({ createApplicationToken }) => 'applicationToken' in createApplicationToken)).toHaveLength(2)
    expect(told).toContainEqual({ createApplicationToken: refused })
  })
})

describe('what tables have noted', () => {
  it('is added up without changing what is used', async () => {
    await start({ ROLES: 'api' })
    for (let count = 0; count < 3; count += 1) await submitOne(later)
    const changes = async () => (await server.database.query('SELECT id FROM usage_change')).length
    await until(async () => (await changes()) === 0, 20_000)
    expect(await usageOf('WAITING_TASKS')).toBe(3)
    await submitOne(later)
    expect(await usageOf('WAITING_TASKS')).toBe(4)
  })
})

describe('the journal', () => {
  const triggerEvent = `mutation ($input: TriggerEventInput!) { triggerEvent(input: $input) {
    ... on TriggerEventPayload { subject deduplicated } ... on Failure { code } ... on QuotaExceeded { quota limit used } } }`
  const publish = async (input: object) =>
    (await graphqlData<{ triggerEvent: Told & { deduplicated?: boolean } }>(server, triggerEvent, { input }))
      .triggerEvent

  it('counts as stored, until its day is dropped', async () => {
    await start({ ROLES: 'api', QUOTA_STORED_BYTES: '1000000' })
    const data = { text: 'x'.repeat(200_000) }
    const before = (await usageOf('STORED_BYTES')) ?? 0
    const keyed = { type: 'test.large', data, idempotencyKey: 'large' }
    expect(await publish(keyed)).toMatchObject({ deduplicated: false })
    const used = ((await usageOf('STORED_BYTES')) ?? 0) - before
    expect(used).toBeGreaterThanOrEqual(200_000)
    expect(used).toBeLessThan(202_000)
    for (let count = 1; count < 4; count += 1)
      expect((await publish({ type: 'test.large', data })).code).toBeUndefined()
    const refused = { code: 'QUOTA_EXCEEDED', quota: 'STORED_BYTES', limit: 1_000_000 }
    expect(await publish({ type: 'test.large', data })).toMatchObject(refused)
    expect(await publish(keyed)).toMatchObject({ deduplicated: true })
    await server.database.query("UPDATE journal SET data = '{}' WHERE type = 'test.large'")
    expect(await usageOf('STORED_BYTES')).toBeLessThan(10_000)
  })

  it('counts what every log line of a task repeats, such as its labels', async () => {
    await start({ WORKER_SLOTS: '2', CRITICAL_SLOTS: '0', QUOTA_STORED_BYTES: '120000' })
    const labels = Object.fromEntries(Array.from({ length: 32 }, (_, index) => [`label-${index}`, 'y'.repeat(250)]))
    const { task } = await submitOne({ type: 'probe', labels, input: { durationMs: 100, steps: 20 } })
    await until(async () => {
      const query = 'query ($id: ID!) { task(id: $id) { status } }'
      const found = await graphqlData<{ task: { status: string } }>(server, query, { id: task?.id })
      return found.task.status === 'COMPLETED'
    })
    expect(await usageOf('STORED_BYTES')).toBeGreaterThan(20 * 8_000)
    const refused = await until(async () => {
      const told = await submitOne({ ...later, input: { durationMs: 1 } })
      return told.task === undefined && told
    })
    expect(refused).toMatchObject({ quota: 'STORED_BYTES', limit: 120_000 })
  })

  it('has no room for test events of webhooks beyond the quota', async () => {
    await start({ ROLES: 'api', QUOTA_STORED_BYTES: '30000' })
    const { id } = await createWebhook(server, { url: 'https://nowhere.invalid' })
    const test = `mutation ($input: TestWebhookInput!) { testWebhook(input: $input) { __typename ... on QuotaExceeded { quota } } }`
    const send = async (length: number) =>
      (
        await graphqlData<{ testWebhook: object }>(server, test, {
          input: { id, payload: { text: 'x'.repeat(length) } },
        })
      ).testWebhook
    expect(await send(100)).toEqual({ __typename: 'TestWebhookPayload' })
    expect(await send(40_000)).toEqual({ __typename: 'QuotaExceeded', quota: 'STORED_BYTES' })
  })

  it('forgets days with what was stored on them', async () => {
    await start({ ROLES: 'api' })
    const before = (await usageOf('STORED_BYTES')) ?? 0
    await server.database.query(
      `INSERT INTO journal_usage (account_id, day, bytes) VALUES ($1, '2020-01-01', 5000), ($1, '2020-01-02', 50)`,
      [await ownAccount(server)],
    )
    await server.database.query(
      "CREATE TABLE journal_days.d20200101 PARTITION OF journal FOR VALUES FROM ('2020-01-01 00:00:00+00') TO ('2020-01-02 00:00:00+00')",
    )
    const stack = await openJournal(server.database.url)
    await dropPartitions(stack.transact.quiet('days of the journal'), 7, { xid: 0n, seq: 0n })
    await stack.close()
    const after = (await usageOf('STORED_BYTES')) ?? 0
    expect(after).toBeGreaterThanOrEqual(before + 50)
    expect(after).toBeLessThan(before + 5_000)
  })
})
