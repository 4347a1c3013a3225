import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { clientOf, gate, nextPage, type RestClient } from '#test/support/rest.ts'
import type { TestServer } from '#test/support/server.ts'
import { sharedServer } from '#test/support/shared-server.ts'
import { until } from '#test/support/until.ts'

interface Lock {
  readonly name: string
  readonly fence: number
}

let server: TestServer
let rest: RestClient
beforeAll(async () => {
  server = await sharedServer()
  rest = clientOf(server)
})
afterAll(() => server.close())

const acquire = (name: string, more: object = {}) =>
  rest.ask<Lock>('POST /api/locks', { body: { name, leaseDurationSeconds: 60, ...more } })
const pathOf = (name: string) => `/api/locks/${encodeURIComponent(name)}`

describe('locks', () => {
  it('are acquired, renewed, shown and released', async () => {
    const { status, headers, body } = await acquire('deploy/prod')
    expect([status, headers.get('location')]).toEqual([201, pathOf('deploy/prod')])
    expect(body).toMatchObject({ name: 'deploy/prod', holder: { kind: 'application', name: 'owner' } })
    expect(await acquire('deploy/prod')).toMatchObject({ status: 409, body: { code: 'LOCK_HELD' } })
    const renewal = { fence: body.fence, leaseDurationSeconds: 600 }
    const renewed = await rest.ask(`PUT ${pathOf('deploy/prod')}`, { body: renewal })
    expect(renewed).toMatchObject({ status: 200, body: { fence: body.fence } })
    const shown = await rest.ask(`GET ${pathOf('deploy/prod')}`)
    expect(shown).toMatchObject({ status: 200, body: { ...renewed.body, queue: [] } })
    const release = (fence: number) => rest.ask(`DELETE ${pathOf('deploy/prod')}?fence=${fence}`)
    expect(await release(body.fence + 1)).toMatchObject({ status: 409, body: { code: 'FENCE_LOST' } })
    expect((await release(body.fence)).status).toBe(204)
    expect((await rest.ask(`GET ${pathOf('deploy/prod')}`)).status).toBe(404)
  })

  it('are waited for, in a queue that is shown', async () => {
    const first = (await acquire('waited')).body
    const second = acquire('waited', { waitSeconds: 60 })
    await until(async () => (await rest.ask<{ queue: unknown[] }>('GET /api/locks/waited')).body.queue.length === 1)
    expect((await rest.ask(`DELETE /api/locks/waited?fence=${first.fence}`)).status).toBe(204)
    expect(await second).toMatchObject({ status: 201, body: { name: 'waited' } })
    expect((await second).body.fence).toBeGreaterThan(first.fence)
  })

  it('are listed in pages, and taken from their holder', async () => {
    for (const name of ['listed/a', 'listed/b']) await acquire(name)
    const page = await rest.ask<Lock[]>('GET /api/locks?prefix=listed/&limit=1')
    const rest2 = await rest.ask<Lock[]>(`GET ${nextPage(page)}`)
    expect([...page.body, ...rest2.body].map(({ name }) => name)).toEqual(['listed/a', 'listed/b'])
    expect((await rest.ask(`POST ${pathOf('listed/a')}/force-release`)).status).toBe(204)
    expect((await rest.ask(`POST ${pathOf('listed/a')}/force-release`)).status).toBe(404)
  })

  it('refuse what is wrong in REST’s words', async () => {
    const refused = await rest.ask('POST /api/locks', {
      body: { name: 'x', leaseDurationSeconds: 0, waitSeconds: 301 },
    })
    expect(refused).toMatchObject({
      status: 422,
      body: { issues: [{ path: 'leaseDurationSeconds' }, { path: 'waitSeconds' }] },
    })
    expect((await rest.ask('DELETE /api/locks/x')).status).toBe(400)
  })
})

describe('tasks', () => {
  it('have labels, a timeout and a fairness key, and are found by labels', async () => {
    const more = { labels: { branch: 'a=b', run: '7' }, timeout: 60_000, fairnessKey: 'team' }
    const id = await rest.submit('probe', {}, more)
    await rest.submit('probe', {}, { labels: { run: '7' } })
    const found = await rest.ask<{ operationId: string }[]>('GET /api/tasks?label=branch%3Da%3Db&label=run%3D7')
    expect(found.body).toMatchObject([{ operationId: id, labels: more.labels }])
    expect((await rest.ask('GET /api/tasks?label=run')).status).toBe(400)
    const before = encodeURIComponent(new Date(0).toISOString())
    expect((await rest.ask(`GET /api/tasks?createdTo=${before}`)).body).toEqual([])
    const refused = await rest.ask('POST /api/tasks', { body: { type: 'probe', data: {}, timeout: 0 } })
    expect(refused).toMatchObject({ status: 422, body: { issues: [{ path: 'timeout' }] } })
  })

  it('that took too long have failed by their timeout', async () => {
    const id = await rest.submit('holds', { until: gate().until }, { timeout: 1_000, retryConfig: { maxAttempts: 1 } })
    await rest.reach(id, 'failed')
    expect((await rest.ask(`GET /api/tasks/${id}/status`)).body).toMatchObject({ error: { code: 'TIMEOUT' } })
  })

  it('run again when they have failed', async () => {
    const id = await rest.submit('probe', { steps: 1, failAtStep: 1 }, { retryConfig: { maxAttempts: 1 } })
    await rest.reach(id, 'failed')
    const again = await rest.ask(`POST /api/tasks/${id}/retry`)
    expect(again).toMatchObject({ status: 200, body: { operationId: id, type: 'probe', status: 'pending' } })
    await rest.reach(id, 'failed')
    const done = await rest.submit('probe')
    await rest.reach(done, 'completed')
    expect(await rest.ask(`POST /api/tasks/${done}/retry`)).toMatchObject({
      status: 409,
      body: { code: 'TASK_NOT_RETRYABLE' },
    })
  })

  it('have types that are listed with the schema of their data', async () => {
    const { body } = await rest.ask<{ name: string }[]>('GET /api/task-types')
    expect(body.find(({ name }) => name === 'holds')).toEqual({
      name: 'holds',
      description: 'Logs three lines, and ends when a file is there.',
      priority: 'normal',
      scope: null,
      input: expect.objectContaining({ type: 'object' }),
    })
  })
})

describe('events', () => {
  interface Event {
    readonly cursor: string
    readonly type: string
  }

  it('are listed by type and subject, and continue after a cursor', async () => {
    const id = await rest.submit('probe')
    await rest.reach(id, 'completed')
    const list = `GET /api/events?type=task.submitted,task.completed&subject=task:${id}`
    await until(async () => (await rest.ask<Event[]>(list)).body.length === 2)
    const { body } = await rest.ask<Event[]>(list)
    expect(body.map(({ type }) => type)).toEqual(['task.submitted', 'task.completed'])
    expect(body[0]).toMatchObject({ subject: `task:${id}`, actor: { name: 'owner' }, data: { type: 'probe' } })
    expect((await rest.ask(`${list}&cursor=${body[0]?.cursor}`)).body).toEqual([body[1]])
    const page = await rest.ask<Event[]>(`${list}&limit=1`)
    expect((await rest.ask(`GET ${nextPage(page)}`)).body).toEqual([body[1]])
  })

  it('refuse a cursor that is none', async () => {
    expect(await rest.ask('GET /api/events?cursor=x')).toMatchObject({ status: 400, body: { code: 'INVALID_CURSOR' } })
  })
})
