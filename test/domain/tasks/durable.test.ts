import { randomUUID } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { auditEntriesOnce } from '#test/support/audit.ts'
import { run } from '#test/support/command-line.ts'
import { toldEvents } from '#test/support/events.ts'
import { submitTask } from '#test/support/follower.ts'
import { graphql, graphqlData } from '#test/support/graphql.ts'
import { createTestDatabase, startTestServer, type TestDatabase, type TestServer } from '#test/support/server.ts'
import { addToken, ownAccount } from '#test/support/tokens.ts'
import { until } from '#test/support/until.ts'

const configFile = fileURLToPath(new URL('../../fixtures/durable/signalbox.config.ts', import.meta.url))

let directory: string
let database: TestDatabase
let server: TestServer
/** Asks another process than the one whose hints it gets. */
let other: TestServer
let approver: string
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'signalbox-durable-'))
  database = await createTestDatabase()
  const options = { configFile, database, env: { LOG_LEVEL: 'silent', WORKER_SLOTS: '4', CRITICAL_SLOTS: '0' } }
  server = await startTestServer(options)
  other = await startTestServer(options)
  approver = await tokenWith('tasks:approve')
})
afterAll(async () => {
  await other.close()
  await server.close()
  await database.drop()
  rmSync(directory, { recursive: true })
})

async function tokenWith(...scopes: string[]): Promise<string> {
  return (await addToken(server, { accountId: await ownAccount(server), scopes })).token
}

interface Task {
  readonly id: string
  readonly status: string
  readonly result: unknown
  readonly error: { readonly code: string; readonly message: string } | null
  readonly waiting: { readonly reason: string; readonly message: string } | null
  readonly approvals: readonly Readonly<Record<string, unknown>>[]
  readonly steps: readonly { readonly name: string; readonly attempt: number }[]
  readonly attempts: readonly { readonly status: string }[]
}

const query = `query ($id: ID!) { task(id: $id) { id status result error { code message } waiting { reason message }
  approvals { name status comment decidedBy { name } decidedAt } steps { name attempt } attempts { status } } }`

async function find(id: string): Promise<Task> {
  return (await graphqlData<{ task: Task }>(server, query, { id })).task
}

function reach(id: string, isReached: (task: Task) => boolean): Promise<Task> {
  return until(async () => {
    const task = await find(id)
    return isReached(task) && task
  }, 30_000)
}

const waitsFor = (id: string, reason: string) => reach(id, ({ waiting }) => waiting?.reason === reason)
const ended = (id: string) => reach(id, ({ status }) => ['COMPLETED', 'FAILED', 'CANCELLED'].includes(status))

const newFile = () => join(directory, randomUUID())
const linesOf = (file: string) => (existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [])

async function submit(type: string, input: object = {}): Promise<{ id: string; file: string }> {
  const file = newFile()
  return { id: await submitTask(server, { type, input: { file, ...input } }), file }
}

interface Outcome {
  readonly task?: { readonly status: string }
  readonly isDelivered?: boolean
  readonly code?: string
  readonly message?: string
}

async function call(
  name: 'ApproveTask' | 'RejectTask' | 'SignalTask',
  input: object,
  token = approver,
): Promise<Outcome> {
  const field = `${name.charAt(0).toLowerCase()}${name.slice(1)}`
  const more = name === 'SignalTask' ? 'isDelivered' : ''
  const mutation = `mutation ($input: ${name}Input!) { ${field}(input: $input) {
    ... on ${name}Payload { task { status } ${more} } ... on Failure { code message } } }`
  const { data, errors } = await graphql<Record<string, Outcome>>(other, mutation, { input }, token)
  return data?.[field] ?? { code: String(errors?.[0]?.extensions?.['code']) }
}

