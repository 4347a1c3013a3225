import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type EventStream, openStream, type SentEvent } from '#test/support/event-stream.ts'
import { graphql } from '#test/support/graphql.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'
import { configFile, submit, submitDistant, submitSpeaker, subscribers } from '#test/support/streams.ts'
import { until } from '#test/support/until.ts'
import {
  expectHonestGaps,
  type FloodUpdate,
  floodIsOver,
  floodQuery,
  linesFrom,
  loggedLines,
  submitFlood,
} from './flood.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer({ configFile, env: { LOG_LEVEL: 'silent' } })
})
afterAll(() => server.close())

const query = `subscription ($id: ID!, $after: String) {
  taskUpdates(id: $id, after: $after) { kind cursor status skipped log { message } }
}`
const methods = ['GET', 'POST'] as const

interface Update {
  readonly kind: string
  readonly cursor: string
  readonly status: string | null
  readonly skipped: number | null
  readonly log: { readonly message: string } | null
}
const updateOf = (event: SentEvent | undefined): Update => event?.data.data.taskUpdates
const lineOf = ({ log }: Update) => Number(log?.message.split(' ')[0])
const from = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, index) => first + index)

describe.each(methods)('a subscription by %s', (method) => {
  it('is a stream of next, and of complete when the task has ended', async () => {
    const { id, release } = await submitSpeaker(server)
    const stream = await openStream(server, { method, query, variables: { id } })
    expect(stream.response.statusCode).toBe(200)
    expect(stream.response.headers).toMatchObject({ 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
    release()
    const events = await Array.fromAsync(stream)
    expect(events.at(-1)).toEqual({ name: 'complete', data: undefined })
    const told = events.slice(0, -1)
    expect(new Set(told.map(({ name }) => name))).toEqual(new Set(['next']))
    expect(updateOf(told[0])).toMatchObject({ kind: 'STATE' })
    expect(updateOf(told.at(-1))).toMatchObject({ kind: 'STATUS', status: 'COMPLETED' })
  })

  it('goes on after a cursor where its connection broke: every update once, in order', async () => {
    const lines = 300
    const id = await submit(server, { type: 'floods', input: { lines } })
    const told: number[] = []
    let after: string | undefined
    for (let isOver = false; !isOver; ) {
      const stream = await openStream(server, { method, query, variables: { id, after } })
      // Cut off after some fifty updates, wherever that is.
      for (let read = 0; read < 50 && !isOver; ) {
        const event = await stream.next()
        if (event?.name === 'complete') isOver = true
        if (event?.name !== 'next') continue
        const update = updateOf(event)
        expect(update.kind).not.toBe('LAGGED')
        if (update.kind === 'LOG') told.push(lineOf(update))
        after = update.cursor
        read++
      }
      stream.abort()
    }
    expect(told).toEqual(from(1, lines))
  })

  it('needs a token', async () => {
    for (const token of ['', 'nobody-has-this-token-0000000000000000']) {
      const { response } = await openStream(server, { method, query, variables: { id: 'any' }, token })
      expect(response.statusCode).toBe(401)
      expect(response.headers).toMatchObject({ 'www-authenticate': 'Bearer realm="signalbox"' })
      expect(JSON.parse(String(await response.toArray()))).toMatchObject({
        errors: [{ extensions: { code: 'UNAUTHENTICATED' } }],
      })
    }
  })

  it('that can’t begin tells why, and completes', async () => {
    const events = await Array.fromAsync(await openStream(server, { method, query, variables: { id: 'none' } }))
    expect(events).toMatchObject([
      { name: 'next', data: { errors: [{ path: ['taskUpdates'], extensions: { code: 'NOT_FOUND' } }] } },
      { name: 'complete' },
    ])
    await until(async () => (await subscribers(server)) === 0)
  })

  it('that is not valid tells why, and completes', async () => {
    const events = await Array.fromAsync(await openStream(server, { method, query: 'subscription { nothing }' }))
    expect(events).toMatchObject([
      { name: 'next', data: { errors: [{ extensions: { code: 'INVALID_INPUT' } }] } },
      { name: 'complete' },
    ])
    expect(JSON.stringify(events)).not.toContain('"http"')
  })

  // Every 300 ms where NODE_ENV is `test`, else every 12 s.
  it('says something from time to time while nothing happens', async () => {
    const id = await submitDistant(server)
    const stream = await openStream(server, { method, query, variables: { id } })
    const first = [await stream.next(), await stream.next(), await stream.next(), await stream.next()]
    const comment = { name: '', data: undefined }
    expect(first).toEqual([comment, { name: 'next', data: expect.anything() }, comment, comment])
  })

  it.each([
    ['taskUpdates', query],
    ['taskFeed', 'subscription { taskFeed { kind } }'],
    ['events', 'subscription { events(subject: "none") { type } }'],
  ])('of %s is released when its client has gone', async (_, subscription) => {
    await until(async () => (await subscribers(server)) === 0)
    const id = await submitDistant(server)
    const variables = subscription === query ? { id } : {}
    const stream = await openStream(server, { method, query: subscription, variables })
    await until(async () => (await subscribers(server)) === 1)
    stream.abort()
    await until(async () => (await subscribers(server)) === 0)
  })
})

describe('a client that reads nothing', () => {
  async function readAll(stream: EventStream): Promise<FloodUpdate[]> {
    const events = await Array.fromAsync(stream)
    return events.filter(({ name }) => name === 'next').map(({ data }) => data.data.taskUpdates)
  }

  it('fills only its own bounded buffer, learns how much it has missed, and can fetch it again', async () => {
    const id = await submitFlood(server)
    const stream = await openStream(server, { query: floodQuery, variables: { id } })
    // Nothing is read from the stream; others are served meanwhile.
    await floodIsOver(server, id)
    const { cursor, missing } = expectHonestGaps(await readAll(stream))
    const again = await openStream(server, { query: floodQuery, variables: { id, after: cursor } })
    expect(loggedLines(await readAll(again))).toEqual(linesFrom(missing))
  }, 60_000)

  it('and goes away is released, with what was still to be sent', async () => {
    await until(async () => (await subscribers(server)) === 0)
    const id = await submitFlood(server)
    const stream = await openStream(server, { query: floodQuery, variables: { id } })
    await floodIsOver(server, id)
    await until(async () => (await subscribers(server)) === 1)
    stream.abort()
    await until(async () => (await subscribers(server)) === 0)
  }, 60_000)
})

it('ends when the server stops, and can be gone on with at another', async () => {
  const other = await startTestServer({
    configFile,
    database: server.database,
    env: { LOG_LEVEL: 'silent', ROLES: 'api' },
  })
  const id = await submitDistant(server)
  const stream = await openStream(other, { query, variables: { id } })
  let update: Update | undefined
  while (update === undefined) {
    const event = await stream.next()
    if (event?.name === 'next') update = updateOf(event)
  }
  await other.close()
  await expect(Array.fromAsync(stream)).rejects.toThrow('aborted')
  await graphql(server, 'mutation ($id: ID!) { cancelTask(input: { id: $id }) { __typename } }', { id })
  const rest = await Array.fromAsync(await openStream(server, { query, variables: { id, after: update.cursor } }))
  expect(rest.slice(0, -1).map((event) => updateOf(event).status)).toContain('CANCELLED')
})
