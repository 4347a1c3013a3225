import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { Follower, submitTask, taskFeed } from '#test/support/follower.ts'
import { graphqlData } from '#test/support/graphql.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'
import { until } from '#test/support/until.ts'

const configFile = fileURLToPath(new URL('../../fixtures/tasks/signalbox.config.ts', import.meta.url))
let server: TestServer
let gates: string
beforeAll(async () => {
  gates = await mkdtemp(join(tmpdir(), 'signalbox-gates-'))
  server = await startTestServer({ configFile, env: { WORKER_SLOTS: '4', CRITICAL_SLOTS: '1', LOG_LEVEL: 'silent' } })
})
afterAll(async () => {
  await server.close()
  await rm(gates, { recursive: true })
})
afterEach(async () => {
  await until(
    async () => (await server.database.query(`SELECT 1 FROM task WHERE status IN ('ACTIVE', 'PENDING')`)).length === 0,
  )
})

const submitQuery = /* GraphQL */ `
  mutation ($input: SubmitTaskInput!) {
    submitTask(input: $input) {
      __typename
      ... on SubmitTaskPayload { deduplicated task { id status priority type createdAt } }
      ... on Failure { code message }
      ... on InvalidInput { issues { path message } }
      ... on UnknownTaskType { knownTypes }
      ... on IdempotencyKeyReused { taskId }
    }
  }
`

interface Submitted {
  readonly __typename: string
  readonly deduplicated?: boolean
  readonly task?: { id: string; status: string; priority: string; type: string }
  readonly code?: string
  readonly message?: string
  readonly issues?: { path: string; message: string }[]
  readonly knownTypes?: string[]
  readonly taskId?: string
}

async function trySubmit(input: object): Promise<Submitted> {
  return (await graphqlData<{ submitTask: Submitted }>(server, submitQuery, { input })).submitTask
}

async function submit(input: object): Promise<string> {
  const { task, message } = await trySubmit(input)
  if (task === undefined) throw new Error(`not submitted: ${message}`)
  return task.id
}

interface Task {
  readonly status: string
  readonly progress: number
  readonly attempt: number
  readonly result: unknown
  readonly error: { code: string; message: string; retryable: boolean; stack: string | null } | null
  readonly attempts: {
    number: number
    status: string
    workerId: string
    worker: string
    finishedAt: string | null
    error: { code: string } | null
  }[]
  readonly createdBy: { kind: string; name: string }
  readonly cancelReason: string | null
  readonly worker: string | null
  readonly runAt: string
  readonly startedAt: string | null
}

const taskQuery = /* GraphQL */ `
  query ($id: ID!) {
    task(id: $id) {
      status progress attempt result cancelReason cancelAcknowledgedAt cancelForced worker runAt startedAt
      error { code message retryable stack }
      attempts { number status workerId worker finishedAt error { code } }
      retry { jitter retryOn }
      createdBy { kind name }
    }
  }
`

async function find(id: string): Promise<Task> {
  const { task } = await graphqlData<{ task: Task | null }>(server, taskQuery, { id })
  if (task === null) throw new Error(`no task ${id}`)
  return task
}

async function ended(id: string): Promise<Task> {
  return until(async () => {
    const task = await find(id)
    return ['COMPLETED', 'FAILED', 'CANCELLED'].includes(task.status) && task
  })
}

async function active(id: string): Promise<Task> {
  return until(async () => {
    const task = await find(id)
    return task.status === 'ACTIVE' && task
  })
}

/** A task that runs until its gate is opened. */
function gated(name: string, more: object = {}) {
  return { type: 'test.gate', input: { file: join(gates, name) }, ...more }
}

async function open(name: string): Promise<void> {
  await writeFile(join(gates, name), '')
}