describe.each(['process', 'none'])('a task with isolation %s', (isolation) => {
  it('does each step once, and gives its result to later attempts', async () => {
    const { id, file } = await submit(`durable.steps.${isolation}`)
    const task = await ended(id)
    expect(task.result).toEqual({
      first: { name: 'first', count: 1 },
      second: { name: 'second', count: 2 },
      third: null,
      last: { name: 'last', count: 3 },
    })
    expect(linesOf(file)).toEqual(['first', 'second', 'last'])
    expect(task.steps.map(({ name, attempt }) => [name, attempt]).toSorted()).toEqual([
      ['first', 1],
      ['last', 2],
      ['second', 1],
      ['third', 1],
    ])
  })

  it('waits for an approval without a slot, and continues where it was', async () => {
    const { id, file } = await submit(`durable.gate.${isolation}`, { name: 'production' })
    const waiting = await waitsFor(id, 'APPROVAL')
    expect(waiting).toMatchObject({
      status: 'SCHEDULED',
      waiting: { message: expect.stringContaining('It is waiting for the approval "production" until ') },
      approvals: [{ name: 'production', status: 'PENDING', decidedBy: null }],
      attempts: [{ status: 'WAITED' }],
    })
    expect(await call('ApproveTask', { id, comment: 'looks good' })).toEqual({ task: { status: 'PENDING' } })
    const task = await ended(id)
    expect(task.result).toEqual({
      built: { name: 'build', count: 1 },
      by: 'other',
      comment: 'looks good',
      attempt: 2,
      deployed: { name: 'deploy', count: 2 },
    })
    expect(task.approvals).toMatchObject([{ status: 'APPROVED', comment: 'looks good', decidedBy: { name: 'other' } }])
    expect(linesOf(file)).toEqual(['build', 'deploy'])
  })

  it('receives events in their order, whether they are sent before or after it waits', async () => {
    const { id } = await submit(`durable.events.${isolation}`)
    await waitsFor(id, 'EVENT')
    expect(await call('SignalTask', { id, name: 'other', value: 0 }, server.token)).toMatchObject({
      isDelivered: false,
    })
    expect((await find(id)).status).toBe('SCHEDULED')
    expect(await call('SignalTask', { id, name: 'go', value: { n: 1 } }, server.token)).toMatchObject({
      isDelivered: true,
    })
    await call('SignalTask', { id, name: 'go', value: 2 }, server.token)
    expect((await ended(id)).result).toEqual({ values: [{ n: 1 }, 2], by: 'owner', isDate: true })
    expect(await call('SignalTask', { id, name: 'go' }, server.token)).toMatchObject({ code: 'TASK_ALREADY_ENDED' })
  })

  it('waits until a time', async () => {
    const { id, file } = await submit(`durable.until.${isolation}`, { timeoutMs: 1_500 })
    await waitsFor(id, 'SCHEDULE')
    expect(linesOf(file)).toEqual([])
    expect((await ended(id)).result).toEqual({ name: 'woke', count: 1 })
  })

  it('waits for the end of another task', async () => {
    const { id: awaited } = await submit(`durable.gate.${isolation}`)
    const { id } = await submit(`durable.task.${isolation}`, { task: awaited })
    await Promise.all([waitsFor(id, 'TASK'), waitsFor(awaited, 'APPROVAL')])
    await call('RejectTask', { id: awaited })
    const error = { code: 'APPROVAL_REJECTED', message: 'other rejected "thing".' }
    expect((await ended(id)).result).toEqual({ id: awaited, status: 'FAILED', result: null, error })
    const { id: late } = await submit(`durable.task.${isolation}`, { task: awaited })
    expect((await ended(late)).result).toMatchObject({ status: 'FAILED' })
  })

  it('fails when what it waits for does not come in time, unless it handles that', async () => {
    const [gate, catches] = await Promise.all(
      ['gate', 'catches'].map((name) => submit(`durable.${name}.${isolation}`, { timeoutMs: 1_000 })),
    )
    expect(await ended(gate?.id ?? '')).toMatchObject({
      status: 'FAILED',
      error: { code: 'WAIT_TIMED_OUT', message: 'It waited for the approval "thing", which did not come in time.' },
      approvals: [{ status: 'TIMED_OUT' }],
    })
    expect((await ended(catches?.id ?? '')).result).toBe('WAIT_TIMED_OUT')
  })
})

