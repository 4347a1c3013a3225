import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { submitTask, submitTasks } from '#test/support/follower.ts'
import { graphql, graphqlData } from '#test/support/graphql.ts'
import { createTestDatabase, startTestServer, type TestDatabase, type TestServer } from '#test/support/server.ts'
import { addToken, ownAccount } from '#test/support/tokens.ts'
import { until } from '#test/support/until.ts'

const configFile = fileURLToPath(new URL('../../../fixtures/limits/signalbox.config.ts', import.meta.url))
const options = { configFile, env: { WORKER_SLOTS: '8', CRITICAL_SLOTS: '0', LOG_LEVEL: 'silent' } }

let directory: string
let database: TestDatabase
/** Two servers on one database: each run is created once. */
let servers: TestServer[]
let server: TestServer
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'signalbox-schedules-'))
  database = await createTestDatabase()
  servers = [await startTestServer({ ...options, database }), await startTestServer({ ...options, database })]
  server = servers[0]!
})
afterAll(async () => {
  for (const one of servers) await one.close()
  await database.drop()
  rmSync(directory, { recursive: true })
})

interface Run {
  readonly id: string
  readonly status: string
  readonly scheduledFor: string
  readonly createdAt: string
  readonly startedAt: string | null
  readonly finishedAt: string | null
}

interface Schedule {
  readonly id: string
  readonly status: string
  readonly statusReason: string | null
  readonly nextRunAt: string | null
  readonly nextRuns: readonly string[]
  readonly runCount: number
  readonly waitingRuns: readonly string[]
  readonly maker: { readonly name: string }
  readonly runs: { readonly nodes: readonly Run[] }
}

const fields = /* GraphQL */ `
  id name type status statusReason nextRunAt nextRuns(first: 3) runCount waitingRuns maker { name }
  runs(first: 50) { nodes { id status scheduledFor createdAt startedAt finishedAt } }`
const failure = '... on Failure { code message ... on InvalidInput { issues { path message } } }'

async function mutate(name: string, input: object, token?: string): Promise<Record<string, unknown> & { id: string }> {
  const type = `${name[0]?.toUpperCase()}${name.slice(1)}`
  const payload = name === 'deleteTaskSchedule' ? 'id' : `schedule { ${fields} }`
  const query = `mutation ($input: ${type}Input!) { result: ${name}(input: $input) { ... on ${type}Payload { ${payload} } ${failure} } }`
  const { data, errors } = await graphql<{ result: Record<string, unknown> }>(server, query, { input }, token)
  if (errors !== undefined) return { id: '', ...errors[0]?.extensions }
  const { schedule, ...rest } = data?.result ?? {}
  return { ...(schedule as object), ...rest } as Record<string, unknown> & { id: string }
}

async function create(input: object, token?: string): Promise<string> {
  const made = await mutate('createTaskSchedule', { name: 'a schedule', task: { type: 'probe' }, ...input }, token)
  if (made.id === undefined) throw new Error(JSON.stringify(made))
  return made.id
}

async function find(id: string): Promise<Schedule> {
  const query = `query ($id: ID!) { taskSchedule(id: $id) { ${fields} } }`
  const { taskSchedule } = await graphqlData<{ taskSchedule: Schedule | null }>(server, query, { id })
  if (taskSchedule === null) throw new Error(`There is no schedule ${id}.`)
  return taskSchedule
}

/** Waits until a schedule is as expected. */
function reach(id: string, isReached: (schedule: Schedule) => boolean): Promise<Schedule> {
  return until(async () => {
    const schedule = await find(id)
    return isReached(schedule) && schedule
  })
}

const countOf = ({ runs }: Schedule, status: string) => runs.nodes.filter((run) => run.status === status).length

/** What the journal says of a schedule, oldest first. */
async function events(id: string): Promise<{ type: string; data: Record<string, unknown> }[]> {
  return database.query(`SELECT type, data FROM journal WHERE subject = $1 ORDER BY xid, seq`, [`schedule:${id}`])
}

const dataOf = async (id: string, type: string) =>
  (await events(id)).filter((event) => event.type === type).map(({ data }) => data)

/** As if the next run had been due so long ago, and nobody had been there. */
async function makeOverdue(id: string, seconds: number): Promise<void> {
  await database.query(
    `UPDATE task_schedule SET next_at = date_trunc('milliseconds', now()) - $2 * interval '1 second' WHERE id = $1`,
    [id, seconds],
  )
  await mutate('updateTaskSchedule', { id, name: 'looked at again' })
}

