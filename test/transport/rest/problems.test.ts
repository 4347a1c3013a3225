import { request } from 'node:http'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { clientOf, type RestClient } from '#test/support/rest.ts'
import type { TestServer } from '#test/support/server.ts'
import { sharedServer } from '#test/support/shared-server.ts'

let server: TestServer
let rest: RestClient
beforeAll(async () => {
  server = await sharedServer()
  rest = clientOf(server)
})
afterAll(() => server.close())

const task = { type: 'probe', data: {} }

describe('a refusal', () => {
  it('is a problem document that carries the documented fields', async () => {
    const { status, headers, body } = await rest.ask('GET /api/tasks/x/status?wait=0', {
      headers: { 'x-request-id': 'my-own' },
    })
    expect(status).toBe(404)
    expect(headers.get('content-type')).toBe('application/problem+json')
    expect(headers.get('x-request-id')).toBe('my-own')
    expect(body).toEqual({
      type: 'about:blank',
      title: 'Not Found',
      status: 404,
      detail: 'There is no task x.',
      instance: '/api/tasks/x/status',
      statusCode: 404,
      message: 'There is no task x.',
      error: 'Not Found',
      code: 'NOT_FOUND',
      requestId: 'my-own',
    })
  })

  it.each(['GET /api/tasks', 'POST /sfp/api/tasks', 'GET /api/tasks/x/status?wait=99'])(
    'tells somebody without a valid token nothing but that: %s',
    async (call) => {
      const answers = [await rest.ask(call, { token: null }), await rest.ask(call, { token: 'wrong' })]
      for (const { status, headers, body } of answers) {
        expect(status).toBe(401)
        expect(headers.get('www-authenticate')).toMatch(/^Bearer /)
        expect(body).toMatchObject({
          code: 'UNAUTHENTICATED',
          detail: expect.stringContaining('A valid token is needed'),
        })
      }
    },
  )

  it('says what is not there only to who is known', async () => {
    const known = await rest.ask('GET /api/nothing')
    expect(known).toMatchObject({ status: 404, body: { detail: 'There is no GET /api/nothing.' } })
    const anonymous = await rest.ask('GET /api/nothing', { token: null })
    expect(anonymous).toMatchObject({ status: 404, body: { detail: 'There is nothing here.' } })
    expect(await rest.ask('GET /nothing')).toMatchObject({ status: 404 })
    expect(await rest.ask('GET /api/tasks//')).toMatchObject({ status: 404 })
  })

  it('names the methods of a path that is asked with another one', async () => {
    const { status, headers, body } = await rest.ask('PUT /api/tasks')
    expect(status).toBe(405)
    expect(headers.get('allow')).toBe('POST, GET, HEAD, OPTIONS')
    expect(body['code']).toBe('METHOD_NOT_ALLOWED')
    const events = await rest.ask('POST /api/events')
    expect([events.status, events.headers.get('allow')]).toEqual([405, 'GET, HEAD, OPTIONS'])
    expect(events.body['detail']).toContain('Publish an event with POST /api/webhooks/trigger.')
    const options = await rest.ask('OPTIONS /api/tasks', { token: null })
    expect(options.status).toBe(204)
    expect(options.headers.get('allow')).toBe('POST, GET, HEAD, OPTIONS')
  })

  it.each([
    'PUT /graphql',
    'PUT /device',
    'PUT /hooks/none',
    'PUT /api/docs',
    'PUT /livez',
    'PUT /metrics',
    'PUT /favicon.ico',
    'PUT /graphql/start.js',
  ])('answers %s with the methods that there are', async (call) => {
    const { status, headers, body } = await rest.ask(call)
    expect([status, headers.get('allow')]).toEqual([405, expect.stringMatching(/GET|POST/)])
    expect(JSON.stringify(body).length).toBeGreaterThan(2)
  })

  it.each(['x', '', '1.5', '0', '-1', '1e400'])('refuses %j as a fence in words', async (fence) => {
    const { status, body } = await rest.ask(`DELETE /api/locks/none?fence=${fence}`)
    expect(status).toBe(400)
    expect(body['issues']).toEqual([{ path: 'fence', message: 'must be a whole number of at least 1' }])
  })

  it.each([
    ['{"type":', 400, 'MALFORMED_REQUEST', {}],
    ['', 415, 'UNSUPPORTED_MEDIA_TYPE', { 'content-type': '' }],
    ['type=probe', 415, 'UNSUPPORTED_MEDIA_TYPE', { 'content-type': 'application/x-www-form-urlencoded' }],
    ['{}', 415, 'UNSUPPORTED_MEDIA_TYPE', { 'content-encoding': 'gzip' }],
    ['null', 422, 'INVALID_INPUT', {}],
    [JSON.stringify(task), 406, 'NOT_ACCEPTABLE', { accept: 'text/html, application/json;q=0' }],
    [JSON.stringify(task), 406, 'NOT_ACCEPTABLE', { accept: '*/*, application/json;q=0' }],
  ])('of the body %j is %i %s', async (body, status, code, headers) => {
    expect(await rest.ask('POST /api/tasks', { body, headers })).toMatchObject({ status, body: { code } })
  })

  it('of a body that is not UTF-8 is 400', async () => {
    const response = await fetch(`${server.url}/api/tasks`, {
      method: 'POST',
      headers: { authorization: `Bearer ${server.token}`, 'content-type': 'application/json' },
      body: Buffer.from('{"type":"\xff","data":{}}', 'latin1'),
    })
    expect(response.status).toBe(400)
  })

  it.each(['application/json', '*/*', 'text/html, application/*;q=0.1', 'application/vnd.api+json, */*'])(
    'is not made for who accepts %s',
    async (accept) => {
      expect((await rest.ask('GET /api/tasks', { headers: { accept } })).status).toBe(200)
    },
  )

  it.each([{ 'content-length': '3000000' }, { 'transfer-encoding': 'chunked' }])(
    'of a body that is too large is 413 and arrives: %j',
    async (headers) => {
      expect(await upload('a'.repeat(3_000_000), headers)).toBe(413)
    },
  )

  it('of a request without a Host is 400', async () => {
    const answer = await new Promise<string>((resolve) => {
      const socket = connect(Number(new URL(server.url).port), '127.0.0.1', () => {
        socket.write('GET /api HTTP/1.0\r\n\r\n')
      })
      let text = ''
      socket.on('data', (data) => {
        text += data.toString()
      })
      socket.on('close', () => resolve(text))
    })
    expect(answer).toMatch(/^HTTP\/1\.1 400 /)
  })
})

/** Sends a body whatever the server says meanwhile; resolves with the status. */
function upload(body: string, headers: Record<string, string>): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const call = request(
      `${server.url}/api/tasks`,
      {
        method: 'POST',
        headers: { authorization: `Bearer ${server.token}`, 'content-type': 'application/json', ...headers },
      },
      (response) => {
        response.resume().on('end', () => resolve(response.statusCode))
      },
    )
    call.on('error', reject).end(body)
  })
}