describe('an approval', () => {
  it('is an event, and so is each decision, which is in the audit log', async () => {
    const { id } = await submit('durable.gate.none', { name: 'staging' })
    await waitsFor(id, 'APPROVAL')
    const types = ['task.approval_requested', 'task.waiting', 'task.rejected', 'task.failed']
    expect(await call('RejectTask', { id, comment: 'not today' })).toMatchObject({ task: { status: 'PENDING' } })
    expect((await ended(id)).error).toMatchObject({
      code: 'APPROVAL_REJECTED',
      message: 'other rejected "staging": not today',
    })
    const events = await toldEvents(server, types, ({ data }) => data['attempt'] !== undefined, 4)
    const own = events.filter(({ data }) => ['staging', undefined].includes(data['approval'] as string)).slice(-4)
    expect(own.map(({ type, data }) => [type, data['status'], data['waiting'] ?? data['approval']])).toEqual([
      ['task.approval_requested', 'ACTIVE', 'staging'],
      ['task.waiting', 'SCHEDULED', 'APPROVAL'],
      ['task.rejected', 'PENDING', 'staging'],
      ['task.failed', 'FAILED', undefined],
    ])
    const [entry] = await auditEntriesOnce(server, { types: ['task.rejected'], subject: `task:${id}` })
    expect(entry).toMatchObject({ data: { approval: 'staging', comment: 'not today' }, scopes: ['tasks:approve'] })
  })

  it('is refused to those who may not, twice, after the task, under another name, and of what asks for none', async () => {
    const { id } = await submit('durable.gate.none')
    await waitsFor(id, 'APPROVAL')
    expect(await call('ApproveTask', { id }, await tokenWith('tasks:write'))).toEqual({ code: 'FORBIDDEN' })
    const narrow = await tokenWith('tasks:approve:type=durable.strict')
    expect(await call('ApproveTask', { id }, narrow)).toMatchObject({ code: 'NOT_FOUND' })
    expect(await call('ApproveTask', { id, approval: 'else' })).toMatchObject({
      code: 'NO_APPROVAL_PENDING',
      message: expect.stringContaining('it waits for "thing", not for "else"'),
    })
    const both = await Promise.all([call('ApproveTask', { id }), call('ApproveTask', { id })])
    expect(both.filter(({ task }) => task !== undefined)).toHaveLength(1)
    await ended(id)
    expect(await call('ApproveTask', { id })).toMatchObject({ code: 'TASK_ALREADY_ENDED' })
    const { id: asksNothing } = await submit('durable.events.none')
    await waitsFor(asksNothing, 'EVENT')
    expect(await call('ApproveTask', { id: asksNothing })).toMatchObject({ code: 'NO_APPROVAL_PENDING' })
    expect(await call('ApproveTask', { id: randomUUID() })).toMatchObject({ code: 'NOT_FOUND' })
  })

  it('is refused to the one who submitted the task when its type says so', async () => {
    const { id } = await submit('durable.strict')
    await waitsFor(id, 'APPROVAL')
    expect(await call('ApproveTask', { id }, server.token)).toMatchObject({ code: 'SELF_APPROVAL' })
    expect(await call('RejectTask', { id }, server.token)).toMatchObject({ code: 'SELF_APPROVAL' })
    await call('ApproveTask', { id })
    expect((await ended(id)).result).toBe('other')
  })

  it('can be asked for again when somebody retries the task', async () => {
    const { id, file } = await submit('durable.gate.none')
    await waitsFor(id, 'APPROVAL')
    await call('RejectTask', { id })
    await ended(id)
    await graphqlData(server, 'mutation ($id: ID!) { retryTask(input: { id: $id }) { __typename } }', { id })
    await waitsFor(id, 'APPROVAL')
    await call('ApproveTask', { id })
    expect(await ended(id)).toMatchObject({ status: 'COMPLETED', result: { built: { count: 1 } } })
    expect(linesOf(file)).toEqual(['build', 'deploy'])
  })

  it('is over when the task is cancelled', async () => {
    const { id } = await submit('durable.gate.none')
    await waitsFor(id, 'APPROVAL')
    await graphqlData(server, 'mutation ($id: ID!) { cancelTask(input: { id: $id }) { __typename } }', { id })
    expect(await find(id)).toMatchObject({ status: 'CANCELLED', waiting: null, approvals: [{ status: 'CANCELLED' }] })
    expect(await call('ApproveTask', { id })).toMatchObject({ code: 'TASK_ALREADY_ENDED' })
  })

  it('stands before a command that the configuration says so of', async () => {
    const id = await submitTask(server, { type: 'command.deploy', input: {} })
    await waitsFor(id, 'APPROVAL')
    expect(await call('ApproveTask', { id }, server.token)).toMatchObject({ code: 'SELF_APPROVAL' })
    await call('ApproveTask', { id })
    expect((await ended(id)).status).toBe('COMPLETED')
  })
})