/** A gate at which runs wait. */
function gated() {
  const gate = join(directory, randomUUID())
  return { task: { type: 'limits.free', input: { gate } }, open: () => writeFileSync(gate, '') }
}

describe('a schedule', () => {
  it('creates each run once at its time, by whichever process, and ends after its last one', async () => {
    const ids = await Promise.all(
      Array.from({ length: 8 }, () =>
        create({ everyMs: 1_000, maxRuns: 3, overlap: 'ALLOW', task: { type: 'limits.free' } }),
      ),
    )
    for (const id of ids) {
      const { runs, status, nextRunAt } = await reach(
        id,
        ({ runCount, runs }) => runCount === 3 && runs.nodes.every(({ status }) => status === 'COMPLETED'),
      )
      expect({ status, nextRunAt }).toEqual({ status: 'ENDED', nextRunAt: null })
      const times = runs.nodes.map(({ scheduledFor }) => Date.parse(scheduledFor)).toReversed()
      expect(times.map((time) => time - (times[0] ?? 0))).toEqual([0, 1_000, 2_000])
      for (const { scheduledFor, startedAt } of runs.nodes)
        expect(Date.parse(startedAt ?? '') - Date.parse(scheduledFor)).toBeLessThan(5_000)
      expect((await events(id)).map(({ type }) => type)).toEqual([
        'schedule.created',
        ...Array(3).fill('schedule.run'),
        'schedule.ended',
      ])
    }
    const { task } = await graphqlData<{ task: object }>(
      server,
      'query ($id: ID!) { task(id: $id) { schedule { id name } } }',
      { id: (await find(ids[0]!)).runs.nodes[0]?.id },
    )
    expect(task).toEqual({ schedule: { id: ids[0], name: 'a schedule' } })
  })

  it('starts with its start, ends with its end, and previews its runs over both changes of the clocks', async () => {
    const id = await create({
      cron: '30 2 * * *',
      timeZone: 'Europe/Berlin',
      startAt: '2027-03-27T12:00:00Z',
      endAt: '2027-03-29T00:30:00Z',
    })
    const { nextRunAt, nextRuns } = await find(id)
    expect(nextRuns).toEqual(['2027-03-28T01:00:00.000Z', '2027-03-29T00:30:00.000Z'])
    expect(nextRunAt).toBe(nextRuns[0])
    const changed = await mutate('updateTaskSchedule', { id, startAt: '2027-10-30T12:00:00Z', endAt: null, maxRuns: 2 })
    expect(changed['nextRuns']).toEqual(['2027-10-31T00:30:00.000Z', '2027-11-01T01:30:00.000Z'])
    const weekly = await mutate('updateTaskSchedule', { id, rrule: 'RRULE:FREQ=WEEKLY;BYDAY=MO', maxRuns: null })
    expect(weekly['nextRuns']).toEqual([
      '2027-11-01T13:00:00.000Z',
      '2027-11-08T13:00:00.000Z',
      '2027-11-15T13:00:00.000Z',
    ])
  })

  it.each<[object, string, string | RegExp]>([
    [{ cron: '0 0 30 2 *' }, 'cron', 'is never due'],
    [{ cron: '0 0 1 1 *', endAt: '2020-01-01T00:00:00Z' }, 'cron', 'is never due: endAt has passed'],
    [
      { everyMs: 60_000, startAt: '2030-01-02T00:00:00Z', endAt: '2030-01-01T00:00:00Z' },
      'endAt',
      'must be after startAt',
    ],
    [{ everyMs: 9_999 }, 'everyMs', /more often than every 10 seconds, which needs a maxRuns of at most 1000/],
    [{ cron: '* * * * * *', maxRuns: 1_001 }, 'cron', /more often than every 10 seconds/],
    [{ cron: '0,5 0 3 1 1 *' }, 'cron', /more often than every 10 seconds/],
    [{ rrule: 'FREQ=MINUTELY;BYSECOND=0,1' }, 'rrule', /more often than every 10 seconds/],
    [{ rrule: 'FREQ=DAILY;COUNT=3' }, 'startAt', 'is needed for a COUNT, which counts from it'],
    [{ everyMs: 60_000, maxRuns: 0 }, 'maxRuns', /1/],
    [{ everyMs: 60_000, name: '' }, 'name', /1/],
    [
      { everyMs: 60_000, task: { type: 'probe', runAt: '2030-01-01T00:00:00Z' } },
      'task.runAt',
      'is decided by the schedule for each run',
    ],
    [{ everyMs: 60_000, task: { type: 'probe', input: { text: 'x'.repeat(65_536) } } }, 'task', /may have 65536/],
    [{ everyMs: 60_000, task: { type: 'probe', input: { steps: 'many' } } }, 'input.steps', /number/],
  ])('is refused: %o', async (input, path, message) => {
    const refused = await mutate('createTaskSchedule', { name: 'refused', task: { type: 'probe' }, ...input })
    expect(refused).toMatchObject({ code: 'INVALID_INPUT', issues: [{ path }] })
    const [issue] = refused['issues'] as { message: string }[]
    if (typeof message === 'string') expect(issue?.message).toBe(message)
    else expect(issue?.message).toMatch(message)
  })

  it('is refused for a task type that is not there', async () => {
    const refused = await mutate('createTaskSchedule', { name: 'x', everyMs: 60_000, task: { type: 'nothing' } })
    expect(refused).toMatchObject({ code: 'UNKNOWN_TASK_TYPE' })
  })

  it('creates tasks of a type that a program has registered', async () => {
    const types = [{ name: 'elsewhere.report', inputSchema: { type: 'object', required: ['day'] } }]
    const register =
      'mutation ($types: [TaskTypeInput!]!) { registerTaskTypes(input: { types: $types }) { __typename } }'
    await graphqlData(server, register, { types })
    const task = { type: 'elsewhere.report', input: { day: 'today' } }
    const id = await create({ everyMs: 600_000, task })
    await makeOverdue(id, 1)
    expect((await reach(id, ({ runCount }) => runCount === 1)).runs.nodes).toMatchObject([{ status: 'PENDING' }])
    const refused = await mutate('createTaskSchedule', { name: 'x', everyMs: 600_000, task: { ...task, input: {} } })
    expect(refused).toMatchObject({ code: 'INVALID_INPUT' })
  })

  it('is created once under an idempotency key', async () => {
    const input = { everyMs: 60_000, idempotencyKey: randomUUID() }
    const id = await create(input)
    expect(await create(input)).toBe(id)
    const other = await mutate('createTaskSchedule', { ...input, name: 'other', task: { type: 'probe' } })
    expect(other).toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' })
  })

  it('is paused, resumed, run now, stopped and deleted', async () => {
    const id = await create({ everyMs: 3_600_000 })
    const paused = await mutate('pauseTaskSchedule', { id, reason: 'a freeze' })
    expect(paused).toMatchObject({ status: 'PAUSED', statusReason: 'a freeze', nextRunAt: null })
    const ran = await mutate('runTaskSchedule', { id })
    expect(ran).toMatchObject({ status: 'PAUSED', runCount: 0 })
    expect(await mutate('resumeTaskSchedule', { id })).toMatchObject({ status: 'ACTIVE', statusReason: null })
    const stopped = await mutate('stopTaskSchedule', { id })
    expect(stopped).toMatchObject({ status: 'ENDED', nextRunAt: null, nextRuns: [] })
    for (const name of ['pauseTaskSchedule', 'resumeTaskSchedule', 'updateTaskSchedule'])
      expect(await mutate(name, { id })).toMatchObject({ code: 'SCHEDULE_ENDED' })
    const { runs } = await find(id)
    expect(runs.nodes).toHaveLength(1)
    expect(await mutate('deleteTaskSchedule', { id })).toEqual({ id })
    expect(await mutate('deleteTaskSchedule', { id })).toMatchObject({ code: 'NOT_FOUND' })
    const query = 'query ($id: ID!) { task(id: $id) { schedule { id } scheduledFor } }'
    expect(await graphqlData(server, query, { id: runs.nodes[0]?.id })).toEqual({
      task: { schedule: null, scheduledFor: null },
    })
    expect((await events(id)).map(({ type }) => type)).toEqual([
      'schedule.created',
      'schedule.paused',
      'schedule.run',
      'schedule.resumed',
      'schedule.ended',
      'schedule.deleted',
    ])
  })

  it('is listed newest first, page by page and by status', async () => {
    const ids = [await create({ everyMs: 60_000 }), await create({ everyMs: 60_000 })]
    const query = `query ($after: String, $status: [TaskScheduleStatus!]) {
      taskSchedules(first: 1, after: $after, status: $status) { nodes { id } pageInfo { endCursor hasNextPage } } }`
    type Page = { taskSchedules: { nodes: { id: string }[]; pageInfo: { endCursor: string } } }
    const first = (await graphqlData<Page>(server, query)).taskSchedules
    const second = (await graphqlData<Page>(server, query, { after: first.pageInfo.endCursor })).taskSchedules
    expect([...first.nodes, ...second.nodes].map(({ id }) => id)).toEqual(ids.toReversed())
    await mutate('pauseTaskSchedule', { id: ids[0] })
    const paused = (await graphqlData<Page>(server, query, { status: ['PAUSED'] })).taskSchedules
    expect(paused.nodes).toEqual([{ id: ids[0] }])
  })
})

