import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { clientOf, makeToken, nextPage, type RestClient } from '#test/support/rest.ts'
import type { TestServer } from '#test/support/server.ts'
import { sharedServer } from '#test/support/shared-server.ts'

interface Line {
  readonly cursor: string
  readonly timestamp: string
  readonly attempt: number
  readonly message: string
}

let server: TestServer
let rest: RestClient
let id: string
beforeAll(async () => {
  server = await sharedServer()
  rest = clientOf(server)
  id = await rest.submit('holds')
  await rest.reach(id, 'completed')
})
afterAll(() => server.close())

const read = (query = '') => rest.ask<Line[]>(`GET /api/logs/${id}${query}`)
const messages = (answer: { body: Line[] }) => answer.body.map((line) => line.message)

describe('GET /logs/{operationId}', () => {
  it('has the lines in time order', async () => {
    const answer = await read()
    expect(answer.status).toBe(200)
    expect(messages(answer)).toEqual(['one', 'two', 'three'])
    expect(answer.body[0]).toEqual({
      cursor: expect.any(String),
      timestamp: expect.stringMatching(/Z$/),
      attempt: 1,
      message: 'one',
    })
    expect(answer.headers.get('link')).toBeNull()
  })

  it('continues after a line, to an empty page at the end', async () => {
    const page = await read('?limit=2')
    expect(messages(page)).toEqual(['one', 'two'])
    const next = await rest.ask<Line[]>(`GET ${nextPage(page)}`)
    expect(messages(next)).toEqual(['three'])
    expect(await read(`?after=${next.body[0]?.cursor}`)).toMatchObject({ status: 200, body: [] })
  })

  it('keeps to the times that are given', async () => {
    const [first] = (await read()).body
    expect(messages(await read(`?from=${first?.timestamp}`))).toHaveLength(3)
    expect(await read('?from=2099-01-01T00:00:00Z')).toMatchObject({ status: 200, body: [] })
    expect(await read('?to=2000-01-01T00:00:00%2B01:00')).toMatchObject({ status: 200, body: [] })
    expect(await read('?from=yesterday')).toMatchObject({ status: 400, body: { issues: [{ path: 'from' }] } })
    expect(await read('?after=abc')).toMatchObject({ status: 400, body: { code: 'INVALID_CURSOR' } })
  })

  it('is empty for a task that has logged nothing, and not found for no task', async () => {
    const silent = await rest.submit('probe')
    expect(await rest.ask(`GET /api/logs/${silent}`)).toMatchObject({ status: 200, body: [] })
    expect(await rest.ask('GET /api/logs/01a20df8-6459-7047-91d4-901f8af598e8')).toMatchObject({ status: 404 })
  })
})

describe('DELETE /logs/{operationId}', () => {
  it('needs the scope to write', async () => {
    const token = await makeToken(server, ['tasks:read'], 'same')
    const refused = await rest.ask(`DELETE /api/logs/${id}`, { token })
    expect(refused).toMatchObject({
      status: 403,
      body: { code: 'FORBIDDEN', detail: expect.stringContaining('tasks:write') },
    })
  })

  it('deletes the log, and nothing else of the task', async () => {
    const gone = await rest.ask(`DELETE /api/logs/${id}`)
    expect(gone).toMatchObject({ status: 204, body: '' })
    expect(await read()).toMatchObject({ status: 200, body: [] })
    expect(await rest.ask(`GET /api/tasks/${id}/status`)).toMatchObject({ status: 200 })
  })
})
