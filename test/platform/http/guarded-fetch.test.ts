import dns from 'node:dns'
import { createServer as createTlsServer } from 'node:https'
import { syncBuiltinESMExports } from 'node:module'
import { createServer as createTcpServer } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { GuardedFetch } from '#platform/http/guarded-fetch.ts'
import { selfSigned } from '#test/support/certificate.ts'
import { type Receiver, startReceiver } from '#test/support/receiver.ts'

const open = new GuardedFetch({ egressAllow: ['127.0.0.0/8'] })
const closed = new GuardedFetch({ egressAllow: [] })
let receiver: Receiver
const { lookup } = dns

beforeAll(async () => {
  receiver = await startReceiver()
})
afterEach(() => {
  receiver.answer((_req, res) => res.writeHead(204).end())
  dns.lookup = lookup
  syncBuiltinESMExports()
})
afterAll(async () => {
  await Promise.all([open.close(), closed.close()])
  await receiver.close()
})

function get(from: GuardedFetch, url: string, limits: { timeoutMs?: number; maxBytes?: number } = {}) {
  return from.fetch({ method: 'GET', url, headers: {}, timeoutMs: 10_000, maxBytes: 1_000, keptBytes: 4, ...limits })
}

/** Lets names have these addresses, the first ones at the first look-up. */
function resolveTo(...answers: readonly (readonly string[])[]): void {
  let asked = 0
  dns.lookup = ((_host: string, _options: unknown, callback: (error: null, addresses: unknown) => void) => {
    const addresses = answers[Math.min(asked, answers.length - 1)] ?? []
    asked += 1
    callback(
      null,
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    )
  }) as typeof dns.lookup
  syncBuiltinESMExports()
}

describe('an outbound call', () => {
  it('gives status, headers and the beginning of the body', async () => {
    receiver.answer((_req, res) => res.writeHead(201, { 'x-one': 'two' }).end('123456'))
    const answer = await get(open, receiver.url)
    expect(answer).toMatchObject({ status: 201 })
    expect([answer.headers['x-one'], answer.body.toString()]).toEqual(['two', '1234'])
  })

  it('keeps its connection for the next ones', async () => {
    const sockets = new Set<unknown>()
    receiver.answer((req, res) => {
      sockets.add(req.socket)
      res.end('ok')
    })
    for (let call = 0; call < 20; call += 1) await get(open, receiver.url)
    expect(sockets.size).toBeLessThan(4)
  })

  it.each([
    'http://127.0.0.1',
    'http://127.1',
    'http://0x7f.1',
    'http://2130706433',
    'http://0177.0.0.1',
    'http://localhost',
    'http://LOCALHOST',
    'http://localhost.',
    'http://any.localhost',
    'http://ｌｏｃａｌｈｏｓｔ',
    'http://１２７.０.０.１',
    'http://127.0.0.1.',
    'http://017700000001',
    'http://[::1]',
    'http://[::ffff:127.0.0.1]',
    'http://[::ffff:7f00:1]',
    'http://[0:0:0:0:0:ffff:7f00:1]',
    'http://169.254.169.254',
  ])('does not reach %s', async (url) => {
    const { port } = new URL(receiver.url)
    const before = receiver.received.length
    await expect(get(closed, `${url}:${port}/`)).rejects.toMatchObject({ failure: 'blocked' })
    expect(receiver.received).toHaveLength(before)
  })

  it('reaches this machine by its name where that is allowed, without asking anybody', async () => {
    resolveTo(['93.184.215.14'])
    for (const name of ['localhost', 'localhost.', 'any.LOCALHOST'])
      await expect(get(open, receiver.url.replace('127.0.0.1', name))).resolves.toMatchObject({ status: 204 })
  })

  it('does not reach a name that has an inner address beside a public one', async () => {
    resolveTo(['93.184.215.14', '127.0.0.1'])
    await expect(get(closed, receiver.url.replace('127.0.0.1', 'mixed.example'))).rejects.toMatchObject({
      failure: 'blocked',
    })
  })

  it('connects to the addresses that it has looked at, whatever the name means a moment later', async () => {
    resolveTo(['10.0.0.1'], ['127.0.0.1'])
    const url = receiver.url.replace('127.0.0.1', 'changing.example')
    await expect(get(open, url)).rejects.toMatchObject({ failure: 'blocked' })
    resolveTo(['127.0.0.1'], ['10.0.0.1'])
    await expect(get(open, url)).resolves.toMatchObject({ status: 204 })
  })

  it('follows no redirect', async () => {
    receiver.answer((_req, res) => res.writeHead(302, { location: 'http://169.254.169.254/' }).end())
    expect((await get(open, receiver.url)).status).toBe(302)
  })

  it('ends when the receiver never answers', async () => {
    receiver.answer(() => {})
    await expect(get(open, receiver.url, { timeoutMs: 100 })).rejects.toMatchObject({ failure: 'timeout' })
  })

  it('ends when the receiver drips', async () => {
    receiver.answer((_req, res) => {
      res.writeHead(200)
      const drip = setInterval(() => res.write('x'), 10)
      res.on('close', () => clearInterval(drip))
    })
    const answer = await get(open, receiver.url, { timeoutMs: 300 })
    expect(answer).toMatchObject({ status: 200, bodyError: { failure: 'timeout' } })
  })

  it('reads only up to its limit', async () => {
    const chunk = Buffer.alloc(64 * 1024)
    let sent = 0
    receiver.answer((_req, res) => {
      const more = () => {
        while (sent < 100_000_000 && !res.destroyed && res.write(chunk)) sent += chunk.length
      }
      res.on('drain', more)
      more()
    })
    const answer = await get(open, receiver.url, { maxBytes: 100_000 })
    expect(answer).toMatchObject({ status: 200, bodyError: { failure: 'too_large' } })
    expect(sent).toBeLessThan(100_000_000)
  })

  it('reports a connection that is refused or breaks in the middle', async () => {
    const gone = await startReceiver()
    await gone.close()
    await expect(get(open, gone.url)).rejects.toMatchObject({ failure: 'refused' })
    receiver.answer((_req, res) => {
      res.writeHead(200, { 'content-length': '10' })
      res.write('12345', () => res.destroy())
    })
    expect(await get(open, receiver.url)).toMatchObject({ status: 200, bodyError: { failure: 'refused' } })
  })

  it('reports an untrusted certificate, and a server that does not speak TLS', async () => {
    const tls = await startReceiver(createTlsServer(selfSigned))
    await expect(get(open, tls.url)).rejects.toMatchObject({
      failure: 'tls',
      message: expect.stringMatching(/^There is no TLS connection to be trusted: self-signed certificate/),
    })
    await tls.close()
    await expect(get(open, receiver.url.replace('http:', 'https:'))).rejects.toMatchObject({
      failure: 'tls',
      message: 'There is no TLS connection to be trusted: wrong version number.',
    })
  })

  it('takes no headers without end', async () => {
    const server = createTcpServer((socket) => {
      socket.on('error', () => {})
      socket.write(`HTTP/1.1 200 OK\r\nx-long: ${'x'.repeat(100_000)}\r\n\r\n`)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as { port: number }
    await expect(get(open, `http://127.0.0.1:${port}`)).rejects.toMatchObject({ failure: 'too_large' })
    server.close()
  })
})