describe('a run that is due while an earlier one has not ended', () => {
  const often = { everyMs: 1_000, maxRuns: 3 }

  it('is skipped by SKIP', async () => {
    const { task, open } = gated()
    const id = await create({ ...often, task, overlap: 'SKIP' })
    await until(async () => (await dataOf(id, 'schedule.skipped')).length >= 2)
    const { runCount } = await find(id)
    expect(runCount).toBe(1)
    open()
    await reach(id, (schedule) => countOf(schedule, 'COMPLETED') === 3)
    expect((await dataOf(id, 'schedule.skipped'))[0]).toMatchObject({ reason: 'OVERLAP', type: 'limits.free' })
  })

  it('waits with QUEUE, and is created when the earlier one has ended', async () => {
    const { task, open } = gated()
    const id = await create({ ...often, task, overlap: 'QUEUE' })
    const waiting = await reach(id, ({ waitingRuns }) => waitingRuns.length === 2)
    expect(waiting).toMatchObject({ status: 'ACTIVE', runCount: 1, nextRunAt: null })
    open()
    const { runs } = await reach(id, (schedule) => countOf(schedule, 'COMPLETED') === 3)
    const [first, second, third] = runs.nodes.toReversed()
    expect([second?.scheduledFor, third?.scheduledFor]).toEqual(waiting.waitingRuns)
    expect(Date.parse(second?.createdAt ?? '')).toBeGreaterThanOrEqual(Date.parse(first?.finishedAt ?? ''))
    expect(Date.parse(third?.createdAt ?? '')).toBeGreaterThanOrEqual(Date.parse(second?.finishedAt ?? ''))
    expect((await find(id)).status).toBe('ENDED')
  })

  it('runs beside it with ALLOW', async () => {
    const { task, open } = gated()
    const id = await create({ ...often, task, overlap: 'ALLOW' })
    await reach(id, (schedule) => countOf(schedule, 'ACTIVE') === 3)
    open()
  })
})