describe('a task', () => {
  it('goes from submission to result', async () => {
    const submitted = await trySubmit({ type: 'probe', input: { steps: 2, durationMs: 20 } })
    expect(submitted).toMatchObject({
      __typename: 'SubmitTaskPayload',
      deduplicated: false,
      task: { status: 'PENDING', priority: 'NORMAL', type: 'probe' },
    })
    expect(await ended(submitted.task?.id ?? '')).toMatchObject({
      status: 'COMPLETED',
      progress: 100,
      attempt: 1,
      result: { steps: 2 },
      createdBy: { kind: 'application', name: 'owner' },
      error: null,
    })
  })

  it('is refused when its type is unknown, naming the known ones', async () => {
    const failure = await trySubmit({ type: 'nonsense' })
    expect(failure).toMatchObject({ __typename: 'UnknownTaskType', code: 'UNKNOWN_TASK_TYPE' })
    expect(failure.knownTypes).toEqual(expect.arrayContaining(['command', 'probe', 'repository.inspect', 'test.gate']))
  })

  it.each([
    [{ type: 'probe', input: { steps: 'many' } }, 'input.steps'],
    [{ type: 'probe', input: { steps: -1 } }, 'input.steps'],
    [{ type: 'probe', timeoutMs: 0 }, 'timeoutMs'],
    [{ type: 'probe', retry: { maxAttempts: 0 } }, 'retry.maxAttempts'],
    [{ type: 'probe', retry: { jitter: 1.5 } }, 'retry.jitter'],
    [{ type: 'probe', retry: { retryOn: [] } }, 'retry.retryOn'],
    [{ type: 'probe', labels: { a: 1 } }, 'labels.a'],
    [{ type: 'probe', labels: ['a'] }, 'labels'],
    [{ type: 'probe', idempotencyKey: '' }, 'idempotencyKey'],
    [{ type: 'probe', idempotencyKey: 'a\u0000b' }, ''],
    [{ type: 'probe', labels: { a: '\ud800' } }, ''],
    [{ type: 'probe', input: { steps: 1, more: true } }, 'input'],
    [{ type: 'test.any', input: { big: 'x'.repeat(1024 * 1024) } }, 'input'],
    [{ type: 'test.any', input: { text: '\u0000' } }, ''],
  ])('is refused with path and reason: %j', async (input, path) => {
    const failure = await trySubmit(input)
    expect(failure).toMatchObject({ __typename: 'InvalidInput', code: 'INVALID_INPUT' })
    expect(failure.issues?.map((issue) => issue.path)).toContain(path)
  })

  it('is refused when its input is nested too deep', async () => {
    const input = JSON.parse(`${'{"a":'.repeat(201)}1${'}'.repeat(201)}`)
    expect(await trySubmit({ type: 'test.any', input })).toMatchObject({ code: 'INVALID_INPUT' })
  })

  it('is created once for the same idempotency key, also by calls at the same time', async () => {
    const input = { type: 'probe', input: { steps: 1 }, idempotencyKey: 'once' }
    const answers = await Promise.all(Array.from({ length: 10 }, () => trySubmit(input)))
    expect(new Set(answers.map((answer) => answer.task?.id)).size).toBe(1)
    expect(answers.filter((answer) => !answer.deduplicated)).toHaveLength(1)
    const other = await trySubmit({ ...input, input: { steps: 2 } })
    expect(other).toMatchObject({ __typename: 'IdempotencyKeyReused', taskId: answers[0]?.task?.id })
  })

  it('has its idempotency key for a day; then the same request is a new one', async () => {
    const input = { type: 'probe', idempotencyKey: 'for a day' }
    const { task: first } = await trySubmit(input)
    const age = (hours: number) =>
      server.database.query(`UPDATE task SET created_at = now() - $2 * interval '1 hour' WHERE id = $1`, [
        first?.id,
        hours,
      ])
    await age(23)
    expect(await trySubmit(input)).toMatchObject({ deduplicated: true, task: { id: first?.id } })
    await age(25)
    const answers = await Promise.all(Array.from({ length: 5 }, () => trySubmit(input)))
    const [{ task: second }] = answers as [Submitted]
    expect(second?.id).not.toBe(first?.id)
    expect(answers.map(({ task }) => task?.id)).toEqual(Array(5).fill(second?.id))
    const keys = await server.database.query('SELECT idempotency_key AS key FROM task WHERE id = $1', [first?.id])
    expect(keys).toEqual([{ key: input.idempotencyKey }])
  })

  it('is known by its idempotency key as this release and older ones have stored the request', async () => {
    const input = { type: 'test.any', input: { 10: 'ten', 9: 'nine' }, idempotencyKey: 'canonical' }
    const { task } = await trySubmit(input)
    const hashes = () =>
      server.database.query<{ hash: Buffer }>('SELECT request_hash AS hash FROM task WHERE id = $1', [task?.id])
    const sha256 = (text: string) => createHash('sha256').update(text).digest()
    const rest = '"type":"test.any"}'
    // RFC 8785 sorts names as texts; older releases put what looks like an index into the order of numbers.
    const hash = sha256(`{"idempotencyKey":"canonical","input":{"10":"ten","9":"nine"},${rest}`)
    const older = sha256(`{"idempotencyKey":"canonical","input":{"9":"nine","10":"ten"},${rest}`)
    expect(await hashes()).toEqual([{ hash }])
    await server.database.query('UPDATE task SET request_hash = $2 WHERE id = $1', [task?.id, older])
    expect(await trySubmit(input)).toMatchObject({ deduplicated: true, task: { id: task?.id } })
    const other = await trySubmit({ ...input, input: { 10: 'nine', 9: 'ten' } })
    expect(other).toMatchObject({ __typename: 'IdempotencyKeyReused', code: 'IDEMPOTENCY_KEY_REUSED' })
  })

  it('waits until it is due', async () => {
    const runAt = new Date(Date.now() + 600).toISOString()
    const submitted = await trySubmit({ type: 'probe', runAt })
    expect(submitted.task?.status).toBe('SCHEDULED')
    const task = await ended(submitted.task?.id ?? '')
    expect(new Date(task.startedAt ?? 0).getTime()).toBeGreaterThanOrEqual(new Date(runAt).getTime())
  })
})

