import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { submitTask } from '#test/support/follower.ts'
import { graphqlData } from '#test/support/graphql.ts'
import type { TestServer } from '#test/support/server.ts'
import { sharedServer } from '#test/support/shared-server.ts'
import { until } from '#test/support/until.ts'

let server: TestServer
beforeAll(async () => {
  server = await sharedServer()
})

interface Answer {
  readonly code?: string
  readonly message?: string
  readonly issues?: { path: string }[]
  readonly task?: { id: string; status: string; result: unknown; input: unknown }
}

async function mutate(field: string, input: object): Promise<Answer> {
  const payload = `${field[0]?.toUpperCase()}${field.slice(1)}`
  const data = await graphqlData<{ it: Answer }>(
    server,
    `mutation ($input: ${payload}Input!) { it: ${field}(input: $input) {
      ... on ${payload}Payload { task { id status result input } }
      ... on Failure { code message } ... on InvalidInput { issues { path } } } }`,
    { input },
  )
  return data.it
}

const statusOf = async (id: string) =>
  (await graphqlData<{ task: { status: string } }>(server, 'query ($id: ID!) { task(id: $id) { status } }', { id }))
    .task.status

describe('a failed task', () => {
  it('is retried with another input, which the journal mentions', async () => {
    const id = await submitTask(server, { type: 'probe', input: { steps: 1, failAtStep: 1 } })
    await until(async () => (await statusOf(id)) === 'FAILED')
    await server.database.query(
      `INSERT INTO task_checkpoint (account_id, task_id, attempt, value) SELECT account_id, id, 1, '1' FROM task WHERE id = $1`,
      [id],
    )
    expect(await mutate('retryTask', { id, input: { steps: -1 } })).toMatchObject({
      code: 'INVALID_INPUT',
      issues: [{ path: 'input.steps' }],
    })
    expect(await statusOf(id)).toBe('FAILED')
    expect(await mutate('retryTask', { id, input: { steps: 2 } })).toMatchObject({ task: { id, input: { steps: 2 } } })
    await until(async () => (await statusOf(id)) === 'COMPLETED')
    const entries = await server.database.query(
      `SELECT data->'inputChanged' AS changed FROM journal WHERE subject = $1 AND type = 'task.retried'`,
      [`task:${id}`],
    )
    expect(entries).toEqual([{ changed: true }])
    expect(await server.database.query('SELECT 1 FROM task_checkpoint WHERE task_id = $1', [id])).toEqual([])
  })
})

describe('a submission that waits', () => {
  it('answers when the task has ended', async () => {
    const { task } = await mutate('submitTask', { type: 'probe', input: { durationMs: 50 }, waitMs: 30_000 })
    expect(task).toMatchObject({ status: 'COMPLETED', result: { durationMs: 50 } })
  })

  it('answers when its time is over, and for a task that had ended before', async () => {
    const idempotencyKey = randomUUID()
    const runAt = new Date(Date.now() + 3_600_000).toISOString()
    const request = { type: 'probe', runAt, idempotencyKey, waitMs: 100 }
    const { task } = await mutate('submitTask', request)
    expect(task).toMatchObject({ status: 'SCHEDULED' })
    await mutate('cancelTask', { id: task?.id })
    expect(await mutate('submitTask', { ...request, waitMs: 30_000 })).toMatchObject({ task: { status: 'CANCELLED' } })
  })

  it.each([-1, 60_001])('can’t wait for %d ms', async (waitMs) => {
    expect(await mutate('submitTask', { type: 'probe', waitMs })).toMatchObject({
      code: 'INVALID_INPUT',
      issues: [{ path: 'waitMs' }],
    })
  })
})