describe('runs that no server could create in time', () => {
  it('are skipped by SKIP, and the next one comes at its time', async () => {
    const id = await create({ everyMs: 600_000 })
    await makeOverdue(id, 3_000)
    const [missed] = await until(async () => {
      const found = await dataOf(id, 'schedule.missed')
      return found.length > 0 && found
    })
    expect(missed).toMatchObject({ count: 6, runs: false })
    const { runCount, nextRunAt } = await find(id)
    expect(runCount).toBe(0)
    expect(Date.parse(nextRunAt ?? '')).toBeGreaterThan(Date.now())
  })

  it('become one run with ONCE', async () => {
    const id = await create({ everyMs: 600_000, missed: 'ONCE' })
    await makeOverdue(id, 3_000)
    const { runs, nextRunAt } = await reach(id, ({ runCount }) => runCount === 1)
    expect(runs.nodes).toHaveLength(1)
    expect(Date.parse(nextRunAt ?? '')).toBeGreaterThan(Date.now())
    expect(await dataOf(id, 'schedule.missed')).toMatchObject([{ count: 6, runs: true }])
  })

  it('are not missed within a minute', async () => {
    const id = await create({ everyMs: 600_000 })
    await makeOverdue(id, 30)
    await reach(id, ({ runCount }) => runCount === 1)
    expect(await dataOf(id, 'schedule.missed')).toEqual([])
  })

  it('are not created after the schedule’s end', async () => {
    const id = await create({ everyMs: 600_000, missed: 'ONCE', endAt: new Date(Date.now() + 700_000).toISOString() })
    await database.query(`UPDATE task_schedule SET end_at = now() - interval '10 minutes' WHERE id = $1`, [id])
    await makeOverdue(id, 1_000)
    await reach(id, ({ status }) => status === 'ENDED')
    expect(await dataOf(id, 'schedule.ended')).toMatchObject([{ reason: 'END_AT' }])
    expect((await find(id)).runs.nodes).toEqual([])
  })

  it('are decided again when they were decided under a clock that was ahead', async () => {
    const id = await create({ everyMs: 600_000 })
    await database.query(
      `UPDATE task_schedule SET next_at = now() + interval '1 year', decided_at = now() + interval '1 year' WHERE id = $1`,
      [id],
    )
    await create({ everyMs: 600_000 })
    const { nextRunAt } = await reach(id, ({ nextRunAt }) => Date.parse(nextRunAt ?? '') < Date.now() + 600_001)
    expect(Date.parse(nextRunAt ?? '')).toBeGreaterThan(Date.now())
  })
})

