import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { clientOf, gate, type RestClient } from '#test/support/rest.ts'
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

interface Run {
  readonly operationId: string
  readonly status: string
}

const hourly = { every: 3_600_000 }

async function submit(recurrenceConfig: object, more: object = {}): Promise<string> {
  const body = { type: 'probe', data: { steps: 1 }, scheduleType: 'recurring', recurrenceConfig, ...more }
  const { status, body: answer } = await rest.ask<{ operationId: string }>('POST /api/tasks', { body })
  expect([status, answer]).toEqual([201, { operationId: expect.any(String), type: body.type }])
  return answer.operationId
}

async function runs(id: string, query = ''): Promise<Run[]> {
  const { status, body } = await rest.ask<Run[]>(`GET /api/tasks/${id}/recurring-instances${query}`)
  expect(status).toBe(200)
  return body
}

describe('a recurring task', () => {
  it.each(['/api', '/sfp/api'])(
    'runs, reports its latest run, lists its runs, and is stopped, under %s',
    async (prefix) => {
      const id = await submit({ every: 1_000, maxRuns: 3, name: 'of three' })
      const done = await until(async () => {
        const found = await runs(id)
        return found.length === 3 && found.every(({ status }) => status === 'completed') && found
      })
      expect(done[0]).toEqual({
        operationId: expect.any(String),
        scheduledFor: expect.any(String),
        startedAt: expect.any(String),
        finishedAt: expect.any(String),
        status: 'completed',
        result: expect.objectContaining({ steps: 1 }),
      })
      expect(await runs(id, '?limit=1')).toEqual([done[0]])
      const status = await rest.ask(`GET ${prefix}/tasks/${id}/status?wait=5`)
      expect(status).toMatchObject({ status: 200, body: { status: 'completed', progress: 100 } })
      const result = await rest.ask(`GET ${prefix}/tasks/${id}/result`)
      expect(result).toMatchObject({ status: 200, body: { status: 'completed', result: { steps: 1 } } })
      const stopped = await rest.ask(`POST ${prefix}/tasks/${id}/stop-recurring`)
      expect(stopped).toMatchObject({ status: 200, body: { message: 'The recurring task has no further runs.' } })
      expect(await runs(id)).toEqual(done)
    },
  )

  it('waits before its first run, and has none once it is stopped', async () => {
    const id = await submit({ cron: '30 2 * * *', timezone: 'Europe/Berlin', overlap: 'queue', missed: 'once' })
    const status = await rest.ask(`GET /api/tasks/${id}/status?wait=1`)
    expect(status).toMatchObject({ status: 200, body: { status: 'pending', progress: 0, currentStep: null } })
    expect(await runs(id)).toEqual([])
    expect(await rest.ask(`DELETE /api/tasks/${id}`)).toMatchObject({
      status: 409,
      body: { code: 'TASK_ALREADY_ENDED' },
    })
    await rest.ask(`POST /api/tasks/${id}/stop-recurring`)
    const [schedule] = await server.database.query('SELECT status, overlap, missed FROM task_schedule WHERE id = $1', [
      id,
    ])
    expect(schedule).toEqual({ status: 'ENDED', overlap: 'QUEUE', missed: 'ONCE' })
  })

  it('has only its current run cancelled', async () => {
    const held = gate()
    const id = await submit({ every: 1_000, maxRuns: 2 }, { type: 'holds', data: { until: held.until } })
    await until(async () => (await runs(id))[0]?.status === 'active')
    const cancelled = await rest.ask(`DELETE /api/tasks/${id}`)
    expect(cancelled).toMatchObject({ status: 200, body: { message: 'The task was asked to stop.' } })
    await until(async () => (await runs(id)).map(({ status }) => status).join() === 'active,cancelled')
    held.release()
  })

  it('is created once under an Idempotency-Key', async () => {
    const body = { type: 'probe', data: {}, scheduleType: 'recurring', recurrenceConfig: hourly }
    const headers = { 'idempotency-key': randomUUID() }
    const first = await rest.ask('POST /api/tasks', { body, headers })
    expect(await rest.ask('POST /api/tasks', { body, headers })).toMatchObject({ status: 201, body: first.body })
  })

  it.each<[object, string]>([
    [{ recurrenceConfig: undefined }, 'recurrenceConfig'],
    [{ recurrenceConfig: {} }, ''],
    [{ recurrenceConfig: { cron: 'nonsense' } }, 'recurrenceConfig.cron'],
    [{ recurrenceConfig: { every: 5_000 } }, 'recurrenceConfig.every'],
    [{ recurrenceConfig: { ...hourly, timezone: 'Mars/Base' } }, 'recurrenceConfig.timezone'],
    [{ recurrenceConfig: { ...hourly, every_ms: 1 } }, 'recurrenceConfig'],
    [{ scheduledFor: '2099-01-01T00:00:00Z' }, 'scheduledFor'],
    [{ data: { steps: 'many' } }, 'data.steps'],
  ])('is refused with %o', async (wrong, path) => {
    const body = { type: 'probe', data: {}, scheduleType: 'recurring', recurrenceConfig: hourly, ...wrong }
    const refused = await rest.ask('POST /api/tasks', { body })
    expect(refused).toMatchObject({ status: 422, body: { code: 'INVALID_INPUT', issues: [{ path }] } })
  })
})
