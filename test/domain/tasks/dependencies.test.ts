import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { submitTask, submitTasks } from '#test/support/follower.ts'
import { graphqlData } from '#test/support/graphql.ts'
import type { TestServer } from '#test/support/server.ts'
import { addAccount, sharedServer } from '#test/support/shared-server.ts'
import { until } from '#test/support/until.ts'

let directory: string
let server: TestServer
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'signalbox-dependencies-'))
  server = await sharedServer()
})
afterAll(() => rmSync(directory, { recursive: true }))

interface Task {
  readonly id: string
  readonly status: string
  readonly cancelReason: string | null
  readonly error: { code: string; message: string } | null
  readonly waiting: { reason: string; ahead: number | null } | null
  readonly parent: { id: string } | null
  readonly children: { nodes: { id: string }[] }
  readonly dependsOn: { taskId: string; status: string | null; onFailure: string; task: { id: string } | null }[]
  readonly dependents: { nodes: { id: string }[] }
}

async function find(id: string): Promise<Task> {
  const { task } = await graphqlData<{ task: Task }>(
    server,
    `query ($id: ID!) { task(id: $id) {
      id status cancelReason error { code message } waiting { reason ahead } parent { id } children { nodes { id } }
      dependsOn { taskId status onFailure task { id } } dependents { nodes { id } }
    } }`,
    { id },
  )
  return task
}

const reach = (id: string, status: string) =>
  until(async () => {
    const task = await find(id)
    return task.status === status && task
  })

/** Submits a task that runs until it is released. */
async function submitHeld(more: object = {}) {
  const gate = join(directory, randomUUID())
  const id = await submitTask(server, { type: 'holds', input: { until: gate }, ...more })
  return { id, release: () => writeFileSync(gate, '') }
}

const failing = { type: 'probe', input: { steps: 1, failAtStep: 1 } }
const startsAfter = (...ids: string[]) => ({ dependsOn: ids.map((taskId) => ({ taskId })) })
const submitAfter = (ids: string[], more: object = {}) =>
  submitTask(server, { type: 'probe', ...startsAfter(...ids), ...more })

interface Refusable {
  readonly code?: string
  readonly message?: string
  readonly issues?: { path: string; message: string }[]
  readonly deduplicated?: boolean
  readonly task?: { id: string; status: string }
}

async function mutate(
  field: string,
  input: object,
  at: Pick<TestServer, 'url' | 'token'> = server,
): Promise<Refusable> {
  const payload = `${field[0]?.toUpperCase()}${field.slice(1)}`
  const data = await graphqlData<Record<string, Refusable>>(
    at,
    `mutation ($input: ${payload}Input!) { it: ${field}(input: $input) {
      ... on ${payload}Payload { task { id status } }
      ... on Failure { code message } ${field === 'retryTask' ? '' : '... on InvalidInput { issues { path message } }'} } }`,
    { input },
  )
  return data['it'] as Refusable
}

const submit = (input: object, at?: Pick<TestServer, 'url' | 'token'>) => mutate('submitTask', input, at)
const cancel = (id: string, reason?: string) => mutate('cancelTask', { id, reason })

async function entries(id: string) {
  return server.database.query<{ type: string; xid: string; data: Record<string, unknown> }>(
    'SELECT type, xid::text, data FROM journal WHERE subject = $1 ORDER BY xid, seq',
    [`task:${id}`],
  )
}

