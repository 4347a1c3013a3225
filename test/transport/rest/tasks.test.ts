import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { clientOf, gate, makeToken, nextPage, type RestClient } from '#test/support/rest.ts'
import type { TestServer } from '#test/support/server.ts'
import { sharedServer } from '#test/support/shared-server.ts'
import { until } from '#test/support/until.ts'

let server: TestServer
let rest: RestClient
beforeAll(async () => {
  server = await sharedServer()
  rest = clientOf(server)
})
afterAll(() => server.close())

const nobody = randomUUID()

describe('POST /tasks', () => {
  it.each(['/api', '/sfp/api'])('answers with the id and where the state is, under %s', async (prefix) => {
    const { status, headers, body } = await rest.ask(`POST ${prefix}/tasks`, { body: { type: 'probe', data: {} } })
    expect(status).toBe(201)
    expect(body).toEqual({ operationId: expect.any(String), type: 'probe' })
    expect(headers.get('location')).toBe(`${prefix}/tasks/${body['operationId']}/status`)
    const state = await rest.ask(`GET ${headers.get('location')}`)
    expect(state).toMatchObject({ status: 200, body: { progress: expect.any(Number) } })
  })

  it('keeps everything that was asked for', async () => {
    const retryConfig = { maxAttempts: 4, delay: 50, backoff: 'linear', maxDelay: 900 }
    const id = await rest.submit(
      'probe',
      { durationMs: 1 },
      {
        priority: 'high',
        scheduleType: 'scheduled',
        scheduledFor: '2099-01-02T03:04:05+01:00',
        lockDuration: 12_345,
        retryConfig,
      },
    )
    const [task] = await server.database.query('SELECT * FROM task WHERE id = $1', [id])
    expect(task).toMatchObject({
      type: 'probe',
      input: { durationMs: 1 },
      priority: 'CRITICAL',
      run_at: new Date('2099-01-02T02:04:05Z'),
      lock_ms: 12_345,
      retry: { maxAttempts: 4, delayMs: 50, backoff: 'linear', maxDelayMs: 900 },
    })
  })

  it.each([
    ['critical', 'CRITICAL'],
    ['high', 'CRITICAL'],
    ['normal', 'NORMAL'],
    ['batch', 'BATCH'],
    ['low', 'BATCH'],
  ])('takes the priority %s as %s', async (priority, kept) => {
    const id = await rest.submit('probe', {}, { priority })
    const [task] = await server.database.query('SELECT priority FROM task WHERE id = $1', [id])
    expect(task).toEqual({ priority: kept })
  })

  it('answers the same key with the same task, and says so', async () => {
    const options = { body: { type: 'probe', data: {} }, headers: { 'idempotency-key': randomUUID() } }
    const first = await rest.ask('POST /api/tasks', options)
    const second = await rest.ask('POST /api/tasks', options)
    expect(second).toMatchObject({ status: 201, body: first.body })
    expect(first.headers.get('idempotent-replayed')).toBeNull()
    expect(second.headers.get('idempotent-replayed')).toBe('true')
    const other = await rest.ask('POST /api/tasks', { ...options, body: { type: 'probe', data: { steps: 1 } } })
    expect(other).toMatchObject({ status: 409, body: { code: 'IDEMPOTENCY_KEY_REUSED' } })
  })

  it('takes the tasks that it starts after, and the one that it is part of', async () => {
    const later = { scheduleType: 'scheduled', scheduledFor: '2099-01-02T03:04:05Z' }
    const parentId = await rest.submit('probe', {}, later)
    const first = await rest.submit('probe', {}, later)
    const dependsOn = [{ taskId: first, onFailure: 'SKIP' }]
    const id = await rest.submit('probe', {}, { parentId, dependsOn })
    const [task] = await server.database.query('SELECT parent_id, held FROM task WHERE id = $1', [id])
    expect(task).toEqual({ parent_id: parentId, held: 'DEPENDENCY' })
    await rest.ask(`DELETE /api/tasks/${first}`)
    expect((await rest.ask(`GET /api/tasks/${id}/status`)).body).toMatchObject({ status: 'cancelled' })
    const refused = await rest.ask('POST /api/tasks', {
      body: { type: 'probe', data: {}, dependsOn: [{ taskId: nobody }] },
    })
    expect(refused).toMatchObject({
      status: 422,
      body: { code: 'INVALID_INPUT', issues: [{ path: 'dependsOn.0.taskId' }] },
    })
  })

  it.each([
    ['an unknown type', { type: 'nope', data: {} }, 'UNKNOWN_TASK_TYPE', undefined],
    ['data that the type refuses', { type: 'probe', data: { steps: -1 } }, 'INVALID_INPUT', 'data.steps'],
    ['no data', { type: 'probe' }, 'INVALID_INPUT', 'data'],
    ['data that is no object', { type: 'probe', data: [] }, 'INVALID_INPUT', 'data'],
    ['an unknown priority', { type: 'probe', data: {}, priority: 'urgent' }, 'INVALID_INPUT', 'priority'],
    [
      'a schedule without a time',
      { type: 'probe', data: {}, scheduleType: 'scheduled' },
      'INVALID_INPUT',
      'scheduledFor',
    ],
    [
      'a time without a schedule',
      { type: 'probe', data: {}, scheduledFor: '2099-01-01T00:00:00Z' },
      'INVALID_INPUT',
      'scheduledFor',
    ],
    ['recurrence', { type: 'probe', data: {}, scheduleType: 'recurring' }, 'INVALID_INPUT', 'recurrenceConfig'],
    [
      'a recurrence',
      { type: 'probe', data: {}, recurrenceConfig: { every: 1000 } },
      'INVALID_INPUT',
      'recurrenceConfig',
    ],
    ['a field that it does not know', { type: 'probe', data: {}, priorty: 'low' }, 'INVALID_INPUT', ''],
  ])('refuses %s', async (_what, body, code, path) => {
    const answer = await rest.ask<{ detail: string; issues?: { path: string }[] }>('POST /api/tasks', { body })
    expect(answer).toMatchObject({ status: 422, body: { code } })
    expect(answer.body.issues?.[0]?.path).toBe(path)
    if (path) expect(answer.body.detail).toContain(`${path}: `)
  })

  it('answers with the result when the task ends in the time that is preferred', async () => {
    const { status, headers, body } = await rest.ask('POST /api/tasks', {
      body: { type: 'probe', data: { steps: 1 } },
      headers: { prefer: 'respond-async, wait=30' },
    })
    expect(status).toBe(200)
    expect(body).toMatchObject({ type: 'probe', status: 'completed', progress: 100, result: { steps: 1 } })
    expect(headers.get('preference-applied')).toBe('wait=30')
  })

  it('answers as if nothing were preferred when the task takes longer', async () => {
    const held = gate()
    const { status, headers, body } = await rest.ask('POST /api/tasks', {
      body: { type: 'holds', data: { until: held.until } },
      headers: { prefer: 'wait=1' },
    })
    expect(status).toBe(201)
    expect(body).toEqual({ operationId: expect.any(String), type: 'holds' })
    expect(headers.get('preference-applied')).toBe('wait=1')
    held.release()
  })

  it('waits no longer than a minute, however long is preferred', async () => {
    const { headers } = await rest.ask('POST /api/tasks', {
      body: { type: 'probe', data: {} },
      headers: { prefer: 'wait=3600' },
    })
    expect(headers.get('preference-applied')).toBe('wait=60')
  })
})

