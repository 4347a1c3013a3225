import { afterAll, beforeAll, expect, it } from 'vitest'
import { eventCatalog } from '#src/app/event-catalog.ts'
import { eventDataFaults } from '#test/support/event-data.ts'
import { graphqlData } from '#test/support/graphql.ts'
import type { TestServer } from '#test/support/server.ts'
import { sharedServer } from '#test/support/shared-server.ts'
import { until } from '#test/support/until.ts'

let server: TestServer
beforeAll(async () => {
  server = await sharedServer()
})
afterAll(() => server.close())

async function submit(input: object): Promise<string> {
  const { submitTask } = await graphqlData<{ submitTask: { task: { id: string } } }>(
    server,
    'mutation ($input: SubmitTaskInput!) { submitTask(input: $input) { ... on SubmitTaskPayload { task { id } } } }',
    { input },
  )
  return submitTask.task.id
}

function reaches(id: string, status: string): Promise<unknown> {
  return until(async () => {
    const { task } = await graphqlData<{ task: { status: string } }>(
      server,
      'query ($id: ID!) { task(id: $id) { status } }',
      { id },
    )
    return task.status === status
  })
}

it('`eventTypes` answers every type with its meaning and the shape of its data', async () => {
  const { eventTypes } = await graphqlData<{ eventTypes: { name: string; dataSchema: { type: string } }[] }>(
    server,
    '{ eventTypes { name description dataSchema isFrequent } }',
  )
  expect(eventTypes).toEqual(eventCatalog.describe())
  expect(eventTypes.every(({ dataSchema }) => dataSchema.type === 'object')).toBe(true)
  const frequent = eventCatalog.describe().filter(({ isFrequent }) => isFrequent)
  expect(frequent.map(({ name }) => name)).toContain('task.log')
})

it('what tasks, locks and entries write has the data that its type declares', async () => {
  const failing = { durationMs: 0, steps: 2, failAtStep: 1 }
  const failed = await submit({
    type: 'probe',
    input: failing,
    retry: { maxAttempts: 2, delayMs: 1, backoff: 'FIXED' },
  })
  const completed = await submit({ type: 'probe', input: { steps: 2, resultBytes: 300_000 } })
  const running = await submit({ type: 'probe', input: { durationMs: 3_600_000, steps: 10 } })
  await reaches(failed, 'FAILED')
  await reaches(completed, 'COMPLETED')
  await reaches(running, 'ACTIVE')
  await graphqlData(
    server,
    `mutation ($running: ID!, $failed: ID!, $completed: ID!) {
      cancelTask(input: { id: $running, reason: "enough" }) { __typename }
      retryTask(input: { id: $failed }) { __typename }
      deleteTaskLogs(input: { id: $completed }) { __typename }
      setEntry(input: { key: "short", value: 1, ttlMs: 1 }) { __typename }
      putDocument(input: { key: "short", data: 1, ttlMs: 1 }) { __typename }
      acquireLock(input: { name: "short", ttlMs: 1000 }) { __typename }
    }`,
    { running, failed, completed },
  )
  await reaches(running, 'CANCELLED')
  const wanted = [
    ...['submitted', 'started', 'step', 'part', 'retried', 'failed', 'completed', 'cancel_requested', 'cancelled'],
  ].map((name) => `task.${name}`)
  await until(async () => {
    const { types } = await eventDataFaults(server)
    return [...wanted, 'entry.expired', 'document.deleted', 'lock.expired'].every((type) => types.has(type))
  })
  expect((await eventDataFaults(server)).faults).toEqual([])
})