describe('the steps of a task', () => {
  it('are announced before its progress mentions them, and the last one stays', async () => {
    const feed = await Follower.open(server, taskFeed)
    try {
      const id = await submitTask(server, { type: 'probe', input: { durationMs: 900, steps: 6 } })
      await feed.find(({ taskId, status }) => taskId === id && status === 'COMPLETED')
      const updates = feed.updates.filter(
        ({ taskId, kind }) => taskId === id && (kind === 'STEP' || kind === 'PROGRESS'),
      )
      const steps = updates.filter(({ kind }) => kind === 'STEP').map(({ step }) => step)
      expect(steps.length).toBeGreaterThan(3)
      for (const [index, { kind, step }] of updates.entries()) {
        const told = updates.slice(0, index).filter((update) => update.kind === 'STEP')
        if (kind === 'PROGRESS' && step !== null) expect(told.map((update) => update.step)).toContain(step)
      }
      const { task } = await graphqlData<{ task: object }>(server, `{ task(id: "${id}") { progress currentStep } }`)
      expect(task).toEqual({ progress: 100, currentStep: steps.at(-1) })
    } finally {
      await feed.close()
    }
  })
})

describe('tasks handed in together', () => {
  const query = /* GraphQL */ `
    mutation ($input: SubmitTasksInput!) {
      submitTasks(input: $input) {
        ... on SubmitTasksPayload { deduplicated tasks { id type } }
        ... on Failure { code message }
        ... on InvalidInput { summary issues { path } }
      }
    }
  `
  const count = async () => (await server.database.query<{ n: number }>('SELECT count(*)::int AS n FROM task'))[0]?.n

  it('are answered in their order', async () => {
    const tasks = Array.from({ length: 20 }, (_, index) => ({ type: index % 2 ? 'probe' : 'test.any' }))
    const { submitTasks } = await graphqlData<{ submitTasks: { tasks: { type: string }[] } }>(server, query, {
      input: { tasks },
    })
    expect(submitTasks.tasks.map((task) => task.type)).toEqual(tasks.map((task) => task.type))
  })

  it('are all refused when one is', async () => {
    const before = await count()
    const tasks = [{ type: 'probe' }, { type: 'probe', input: { steps: -1 } }]
    const { submitTasks } = await graphqlData<{ submitTasks: object }>(server, query, { input: { tasks } })
    expect(submitTasks).toMatchObject({
      code: 'INVALID_INPUT',
      summary: 'Task 1: The input of "probe" is not valid.',
      issues: [{ path: 'tasks.1.input.steps' }],
    })
    expect(await count()).toBe(before)
  })

  it('are refused with the place of the one that is wrong as a whole', async () => {
    const input = { tasks: [{ type: 'probe' }, { type: 'probe', labels: { a: '\ud800' } }] }
    const { submitTasks } = await graphqlData<{ submitTasks: object }>(server, query, { input })
    expect(submitTasks).toMatchObject({ code: 'INVALID_INPUT', issues: [{ path: 'tasks.1' }] })
  })

  it('are refused when there are more than a thousand', async () => {
    const tasks = Array.from({ length: 1_001 }, () => ({ type: 'probe' }))
    const { submitTasks } = await graphqlData<{ submitTasks: object }>(server, query, { input: { tasks } })
    expect(submitTasks).toMatchObject({ code: 'INVALID_INPUT' })
  })
})