describe('GET /tasks', () => {
  const ids: string[] = []
  beforeAll(async () => {
    const more = { scheduleType: 'scheduled', scheduledFor: '2099-01-01T00:00:00Z', priority: 'batch' }
    for (let count = 0; count < 5; count++) ids.unshift(await rest.submit('holds', {}, more))
  })
  const list = (query: string) => rest.ask<{ operationId: string; status: string }[]>(`GET /api/tasks?${query}`)
  const idsOf = (answer: { body: { operationId: string }[] }) => answer.body.map((task) => task.operationId)

  it('lists what matches every filter, newest first', async () => {
    const answer = await list('status=pending,active&priority=low&type=holds&type=probe')
    expect(answer.status).toBe(200)
    expect(idsOf(answer)).toEqual(ids)
    expect(answer.body[0]).toEqual({
      operationId: ids[0],
      type: 'holds',
      priority: 'batch',
      status: 'pending',
      progress: 0,
      currentStep: null,
      createdAt: expect.stringMatching(/Z$/),
      scheduledFor: '2099-01-01T00:00:00.000Z',
      startedAt: null,
      finishedAt: null,
      labels: {},
    })
    expect(idsOf(await list('status=completed&type=holds&priority=batch'))).toEqual([])
  })

  it('pages by offset', async () => {
    expect(idsOf(await list('status=pending&type=holds&priority=batch&limit=2&offset=1'))).toEqual(ids.slice(1, 3))
    expect(idsOf(await list('status=pending&type=holds&priority=batch&offset=5'))).toEqual([])
    expect(idsOf(await list('status=pending&type=holds&priority=batch&offset=500'))).toEqual([])
  })

  it('leads through the whole list by its links', async () => {
    const seen: string[] = []
    let next: string | undefined = '/api/tasks?status=pending&type=holds&priority=batch&limit=2'
    while (next !== undefined) {
      const answer: Awaited<ReturnType<typeof list>> = await rest.ask(`GET ${next}`)
      seen.push(...idsOf(answer))
      next = nextPage(answer)
    }
    expect(seen).toEqual(ids)
  })

  it.each([
    'limit=0',
    'limit=201',
    'limit=many',
    'offset=10001',
    'offset=-1',
    'cursor=abc',
    'cursor=abc&offset=1',
    'status=done',
    'priority=urgent',
    'type=%00',
  ])('refuses %s', async (query) => {
    expect(await list(query)).toMatchObject({ status: 400 })
  })

  it('shows nothing of another account', async () => {
    const token = await makeToken(server, ['tasks:read'], 'other')
    expect(await rest.ask('GET /api/tasks', { token })).toMatchObject({ status: 200, body: [] })
    expect(await rest.ask(`GET /api/tasks/${ids[0]}/status`, { token })).toMatchObject({ status: 404 })
  })
})

