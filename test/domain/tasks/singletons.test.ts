import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { graphqlData } from '#test/support/graphql.ts'
import type { TestServer } from '#test/support/server.ts'
import { addAccount, sharedServer } from '#test/support/shared-server.ts'
import { until } from '#test/support/until.ts'

let server: TestServer
beforeAll(async () => {
  server = await sharedServer()
})

interface Answer {
  readonly deduplicated?: boolean
  readonly code?: string
  readonly message?: string
  readonly task?: { id: string; status: string; singletonKey: string | null }
}

async function mutate(field: string, input: object, at: Pick<TestServer, 'url' | 'token'> = server): Promise<Answer> {
  const payload = `${field[0]?.toUpperCase()}${field.slice(1)}`
  const data = await graphqlData<Record<string, Answer>>(
    at,
    `mutation ($input: ${payload}Input!) { it: ${field}(input: $input) {
      ... on ${payload}Payload { task { id status singletonKey } ${field === 'submitTask' ? 'deduplicated' : ''} }
      ... on Failure { code message } } }`,
    { input },
  )
  return data['it'] as Answer
}

const inAnHour = () => new Date(Date.now() + 3_600_000).toISOString()
const submit = (input: object, at?: Pick<TestServer, 'url' | 'token'>) =>
  mutate('submitTask', { type: 'probe', runAt: inAnHour(), ...input }, at)

describe('a singleton key', () => {
  it('answers with the task that has it, until that has ended', async () => {
    const singletonKey = randomUUID()
    const first = await submit({ singletonKey })
    expect(first).toMatchObject({ deduplicated: false, task: { singletonKey } })
    expect(await submit({ singletonKey, input: { steps: 3 } })).toMatchObject({
      deduplicated: true,
      task: { id: first.task?.id },
    })
    await mutate('cancelTask', { id: first.task?.id })
    const second = await submit({ singletonKey })
    expect(second).toMatchObject({ deduplicated: false })
    expect(await mutate('retryTask', { id: first.task?.id })).toMatchObject({
      code: 'TASK_NOT_RETRYABLE',
      message: `Task ${first.task?.id} can't be retried while another task with its singleton key waits or runs.`,
    })
  })

  it('is free again when its task completes', async () => {
    const input = { singletonKey: randomUUID(), runAt: null }
    const first = await submit(input)
    const second = await until(async () => {
      const answer = await submit(input)
      return answer.task?.id !== first.task?.id && answer
    })
    expect(second.deduplicated).toBe(false)
  })

  it('belongs to its account and type', async () => {
    const singletonKey = randomUUID()
    const { ownerToken } = await addAccount(server.database.url)
    await submit({ singletonKey })
    expect(await submit({ singletonKey, type: 'holds' })).toMatchObject({ deduplicated: false })
    expect(await submit({ singletonKey }, { ...server, token: ownerToken })).toMatchObject({ deduplicated: false })
  })

  it('lets one of many through that are submitted at the same time, one by one and together', async () => {
    const singletonKey = randomUUID()
    const answers = await Promise.all(Array.from({ length: 20 }, () => submit({ singletonKey })))
    expect(answers.filter(({ deduplicated }) => deduplicated === false)).toHaveLength(1)
    expect(new Set(answers.map(({ task }) => task?.id)).size).toBe(1)
    const other = { type: 'probe', runAt: inAnHour(), singletonKey: randomUUID() }
    const { submitTasks } = await graphqlData<{ submitTasks: { deduplicated: number; tasks: { id: string }[] } }>(
      server,
      'mutation ($input: SubmitTasksInput!) { submitTasks(input: $input) { ... on SubmitTasksPayload { deduplicated tasks { id } } } }',
      { input: { tasks: [other, other, other] } },
    )
    expect(submitTasks.deduplicated).toBe(2)
    expect(new Set(submitTasks.tasks.map(({ id }) => id)).size).toBe(1)
  })

  it('goes after an idempotency key, whose request gets its own response', async () => {
    const request = { singletonKey: randomUUID(), idempotencyKey: randomUUID(), runAt: inAnHour() }
    const first = await submit(request)
    await mutate('cancelTask', { id: first.task?.id })
    const second = await submit({ singletonKey: request.singletonKey })
    expect(second.deduplicated).toBe(false)
    expect(await submit(request)).toMatchObject({ deduplicated: true, task: { id: first.task?.id } })
  })
})