describe('a task that fails', () => {
  it('says why, and is not tried again unless that was asked for', async () => {
    const task = await ended(await submit({ type: 'probe', input: { steps: 3, failAtStep: 2 } }))
    expect(task).toMatchObject({
      status: 'FAILED',
      attempt: 1,
      result: null,
      error: { retryable: expect.any(Boolean) },
    })
    expect(task.error?.message).not.toBe('')
  })

  it('is tried as often as it may be, and keeps every attempt', async () => {
    const retry = { maxAttempts: 3, delayMs: 10, backoff: 'FIXED' }
    const task = await ended(await submit({ type: 'test.throw', input: { times: 9 }, retry }))
    expect(task).toMatchObject({ status: 'FAILED', attempt: 3, error: { code: 'HANDLER_FAILED', message: 'thrown 3' } })
    expect(task.attempts.map((one) => [one.number, one.status, one.error?.code])).toEqual([
      [1, 'FAILED', 'HANDLER_FAILED'],
      [2, 'FAILED', 'HANDLER_FAILED'],
      [3, 'FAILED', 'HANDLER_FAILED'],
    ])
    for (const { worker, workerId } of task.attempts) expect(worker).toBe(`worker-${workerId}`)
    expect(task.error?.stack).toContain('signalbox.config')
  })

  it('completes when a later attempt does', async () => {
    const retry = { maxAttempts: 5, delayMs: 0, backoff: 'FIXED' }
    const task = await ended(await submit({ type: 'test.throw', input: { times: 2 }, retry }))
    expect(task).toMatchObject({ status: 'COMPLETED', attempt: 3, error: null, result: 'at last' })
  })

  it('is tried again only after the errors that its policy lists', async () => {
    const retry = { maxAttempts: 3, delayMs: 0, jitter: 0.5, retryOn: ['TIMEOUT'] }
    const task = await ended(await submit({ type: 'test.throw', input: { times: 2 }, retry }))
    expect(task).toMatchObject({ status: 'FAILED', attempt: 1 })
    const listed = { ...retry, retryOn: ['TIMEOUT', 'HANDLER_FAILED'] }
    expect(await ended(await submit({ type: 'test.throw', input: { times: 2 }, retry: listed }))).toMatchObject({
      status: 'COMPLETED',
      attempt: 3,
      retry: { jitter: 0.5, retryOn: listed.retryOn },
    })
  })

  it('can be given one more attempt', async () => {
    const id = await submit({ type: 'test.throw', input: { times: 1 } })
    expect((await ended(id)).status).toBe('FAILED')
    const { retryTask } = await graphqlData<{ retryTask: object }>(server, retryQuery, { input: { id } })
    expect(retryTask).toMatchObject({ task: { id } })
    const task = await ended(id)
    expect(task).toMatchObject({ status: 'COMPLETED', attempt: 2 })
    expect(task.attempts.map((one) => [one.number, one.status])).toEqual([
      [1, 'FAILED'],
      [2, 'COMPLETED'],
    ])
    const again = await graphqlData<{ retryTask: object }>(server, retryQuery, { input: { id } })
    expect(again.retryTask).toMatchObject({ code: 'TASK_NOT_RETRYABLE', status: 'COMPLETED' })
  })

  it('keeps the others from nothing when the database refuses its result', async () => {
    await server.database.query(`ALTER TABLE task ADD CONSTRAINT no_poison CHECK (result->>'poison' IS NULL)`)
    const ids = await Promise.all([
      submit({ type: 'test.echo', input: { poison: true } }),
      ...Array.from({ length: 3 }, () => submit({ type: 'probe' })),
    ])
    const [refused, ...others] = await Promise.all(ids.map(ended))
    expect(refused).toMatchObject({ status: 'FAILED', error: { code: 'RESULT_REFUSED' } })
    expect(others.map((task) => task.status)).toEqual(['COMPLETED', 'COMPLETED', 'COMPLETED'])
  })
})