describe('a task that depends on others', () => {
  it('starts in the commit that ends the last of them, and says until then how many it waits for', async () => {
    const [first, second] = [await submitHeld(), await submitHeld()]
    const id = await submitAfter([first.id, second.id])
    expect(await find(id)).toMatchObject({
      status: 'PENDING',
      waiting: { reason: 'DEPENDENCY', ahead: 2 },
      dependsOn: [
        { taskId: first.id, status: null, onFailure: 'FAIL', task: { id: first.id } },
        { taskId: second.id, status: null },
      ],
    })
    first.release()
    await reach(first.id, 'COMPLETED')
    expect(await find(id)).toMatchObject({ status: 'PENDING', waiting: { reason: 'DEPENDENCY', ahead: 1 } })
    second.release()
    await reach(id, 'COMPLETED')
    expect((await find(second.id)).dependents.nodes).toEqual([{ id }])
    const own = await entries(id)
    expect(own.map(({ type }) => type)).toEqual(['task.submitted', 'task.ready', 'task.started', 'task.completed'])
    const end = (await entries(second.id)).find(({ type }) => type === 'task.completed')
    expect(own[1]?.xid).toBe(end?.xid)
    expect(own[0]?.data['dependsOn']).toEqual([first.id, second.id])
  })

  it.each([
    ['with a fairness key', { fairnessKey: 'lane', fairnessWeight: 3 }],
    ['with a rank', { rank: 5 }],
    ['with a concurrency key', { concurrencyKey: 'key' }],
    ['of another priority', { priority: 'CRITICAL' }],
  ])('starts in its lane, limits and priority: %s', async (_case, more) => {
    const { id, release } = await submitHeld()
    const dependents = [await submitAfter([id], more), await submitAfter([id], more)]
    release()
    for (const dependent of dependents) await reach(dependent, 'COMPLETED')
  })

  it('waits for its time as well', async () => {
    const runAt = new Date(Date.now() + 3_600_000).toISOString()
    const { id, release } = await submitHeld()
    const dependent = await submitAfter([id], { runAt })
    expect(await find(dependent)).toMatchObject({ status: 'SCHEDULED', waiting: { reason: 'DEPENDENCY' } })
    release()
    await until(async () => (await find(dependent)).waiting?.reason === 'SCHEDULE')
    expect(await cancel(dependent)).toMatchObject({ task: { status: 'CANCELLED' } })
  })

  it('does not miss the end of one that ends while it is submitted', async () => {
    const { id, release } = await submitHeld()
    const submitting = Array.from({ length: 40 }, async (_, index) => {
      if (index === 20) release()
      return submitAfter([id])
    })
    for (const dependent of await Promise.all(submitting)) await reach(dependent, 'COMPLETED')
  })

  it.each([
    ['FAIL', 'FAILED', { error: { code: 'DEPENDENCY_FAILED' } }],
    ['SKIP', 'CANCELLED', { cancelReason: expect.stringContaining('which it depends on, failed.') }],
    ['RUN', 'COMPLETED', { error: null }],
  ])('ends as it says when one fails: %s', async (onFailure, status, more) => {
    const gate = await submitHeld()
    const failed = await submitTask(server, { ...failing, ...startsAfter(gate.id) })
    const waiting = await submitTask(server, { type: 'probe', dependsOn: [{ taskId: failed, onFailure }] })
    gate.release()
    expect(await reach(waiting, status)).toMatchObject(more)
    const late = await submitTask(server, { type: 'probe', dependsOn: [{ taskId: failed, onFailure }] })
    expect(await reach(late, status)).toMatchObject(more)
  })

  it('ends with all that depends on it in turn when one is cancelled, in one commit', async () => {
    const { id } = await submitHeld()
    const chain = [await submitAfter([id])]
    for (let length = 1; length < 5; length += 1) chain.push(await submitAfter([chain.at(-1) as string]))
    const skipped = await submitTask(server, { type: 'probe', dependsOn: [{ taskId: chain[4], onFailure: 'SKIP' }] })
    expect(await cancel(chain[0] as string)).toMatchObject({ task: { status: 'CANCELLED' } })
    for (const link of chain.slice(1)) expect(await find(link)).toMatchObject({ status: 'FAILED' })
    expect(await find(skipped)).toMatchObject({ status: 'CANCELLED' })
    const ends = await Promise.all([...chain, skipped].map(async (link) => (await entries(link)).at(-1)))
    expect(new Set(ends.map((end) => end?.xid)).size).toBe(1)
    await cancel(id)
  })

  it('starts at once when they have completed before', async () => {
    const id = await submitTask(server, { type: 'probe' })
    await reach(id, 'COMPLETED')
    expect(await reach(await submitAfter([id]), 'COMPLETED')).toMatchObject({
      dependsOn: [{ taskId: id, status: 'COMPLETED' }],
    })
  })

  it('knows how one ended whose row was deleted since', async () => {
    const id = await submitTask(server, { type: 'probe' })
    const dependent = await submitAfter([id])
    await reach(dependent, 'COMPLETED')
    await server.database.query('DELETE FROM task WHERE id = $1', [id])
    expect(await find(dependent)).toMatchObject({ dependsOn: [{ taskId: id, status: 'COMPLETED', task: null }] })
  })

  it('is retried once those that failed have completed', async () => {
    const gate = await submitHeld()
    const first = await submitTask(server, { type: 'holds', input: { until: 'never' }, ...startsAfter(gate.id) })
    const id = await submitAfter([first])
    await cancel(first)
    await reach(id, 'FAILED')
    expect(await mutate('retryTask', { id })).toMatchObject({
      code: 'TASK_NOT_RETRYABLE',
      message: expect.stringContaining(`task ${first}, which it depends on, was cancelled.`),
    })
    await mutate('retryTask', { id: first })
    await mutate('retryTask', { id })
    expect(await find(id)).toMatchObject({ status: 'PENDING', waiting: { reason: 'DEPENDENCY', ahead: 1 } })
    expect(await find(first)).toMatchObject({ status: 'PENDING', waiting: { reason: 'DEPENDENCY', ahead: 1 } })
    await cancel(gate.id)
    await reach(gate.id, 'CANCELLED')
    expect(await find(first)).toMatchObject({ status: 'FAILED' })
    expect(await find(id)).toMatchObject({ status: 'FAILED' })
  })

  it('is the same for a repeated request, whatever has become of what it names', async () => {
    const id = await submitTask(server, { type: 'probe' })
    const request = { type: 'probe', idempotencyKey: randomUUID(), ...startsAfter(id) }
    const first = await submit(request)
    await reach(first.task?.id ?? '', 'COMPLETED')
    await server.database.query('DELETE FROM task WHERE id = $1', [id])
    expect((await submit(request)).task?.id).toBe(first.task?.id)
  })
})