describe('GET /tasks/{operationId}/status', () => {
  it('says where a task stands', async () => {
    const held = gate()
    const id = await rest.submit('holds', { until: held.until })
    await rest.reach(id, 'active')
    const state = await until(async () => {
      const { body } = await rest.ask(`GET /api/tasks/${id}/status`)
      return body['currentStep'] !== null && body
    })
    expect(state).toEqual({ status: 'active', progress: 40, currentStep: 'halfway' })
    held.release()
    await rest.reach(id, 'completed')
  })

  it('waits for the end when it is asked to', async () => {
    const held = gate()
    const id = await rest.submit('holds', { until: held.until })
    await rest.reach(id, 'active')
    const waiting = rest.ask(`GET /api/tasks/${id}/status?wait=30`)
    held.release()
    expect(await waiting).toMatchObject({ status: 200, body: { status: 'completed' } })
  })

  it('answers with what is when the wait is over', async () => {
    const id = await rest.submit('probe', {}, { scheduleType: 'scheduled', scheduledFor: '2099-01-01T00:00:00Z' })
    expect(await rest.ask(`GET /api/tasks/${id}/status?wait=1`)).toMatchObject({ body: { status: 'pending' } })
  })

  it('tells why a task has failed, and to owners where', async () => {
    const data = { steps: 1, failAtStep: 1 }
    const id = await rest.submit('probe', data, { retryConfig: { maxAttempts: 1 } })
    const { body } = await rest.ask(`GET /api/tasks/${id}/status?wait=30`)
    const error = { message: 'It was asked to fail at step 1.', code: expect.any(String) }
    expect(body).toMatchObject({ status: 'failed', error: { ...error, stack: expect.stringContaining('at ') } })
    const token = await makeToken(server, ['tasks:read'], 'same')
    const seen = await rest.ask(`GET /api/tasks/${id}/result`, { token })
    expect(seen.body).toEqual({ status: 'failed', progress: expect.any(Number), error })
  })

  it('leaves no subscription open when the client goes away', async () => {
    const id = await rest.submit('probe', {}, { scheduleType: 'scheduled', scheduledFor: '2099-01-01T00:00:00Z' })
    const gone = new AbortController()
    const headers = { authorization: `Bearer ${server.token}` }
    const waiting = fetch(`${server.url}/api/tasks/${id}/status?wait=60`, { headers, signal: gone.signal })
    await until(async () => (await subscribers()) === 1)
    gone.abort()
    await expect(waiting).rejects.toThrow()
    await until(async () => (await subscribers()) === 0)
  })

  it('refuses a wait of more than a minute', async () => {
    expect(await rest.ask(`GET /api/tasks/${nobody}/status?wait=61`)).toMatchObject({ status: 400 })
  })
})