describe('the command line', () => {
  it('lists, shows, approves, rejects and signals', async () => {
    const signalbox = (...args: string[]) =>
      run(args, { env: { SIGNALBOX_URL: server.url, SIGNALBOX_TOKEN: server.token } })
    const { id } = await submit('durable.gate.none', { name: 'production' })
    await waitsFor(id, 'APPROVAL')
    const list = await signalbox('task', 'list', '--type', 'durable.gate.none', '--first', '1')
    expect(list.stdout).toContain('It is waiting for the approval "production"')
    const shown = (await signalbox('task', 'show', id)).stdout
    expect(shown).toMatch(/^APPROVAL +STATUS .*\nproduction +PENDING /m)
    expect(shown).toMatch(/^STEP +ATTEMPT .*\nbuild +1 /m)
    expect((await signalbox('task', 'approve', id, '--approval', 'staging')).code).toBe(5)
    expect((await signalbox('task', 'approve', id, '--comment', 'go')).stdout).toBe(
      `Task ${id} is approved; it continues.\n`,
    )
    await ended(id)
    const { id: events } = await submit('durable.events.none')
    expect((await signalbox('task', 'signal', events, 'go', '--value', '{"n": 1}')).code).toBe(0)
    expect((await signalbox('task', 'signal', events, 'go')).code).toBe(0)
    expect((await ended(events)).result).toMatchObject({ values: [{ n: 1 }, null] })
  })
})

describe('what cannot be', () => {
  beforeAll(async () => {
    const secret = 'mutation { putSecret(input: { name: "STEP_TOKEN", value: "hidden-token" }) { __typename } }'
    await graphqlData(server, secret)
  })

  it.each([
    ['twice', 'STEP_REPEATED', 'The step "a" occurs twice; each needs a name of its own.'],
    ['not-json', 'INVALID_STEP_RESULT', 'The result of the step "a" cannot be written as JSON: it is a function.'],
    ['large', 'STEP_RESULT_TOO_LARGE', 'The result of the step "a" is 300,002 bytes; at most 262,144 can be kept.'],
    [
      'nameless',
      'INVALID_NAME',
      'A step or a wait is not valid: name: Too small: expected string to have >=1 characters.',
    ],
    ['itself', 'INVALID_WAIT', 'A task cannot wait for itself.'],
    ['nothing', 'INVALID_WAIT', 'waitFor takes exactly one of event, approval, until and task.'],
    ['for-ever', 'INVALID_WAIT', 'timeoutMs must be 0 to 31,622,400,000, but is 1000000000000.'],
    ['two-waits', 'WAITS_TWICE', 'A task can wait for one thing at a time: await each waitFor before the next.'],
    ['secret', 'SECRET_IN_STEP', 'The result of the step "a" holds a secret of the task, which must not be stored.'],
  ])('fails the task: %s', async (name, code, message) => {
    const { id } = await submit(`durable.bad.${name}`)
    expect((await ended(id)).error).toEqual({ code, message })
  })

  it('keeps a bounded number of signals', async () => {
    const { id } = await submit('durable.gate.none')
    await waitsFor(id, 'APPROVAL')
    const sent = await Promise.all(
      Array.from({ length: 101 }, () => call('SignalTask', { id, name: 'x' }, server.token)),
    )
    expect(sent.filter(({ code }) => code === 'TOO_MANY_SIGNALS')).toHaveLength(1)
    expect(await call('SignalTask', { id, name: 'x', value: 'v'.repeat(70_000) }, server.token)).toMatchObject({
      code: 'INVALID_INPUT',
    })
    await graphqlData(server, 'mutation ($id: ID!) { cancelTask(input: { id: $id }) { __typename } }', { id })
  })
})