describe('a dependency that cannot be', () => {
  const other = () => addAccount(server.database.url).then(({ ownerToken }) => ({ ...server, token: ownerToken }))

  it('is refused with its path: an unknown task, no id, a task of another account', async () => {
    const foreign = await submitTask(await other(), { type: 'probe' })
    for (const taskId of [randomUUID(), 'no id', foreign])
      expect(await submit({ type: 'probe', ...startsAfter(taskId) })).toMatchObject({
        code: 'INVALID_INPUT',
        issues: [{ path: 'dependsOn.0.taskId', message: `there is no task ${taskId}` }],
      })
  })

  it('is refused in the middle of several tasks, of which none is written', async () => {
    const unknown = randomUUID()
    const label = randomUUID()
    const { submitTasks: refused } = await graphqlData<{ submitTasks: Refusable }>(
      server,
      'mutation ($input: SubmitTasksInput!) { submitTasks(input: $input) { ... on InvalidInput { issues { path message } } } }',
      {
        input: {
          tasks: [
            { type: 'probe', labels: { label } },
            { type: 'probe', ...startsAfter(unknown) },
          ],
        },
      },
    )
    expect(refused.issues).toEqual([{ path: 'tasks.1.dependsOn.0.taskId', message: `there is no task ${unknown}` }])
    expect(await server.database.query(`SELECT 1 FROM task WHERE labels->>'label' = $1`, [label])).toEqual([])
  })

  it('is refused when there are too many, or one twice', async () => {
    const ids = await submitTasks(
      server,
      Array.from({ length: 101 }, () => ({ type: 'probe' })),
    )
    expect(await submit({ type: 'probe', ...startsAfter(...ids) })).toMatchObject({
      issues: [{ path: 'dependsOn', message: 'at most 100 dependencies' }],
    })
    expect(await submit({ type: 'probe', ...startsAfter(ids[0] as string, ids[0] as string) })).toMatchObject({
      issues: [{ path: 'dependsOn', message: 'each task at most once' }],
    })
  })

  it('is refused at the end of a chain that is too long', async () => {
    const { id, release } = await submitHeld()
    let last = await submitAfter([id])
    await server.database.query('UPDATE task_dependency SET depth = 100 WHERE task_id = $1', [last])
    expect(await submit({ type: 'probe', ...startsAfter(last) })).toMatchObject({
      issues: [{ message: 'at most 100 tasks can wait for each other in a chain' }],
    })
    release()
    last = (await reach(last, 'COMPLETED')).id
    await reach(await submitAfter([last]), 'COMPLETED')
  })

  it('is refused when an ancestor of the new task would have to end first', async () => {
    const parent = await submitHeld()
    const child = await submitHeld({ parentId: parent.id })
    const later = await submitAfter([parent.id])
    const last = await submitAfter([later])
    for (const taskId of [child.id, parent.id])
      expect(await submit({ type: 'probe', parentId: child.id, ...startsAfter(taskId) })).toMatchObject({
        issues: [
          {
            path: 'dependsOn.0.taskId',
            message: `task ${taskId} is an ancestor of the new task, so each could wait for the other`,
          },
        ],
      })
    expect(await submit({ type: 'probe', parentId: child.id, ...startsAfter(last) })).toMatchObject({
      issues: [
        {
          message: `task ${last} waits for task ${parent.id}, an ancestor of the new task, so each could wait for the other`,
        },
      ],
    })
    await cancel(parent.id)
  })
})

