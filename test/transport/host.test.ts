import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestServer, type TestServer } from '#test/support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer({ env: { LOG_LEVEL: 'silent' } })
})
afterAll(() => server.close())

/** Everything that the server says to a request written by hand, until it closes the connection. */
async function answerTo(line: string, hosts: readonly string[], more: readonly string[] = []): Promise<string> {
  const { hostname, port } = new URL(server.url)
  const socket = connect(Number(port), hostname)
  socket.write(`${[line, ...hosts.map((host) => `Host: ${host}`), ...more, 'Connection: close'].join('\r\n')}\r\n\r\n`)
  let text = ''
  socket.on('data', (data) => {
    text += String(data)
  })
  await once(socket, 'close')
  return text
}

const upgrade = ['Upgrade: websocket', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==']

describe('a request with two hosts', () => {
  it.each([
    'GET /livez',
    'GET /api/ping',
    'GET /graphql?query={__typename}',
    'GET /device',
    'GET /metrics',
    'POST /hooks/none',
  ])('is refused by every API: %s', async (line) => {
    for (const hosts of [
      ['a.example', 'b.example'],
      ['a.example', 'a.example'],
    ]) {
      const answer = await answerTo(`${line} HTTP/1.1`, hosts)
      expect(answer).toMatch(/^HTTP\/1\.1 400 /)
      expect(answer).toMatch(/^connection: close\r$/im)
      expect(answer).toContain('"MALFORMED_REQUEST"')
    }
  })

  it('opens no WebSocket', async () => {
    const answer = await answerTo('GET /graphql HTTP/1.1', ['a.example', 'b.example'], upgrade)
    expect(answer).toMatch(/^HTTP\/1\.1 400 /)
  })
})

describe('a Host', () => {
  it.each(['a.example', 'a_b.example:80', '127.0.0.1:4000', '[::1]:4000'])('may be %s', async (host) => {
    expect(await answerTo('GET /livez HTTP/1.1', [host])).toMatch(/^HTTP\/1\.1 200 /)
  })

  it.each(['', 'a b', 'user@a.example', 'a.example/path', 'a.example:80:80', '[::1', 'a.example:x', 'a?b'])(
    'may not be %j',
    async (host) => {
      expect(await answerTo('GET /livez HTTP/1.1', [host])).toMatch(/^HTTP\/1\.1 400 /)
    },
  )
})