describe('the rights of a schedule', () => {
  it('are those of its maker: it fails when they are gone, and runs with those of the caller who resumes it', async () => {
    const accountId = await ownAccount(server)
    const { token, id: tokenId } = await addToken(server, { accountId, scopes: ['tasks:write:type=probe'] })
    const id = await create({ everyMs: 600_000 }, token)
    await makeOverdue(id, 1)
    const { runs } = await reach(id, ({ runCount }) => runCount === 1)
    const query = 'query ($id: ID!) { task(id: $id) { createdBy { id } } }'
    expect(await graphqlData(server, query, { id: runs.nodes[0]?.id })).toEqual({
      task: { createdBy: { id: tokenId } },
    })
    const revoke = 'mutation ($id: String!) { revokeApplicationToken(input: { id: $id }) { __typename } }'
    await graphqlData(server, revoke, { id: tokenId })
    await makeOverdue(id, 1)
    const failed = await reach(id, ({ status }) => status === 'FAILED')
    expect(failed.statusReason).toMatch(/^other, with whose rights it runs, is gone or may no longer submit tasks/)
    expect(failed.nextRunAt).toBeNull()
    expect(await dataOf(id, 'schedule.failed')).toMatchObject([{ code: 'FORBIDDEN' }])
    const resumed = await mutate('resumeTaskSchedule', { id })
    expect(resumed).toMatchObject({ status: 'ACTIVE', statusReason: null })
    expect(resumed['maker']).not.toMatchObject({ name: 'other' })
    await makeOverdue(id, 1)
    await reach(id, ({ runCount }) => runCount === 2)
  })

  it('are those of the caller who changed its task, but not of one who changed its times', async () => {
    const accountId = await ownAccount(server)
    const { token } = await addToken(server, { accountId, scopes: ['tasks:write:type=probe'] })
    const id = await create({ everyMs: 600_000 })
    const { maker } = await find(id)
    expect(await mutate('updateTaskSchedule', { id, everyMs: 700_000 }, token)).toMatchObject({ maker })
    const denied = await mutate('updateTaskSchedule', { id, task: { type: 'limits.free' } }, token)
    expect(denied).toMatchObject({ code: 'FORBIDDEN' })
    const taken = await mutate('updateTaskSchedule', { id, task: { type: 'probe', input: { steps: 2 } } }, token)
    expect(taken).toMatchObject({ maker: { name: 'other' } })
  })

  it('do not reach schedules of other task types', async () => {
    const accountId = await ownAccount(server)
    const { token } = await addToken(server, { accountId, scopes: ['tasks:write:type=limits.*'] })
    const id = await create({ everyMs: 600_000 })
    for (const name of ['pauseTaskSchedule', 'runTaskSchedule', 'deleteTaskSchedule', 'stopTaskSchedule'])
      expect(await mutate(name, { id }, token)).toMatchObject({ code: 'NOT_FOUND' })
    const query =
      'query ($id: ID!) { taskSchedule(id: $id) { id } node(id: $id) { id } taskSchedules { nodes { type } } }'
    const { data } = await graphql<{ taskSchedules: { nodes: { type: string }[] } }>(server, query, { id }, token)
    expect(data).toMatchObject({ taskSchedule: null, node: null })
    expect(data?.taskSchedules.nodes.filter(({ type }) => !type.startsWith('limits.'))).toEqual([])
  })
})