/** How many streams the server has open. */
async function subscribers(): Promise<number> {
  const { body } = await rest.ask<string>('GET /metrics')
  return Number(/^signalbox_subscribers (\d+)$/m.exec(body)?.[1])
}

describe('GET /tasks/{operationId}/result', () => {
  it('has the result of a completed task, and none before', async () => {
    const held = gate()
    const id = await rest.submit('holds', { until: held.until })
    const before = await rest.ask(`GET /api/tasks/${id}/result`)
    expect(before).toMatchObject({ status: 200, body: { progress: expect.any(Number) } })
    expect(before.body).not.toHaveProperty('result')
    held.release()
    await rest.reach(id, 'completed')
    const after = await rest.ask(`GET /api/tasks/${id}/result`)
    expect(after).toMatchObject({ status: 200, body: { status: 'completed', progress: 100, result: { held: true } } })
  })

  it('is gone after its retention', async () => {
    const id = await rest.submit('probe')
    await rest.reach(id, 'completed')
    await server.database.query('UPDATE task SET result = NULL, result_expired = true WHERE id = $1', [id])
    expect(await rest.ask(`GET /api/tasks/${id}/result`)).toMatchObject({
      status: 410,
      body: { code: 'RESULT_EXPIRED' },
    })
    expect(await rest.ask(`GET /api/tasks/${id}/result/parts/x`)).toMatchObject({ status: 410 })
    expect(await rest.ask(`GET /api/tasks/${id}/status`)).toMatchObject({ status: 200, body: { status: 'completed' } })
  })
})

describe('DELETE /tasks/{operationId}', () => {
  it('ends a task that waits at once, and refuses to do so again', async () => {
    const id = await rest.submit('probe', {}, { scheduleType: 'scheduled', scheduledFor: '2099-01-01T00:00:00Z' })
    const message = expect.any(String)
    expect(await rest.ask(`DELETE /api/tasks/${id}`)).toMatchObject({
      status: 200,
      body: { message, status: 'cancelled' },
    })
    expect(await rest.ask(`DELETE /api/tasks/${id}`)).toMatchObject({
      status: 409,
      body: { code: 'TASK_ALREADY_ENDED' },
    })
  })

  it('asks a task that runs to stop', async () => {
    const id = await rest.submit('holds', { until: gate().until })
    await rest.reach(id, 'active')
    expect(await rest.ask(`DELETE /sfp/api/tasks/${id}`)).toMatchObject({ status: 200, body: { status: 'active' } })
    expect(await rest.ask(`GET /api/tasks/${id}/status?wait=30`)).toMatchObject({ body: { status: 'cancelled' } })
  })
})

describe('a task that does not recur', () => {
  it('has no runs, and no recurrence to stop', async () => {
    const id = await rest.submit('probe')
    expect(await rest.ask(`GET /api/tasks/${id}/recurring-instances`)).toMatchObject({ status: 200, body: [] })
    const stopped = await rest.ask(`POST /api/tasks/${id}/stop-recurring`)
    expect(stopped).toMatchObject({ status: 409, body: { code: 'TASK_DOES_NOT_RECUR' } })
  })
})

describe.each([nobody, 'not-an-id', '%00', ':operationId'])('a task that does not exist: %s', (id) => {
  it.each([
    `GET /api/tasks/${id}/status`,
    `GET /api/tasks/${id}/status?wait=5`,
    `GET /api/tasks/${id}/result`,
    `GET /api/tasks/${id}/result/parts`,
    `GET /api/tasks/${id}/result/parts/x`,
    `GET /api/tasks/${id}/recurring-instances`,
    `POST /api/tasks/${id}/stop-recurring`,
    `DELETE /api/tasks/${id}`,
    `GET /api/logs/${id}`,
    `DELETE /api/logs/${id}`,
  ])('is not found by %s', async (call) => {
    expect(await rest.ask(call)).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } })
  })
})