const retryQuery = /* GraphQL */ `
  mutation ($input: RetryTaskInput!) {
    retryTask(input: $input) {
      ... on RetryTaskPayload { task { id } }
      ... on Failure { code message }
      ... on TaskNotRetryable { status }
    }
  }
`
const cancelQuery = /* GraphQL */ `
  mutation ($input: CancelTaskInput!) {
    cancelTask(input: $input) {
      ... on CancelTaskPayload { task { id status } }
      ... on Failure { code message }
      ... on TaskAlreadyEnded { status }
    }
  }
`

async function cancel(id: string, reason?: string) {
  return (
    await graphqlData<{ cancelTask: { code?: string; task?: { status: string } } }>(server, cancelQuery, {
      input: { id, reason },
    })
  ).cancelTask
}

describe('cancelling', () => {
  it('ends a task that waits at once', async () => {
    const id = await submit({ type: 'probe', runAt: '2099-01-01T00:00:00Z' })
    expect(await cancel(id, 'not needed')).toMatchObject({ task: { status: 'CANCELLED' } })
    expect(await find(id)).toMatchObject({
      ...{ status: 'CANCELLED', cancelReason: 'not needed', attempt: 0 },
      ...{ cancelAcknowledgedAt: null, cancelForced: false },
    })
  })

  it('stops a task that runs', async () => {
    const id = await submit(gated('never'))
    expect((await active(id)).worker).toMatch(/^worker-\d+$/)
    // It may have ended by the time that it is read for the answer.
    expect(await cancel(id)).toMatchObject({ task: { status: expect.stringMatching(/^(ACTIVE|CANCELLED)$/) } })
    expect(await ended(id)).toMatchObject({
      ...{ status: 'CANCELLED', worker: null, error: null },
      ...{ cancelAcknowledgedAt: expect.any(String), cancelForced: false },
    })
  })

  it('ends a task that does not stop in time, and says so', async () => {
    const file = join(gates, 'deaf')
    const id = await submit({ type: 'test.deaf', input: { file } })
    await active(id)
    await cancel(id)
    expect(await ended(id)).toMatchObject({
      ...{ status: 'CANCELLED', cancelAcknowledgedAt: expect.any(String), cancelForced: true },
      error: { code: 'CANCEL_FORCED' },
    })
    await writeFile(file, '')
    const events = await server.database.query<{ type: string }>(
      'SELECT type FROM journal WHERE subject = $1 ORDER BY xid, seq',
      [`task:${id}`],
    )
    expect(events.map(({ type }) => type)).toEqual([
      'task.submitted',
      'task.started',
      'task.cancel_requested',
      'task.cancel_acknowledged',
      'task.cancelled',
    ])
  })

  it('changes nothing when it is asked for again', async () => {
    const id = await submit(gated('never'))
    await active(id)
    await Promise.all([cancel(id), cancel(id), cancel(id)])
    expect((await ended(id)).status).toBe('CANCELLED')
    const entries = await server.database.query('SELECT 1 FROM journal WHERE subject = $1 AND type = $2', [
      `task:${id}`,
      'task.cancel_requested',
    ])
    expect(entries).toHaveLength(1)
  })

  it('is refused for a task that has ended or is not there', async () => {
    const id = await submit({ type: 'probe' })
    await ended(id)
    expect(await cancel(id)).toMatchObject({ code: 'TASK_ALREADY_ENDED', status: 'COMPLETED' })
    expect(await cancel('01a20cf7-7756-77e0-9f26-923a4be0b6b0')).toMatchObject({ code: 'NOT_FOUND' })
    expect(await cancel('nonsense')).toMatchObject({ code: 'NOT_FOUND' })
  })
})

