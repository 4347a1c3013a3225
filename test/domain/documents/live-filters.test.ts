import { monitorEventLoopDelay } from 'node:perf_hooks'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { put } from '#test/support/documents.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'
import { connectSocket, type RawSocket } from '#test/support/websocket.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer({ env: { ROLES: 'api', RATE_LIMIT_TOKEN: '0', COST_LIMIT_TOKEN: '0' } })
})
afterAll(() => server.close())

const text = `d${'x'.repeat(4_095)}`
const subscribers = 40
const query = `subscription ($where: DocumentFilter) {
  change: documentChanges(in: "heavy/**", where: $where) { kind document { key version } } }`

/** Two patterns, about as large as a filter for changes may have; different for each number. */
const heaviest = (index: number) => ({
  or: [
    { path: 'text', matches: 'x[xab]{0,45}[xab]{0,45}d' },
    { path: 'text', matches: 'a[xab]{0,45}[xab]{0,45}d' },
    { path: 'n', eq: index },
  ],
})

async function connect(): Promise<RawSocket> {
  const socket = await connectSocket(server)
  onTestFinished(() => socket.close())
  return socket
}

/** Subscribes and waits until nothing that happens from then on can be missed. */
async function subscribe(socket: RawSocket, id: string, where: object): Promise<void> {
  socket.subscribe(id, query, { where })
  for (;;) {
    const { type, payload } = await socket.next(id)
    if (type !== 'next') throw new Error(JSON.stringify(payload))
    if (payload.data.change.kind === 'CAUGHT_UP') return
  }
}

/** The next change of a stream, or the code that it has ended with. */
async function outcome(socket: RawSocket, id: string): Promise<string> {
  const { type, payload } = await socket.next(id)
  if (type === 'next' && payload.errors === undefined) return payload.data.change.kind
  const [error] = type === 'next' ? payload.errors : payload
  return error.extensions.code
}

describe('filters of those who follow documents', () => {
  it('may not have patterns as large as a list may', async () => {
    const socket = await connect()
    const patterns = Array.from({ length: 10 }, (_, index) => ({
      path: 'text',
      matches: `${index}[xab]{0,240}[xab]{0,240}d`,
    }))
    socket.subscribe('large', query, { where: { or: patterns } })
    const { payload } = await socket.next('large')
    const [error] = payload.errors ?? payload
    expect(error.extensions).toMatchObject({ code: 'INVALID_INPUT', issues: [{ path: 'where' }] })
  })

  it('are evaluated once when they are equal, so that every stream gets the change', async () => {
    const socket = await connect()
    const ids = Array.from({ length: subscribers }, (_, index) => `equal-${index}`)
    for (const id of ids) await subscribe(socket, id, heaviest(0))
    await put(server, 'equal', { text, n: 0 }, { collection: 'heavy/equal' })
    for (const id of ids) expect([id, await outcome(socket, id)]).toEqual([id, 'ENTER'])
  })

  it('hold up nobody when each is another one, and leave out nothing without saying so', async () => {
    const socket = await connect()
    const ids = Array.from({ length: subscribers }, (_, index) => `different-${index}`)
    for (const [index, id] of ids.entries()) await subscribe(socket, id, heaviest(index))
    await subscribe(socket, 'light', { path: 'n', eq: -1 })
    const delay = monitorEventLoopDelay()
    delay.enable()
    const written = put(server, 'different', { text, n: -1 }, { collection: 'heavy/different' })
    expect(await outcome(socket, 'light')).toBe('ENTER')
    await written
    // Streams that survive the first write receive this one: each stream either gets it or has ended with an error.
    await put(server, 'second', { text: 'xd ad' }, { collection: 'heavy/different' })
    const outcomes = await Promise.all(ids.map((id) => outcome(socket, id)))
    delay.disable()
    expect(new Set(outcomes)).toEqual(new Set(['ENTER', 'TOO_COMPLEX']))
    // It was the sum of all before, minutes on this machine when it is busy.
    expect(delay.max / 1e6).toBeLessThan(5_000)
  })
})