describe('the children of a task', () => {
  it('are listed, know their parent, and go on after it has ended', async () => {
    const parent = await submitHeld()
    const child = await submitHeld({ parentId: parent.id })
    expect(await find(parent.id)).toMatchObject({ children: { nodes: [{ id: child.id }] }, parent: null })
    expect(await find(child.id)).toMatchObject({ parent: { id: parent.id } })
    parent.release()
    await reach(parent.id, 'COMPLETED')
    child.release()
    await reach(child.id, 'COMPLETED')
    expect((await entries(child.id))[0]?.data['parentId']).toBe(parent.id)
  })

  it('are cancelled with it, with their own children and for the same reason, also below one that has ended', async () => {
    const parent = await submitHeld()
    const running = await submitHeld({ parentId: parent.id })
    const ended = await submitHeld({ parentId: parent.id })
    const below = await submitHeld({ parentId: ended.id })
    ended.release()
    await reach(ended.id, 'COMPLETED')
    const runAt = new Date(Date.now() + 3_600_000).toISOString()
    const scheduled = await submitTask(server, { type: 'probe', parentId: running.id, runAt })
    const outside = await submitAfter([scheduled])
    expect(await cancel(parent.id, 'no longer needed')).toMatchObject({ task: { id: parent.id } })
    expect(await find(scheduled)).toMatchObject({ status: 'CANCELLED', cancelReason: 'no longer needed' })
    expect(await find(outside)).toMatchObject({ status: 'FAILED' })
    for (const { id } of [parent, running, below])
      expect(await reach(id, 'CANCELLED')).toMatchObject({ cancelReason: 'no longer needed' })
    expect(await find(ended.id)).toMatchObject({ status: 'COMPLETED' })
    expect(await submit({ type: 'probe', parentId: parent.id })).toMatchObject({
      issues: [{ path: 'parentId', message: `task ${parent.id} has already ended: CANCELLED` }],
    })
  })

  it('are all cancelled when there are more than one transaction takes', async () => {
    const parent = await submitHeld()
    const runAt = new Date(Date.now() + 3_600_000).toISOString()
    const child = { type: 'probe', parentId: parent.id, runAt }
    for (let round = 0; round < 2; round += 1)
      await submitTasks(
        server,
        Array.from({ length: 600 }, () => child),
      )
    await cancel(parent.id)
    const open = await server.database.query(
      `SELECT status, count(*)::int FROM task WHERE parent_id = $1 GROUP BY status`,
      [parent.id],
    )
    expect(open).toEqual([{ status: 'CANCELLED', count: 1_200 }])
    expect(await server.database.query('SELECT 1 FROM task WHERE cancels_descendants')).toEqual([])
  })

  it('are refused below an unknown task, and below too many others', async () => {
    const unknown = randomUUID()
    expect(await submit({ type: 'probe', parentId: unknown })).toMatchObject({
      issues: [{ path: 'parentId', message: `there is no task ${unknown}` }],
    })
    const runAt = new Date(Date.now() + 3_600_000).toISOString()
    let parentId: string | undefined
    for (let generation = 0; generation < 20; generation += 1)
      parentId = await submitTask(server, { type: 'probe', runAt, parentId })
    expect(await submit({ type: 'probe', runAt, parentId })).toMatchObject({
      issues: [{ path: 'parentId', message: 'tasks can be nested at most 20 levels deep' }],
    })
  })
})

describe.each(['none', 'process'])('a running task with isolation %s', (isolation) => {
  const type = `submits.${isolation}`

  it('submits children, each once for a key, as part of itself and for who submitted it', async () => {
    const parent = await submitTask(server, { type })
    await reach(parent, 'COMPLETED')
    const { task } = await graphqlData<{
      task: { result: object[]; createdBy: object; children: { nodes: { id: string; createdBy: object }[] } }
    }>(
      server,
      'query ($id: ID!) { task(id: $id) { result createdBy { kind id } children { nodes { id createdBy { kind id } } } } }',
      { id: parent },
    )
    const [child] = task.children.nodes
    expect(task.children.nodes).toHaveLength(1)
    expect(task.result).toEqual([
      { id: child?.id, deduplicated: false },
      { id: child?.id, deduplicated: true },
    ])
    expect(child?.createdBy).toEqual(task.createdBy)
    await reach(child?.id ?? '', 'COMPLETED')
  })

  it('is refused children of types that its own does not name', async () => {
    const parent = await submitTask(server, { type, input: { type: 'probe' } })
    expect(await reach(parent, 'FAILED')).toMatchObject({
      error: {
        message: expect.stringContaining(`Tasks of the type "${type}" may not submit tasks of the type "probe"`),
      },
    })
  })
})