describe('a run that can’t be created', () => {
  it.each([
    ['UNKNOWN_TASK_TYPE', { type: 'gone', input: {} }],
    ['INVALID_INPUT', { type: 'probe', input: { steps: 'many' } }],
  ])('for %s is skipped, and the schedule fails after five in a row', async (reason, task) => {
    const id = await create({ everyMs: 600_000, overlap: 'ALLOW' })
    await database.query('UPDATE task_schedule SET task = $2, type = $3 WHERE id = $1', [
      id,
      JSON.stringify(task),
      task.type,
    ])
    await makeOverdue(id, 1)
    const [skipped] = await until(async () => {
      const found = await dataOf(id, 'schedule.skipped')
      return found.length > 0 && found
    })
    expect(skipped).toMatchObject({ reason })
    expect(await find(id)).toMatchObject({ status: 'ACTIVE', runCount: 0 })
    await database.query('UPDATE task_schedule SET failures = 4 WHERE id = $1', [id])
    await makeOverdue(id, 1)
    await reach(id, ({ status }) => status === 'FAILED')
    expect(await dataOf(id, 'schedule.failed')).toMatchObject([{ code: reason }])
  })

  it('for lack of room is skipped, and later ones are created', async () => {
    const { token, accountId } = await addToken(server)
    const made = await mutate('createTaskSchedule', { name: 'x', everyMs: 600_000, task: { type: 'probe' } }, token)
    await database.query(`UPDATE account SET quotas = '{"storedBytes": 1}' WHERE id = $1`, [accountId])
    const overdue = `UPDATE task_schedule SET next_at = now() WHERE id = $1`
    await database.query(overdue, [made.id])
    await create({ everyMs: 600_000 })
    const [skipped] = await until(async () => {
      const found = await dataOf(made.id, 'schedule.skipped')
      return found.length > 0 && found
    })
    expect(skipped).toMatchObject({ reason: 'QUOTA_EXCEEDED' })
    await database.query(`UPDATE account SET quotas = '{}' WHERE id = $1`, [accountId])
    await database.query(overdue, [made.id])
    await create({ everyMs: 600_000 })
    await until(async () => (await dataOf(made.id, 'schedule.run')).length > 0)
  })

  it('of a suspended account waits until it is resumed', async () => {
    const { token, accountId } = await addToken(server)
    const made = await mutate(
      'createTaskSchedule',
      { name: 'x', everyMs: 600_000, missed: 'ONCE', task: { type: 'probe' } },
      token,
    )
    await database.query(`UPDATE account SET suspended_at = now() WHERE id = $1`, [accountId])
    await database.query(`UPDATE task_schedule SET next_at = now() WHERE id = $1`, [made.id])
    const other = await create({ everyMs: 600_000 })
    await makeOverdue(other, 1)
    await reach(other, ({ runCount }) => runCount === 1)
    expect(await dataOf(made.id, 'schedule.run')).toEqual([])
    await database.query(`UPDATE account SET suspended_at = NULL WHERE id = $1`, [accountId])
    await create({ everyMs: 600_000 })
    await until(async () => (await dataOf(made.id, 'schedule.run')).length > 0)
  })
})

describe('a task whose time comes while there is no slot for it', () => {
  it('becomes PENDING, as an event', async () => {
    const { task, open } = gated()
    await submitTasks(server, Array(16).fill(task))
    await until(async () => {
      const [row] = await database.query(
        `SELECT count(*)::int AS count FROM task WHERE status = 'ACTIVE' AND input = $1`,
        [JSON.stringify(task.input)],
      )
      return row?.['count'] === 16
    })
    const id = await submitTask(server, { type: 'limits.free', runAt: new Date(Date.now() + 500).toISOString() })
    const [due] = await until(async () => {
      const found = await database.query(`SELECT data FROM journal WHERE type = 'task.due' AND subject = $1`, [
        `task:${id}`,
      ])
      return found.length > 0 && found
    })
    expect(due).toMatchObject({ data: { type: 'limits.free', status: 'PENDING', attempt: 0 } })
    open()
    await until(
      async () => (await database.query('SELECT status FROM task WHERE id = $1', [id]))[0]?.['status'] === 'COMPLETED',
    )
  })
})