describe('the slots of a worker', () => {
  it('keep a place for CRITICAL tasks while others wait', async () => {
    const normal = await Promise.all(Array.from({ length: 4 }, () => submit(gated('normal'))))
    await until(async () => (await count('ACTIVE')) === 3)
    const critical = await submit(gated('critical', { priority: 'CRITICAL' }))
    await active(critical)
    expect(await count('PENDING')).toBe(1)
    await open('critical')
    await ended(critical)
    expect(await count('ACTIVE')).toBe(3)
    await open('normal')
    await Promise.all(normal.map(ended))
  })

  it('let a BATCH task run while NORMAL ones keep coming', async () => {
    const normal = await Promise.all(Array.from({ length: 6 }, () => submit(gated('flood'))))
    await until(async () => (await count('ACTIVE')) === 3)
    const batch = await submit(gated('batch', { priority: 'BATCH' }))
    await open('flood')
    await Promise.all([...Array.from({ length: 6 }, () => submit(gated('flood')))])
    await open('batch')
    await ended(batch)
    await Promise.all(normal.map(ended))
  })

  async function count(status: string): Promise<number> {
    const [row] = await server.database.query<{ n: number }>('SELECT count(*)::int AS n FROM task WHERE status = $1', [
      status,
    ])
    return row?.n ?? 0
  }
})

describe('the list of tasks', () => {
  const query = /* GraphQL */ `
    query ($where: TaskFilter, $orderBy: TaskOrder! = OLDEST_FIRST, $first: Int, $after: String) {
      tasks(where: $where, orderBy: $orderBy, first: $first, after: $after) {
        nodes { id labels type }
        edges { cursor }
        pageInfo { hasNextPage endCursor }
      }
    }
  `
  interface Page {
    readonly nodes: { id: string; labels: object; type: string }[]
    readonly pageInfo: { hasNextPage: boolean; endCursor: string | null }
  }
  const list = async (variables: object) => (await graphqlData<{ tasks: Page }>(server, query, { ...variables })).tasks

  it('is paged without a gap or a repetition, in both directions', async () => {
    const ids = []
    for (let index = 0; index < 7; index += 1) ids.push(await submit({ type: 'probe', labels: { list: 'paged' } }))
    for (const [orderBy, expected] of [
      ['OLDEST_FIRST', ids],
      ['NEWEST_FIRST', [...ids].reverse()],
    ] as const) {
      const seen: string[] = []
      let after: string | null = null
      do {
        const page: Page = await list({ where: { labels: { list: 'paged' } }, orderBy, first: 3, after })
        seen.push(...page.nodes.map((node) => node.id))
        after = page.pageInfo.hasNextPage ? page.pageInfo.endCursor : null
      } while (after !== null)
      expect(seen).toEqual(expected)
    }
  })

  it('has only what all given conditions allow', async () => {
    const id = await submit({ type: 'test.any', priority: 'BATCH', labels: { team: 'a', env: 'prod' } })
    await submit({ type: 'test.any', priority: 'BATCH', labels: { team: 'b', env: 'prod' } })
    const where = { type: ['test.any'], priority: ['BATCH'], labels: { team: 'a', env: 'prod' } }
    expect((await list({ where })).nodes.map((node) => node.id)).toEqual([id])
    expect((await list({ where: { ...where, status: ['FAILED'] } })).nodes).toEqual([])
  })
})

describe('queues', () => {
  it('report what waits and runs by priority, and how long it took', async () => {
    await submit({ type: 'probe', priority: 'CRITICAL', runAt: '2099-01-01T00:00:00Z' })
    const { queues } = await graphqlData<{
      queues: { priority: string; scheduled: number; run: { p50: number } | null }[]
    }>(
      server,
      'query { queues { priority waiting scheduled active oldestWaitMs wait { p50 p99 } run { p50 p95 p99 } } }',
    )
    expect(queues.map((queue) => queue.priority)).toEqual(['CRITICAL', 'NORMAL', 'BATCH'])
    expect(queues[0]?.scheduled).toBe(1)
    expect(queues[1]?.run?.p50).toBeGreaterThan(0)
  })
})

describe('task types', () => {
  it('are listed with their input as JSON Schema', async () => {
    const { taskTypes } = await graphqlData<{ taskTypes: { name: string; input: { properties: object } }[] }>(
      server,
      'query { taskTypes { name description priority input } }',
    )
    const probe = taskTypes.find((type) => type.name === 'probe')
    expect(Object.keys(probe?.input.properties ?? {})).toContain('durationMs')
  })
})
