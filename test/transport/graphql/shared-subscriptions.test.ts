import { tracingChannel } from 'node:diagnostics_channel'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { schema } from '#schema/index.ts'
import { openStream } from '#test/support/event-stream.ts'
import { graphqlData } from '#test/support/graphql.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'
import { configFile, firstCursor, submitDistant, submitSpeaker } from '#test/support/streams.ts'
import { addToken, ownAccount } from '#test/support/tokens.ts'
import { connectSocket, type Frame, type RawSocket } from '#test/support/websocket.ts'

let server: TestServer
let accountId: string
beforeAll(async () => {
  server = await startTestServer({ configFile, env: { LOG_LEVEL: 'silent' } })
  accountId = await ownAccount(server)
})
afterAll(() => server.close())

const fields = 'kind cursor at status task { id status attempt error { message stack } }'
const query = `subscription ($id: ID!, $after: String) { taskUpdates(id: $id, after: $after) { ${fields} } }`

async function connectAs(scopes: readonly string[]) {
  const known = await addToken(server, { accountId, scopes })
  const socket = await connectSocket(server, { token: known.token })
  onTestFinished(() => socket.close())
  return { ...known, socket }
}

/** A stream that is open until the test ends it; what it receives comes as the text that was sent. */
async function follow(socket: RawSocket, id: string, operation: string, more: { query?: string; after?: string } = {}) {
  socket.subscribe(operation, more.query ?? query, { id, after: more.after })
  if (more.after === undefined) await socket.next(operation)
}

function cancel(id: string): Promise<unknown> {
  return graphqlData(server, 'mutation ($input: CancelTaskInput!) { cancelTask(input: $input) { __typename } }', {
    input: { id },
  })
}

/** How often a field of an update was resolved in executions of subscriptions, from now until the test ends. */
function countResolved(field: string): () => number {
  let count = 0
  const start = (message: unknown) => {
    if ((message as { fieldName: string }).fieldName === field) count += 1
  }
  const channel = tracingChannel('graphql:resolve')
  channel.start.subscribe(start)
  onTestFinished(() => void channel.start.unsubscribe(start))
  return () => count
}

const payloadOf = ({ payload }: Frame) => payload.data.taskUpdates

describe('subscribers with equal operation and rights', () => {
  it('share one execution of each update, whoever they are and wherever they resumed', async () => {
    const { socket: one } = await connectAs(['tasks:read', 'events:read'])
    const { socket: other } = await connectAs(['events:read', 'tasks:read'])
    const id = await submitDistant(server)
    const after = await firstCursor(server, id)
    for (const name of ['a', 'b', 'c']) {
      await follow(one, id, name)
      await follow(other, id, name)
    }
    await follow(other, id, 'resumed', { after })
    const resolved = countResolved('task')
    await cancel(id)
    const frames = await Promise.all(['a', 'b', 'c'].flatMap((name) => [one.next(name), other.next(name)]))
    frames.push(await other.next('resumed'))
    expect(payloadOf(frames[0] as Frame)).toMatchObject({ kind: 'STATUS', task: { id, status: 'CANCELLED' } })
    for (const { payload } of frames) expect(payload).toEqual(frames[0]?.payload)
    expect(resolved()).toBe(1)
  })

  it('receive the same over a WebSocket and as server-sent events', async () => {
    const { socket, token } = await connectAs(['tasks:read'])
    const id = await submitDistant(server)
    const stream = await openStream(server, { method: 'POST', query, variables: { id }, token })
    onTestFinished(() => stream.abort())
    const events = stream[Symbol.asyncIterator]()
    await events.next()
    await follow(socket, id, 'a')
    const resolved = countResolved('task')
    await cancel(id)
    const { value: event } = await events.next()
    expect(event).toEqual({ name: 'next', data: (await socket.next('a')).payload })
    expect(resolved()).toBe(1)
  })

  it('do not share what an operation selects by other variables', async () => {
    const { socket } = await connectAs(['tasks:read'])
    const id = await submitDistant(server)
    const chosen = `subscription ($id: ID!, $full: Boolean!) {
      taskUpdates(id: $id) { kind task @include(if: $full) { id } } }`
    for (const full of [true, false]) {
      socket.subscribe(String(full), chosen, { id, full })
      await socket.next(String(full))
    }
    await cancel(id)
    expect(payloadOf(await socket.next('true'))).toEqual({ kind: 'STATUS', task: { id } })
    expect(payloadOf(await socket.next('false'))).toEqual({ kind: 'STATUS' })
  })
})

describe('subscribers who differ', () => {
  it('only in rights never receive what the other one may see', async () => {
    const owner = await connectSocket(server)
    onTestFinished(() => owner.close())
    const { socket: everything } = await connectAs(['*'])
    const { socket: reader } = await connectAs(['tasks:read'])
    const { id, release } = await submitSpeaker(server, {}, { fails: true })
    for (const socket of [everything, owner, reader]) await follow(socket, id, 'a')
    release()
    const errorOf = async (socket: RawSocket) => {
      for (;;) {
        const update = payloadOf(await socket.next('a'))
        if (update.status === 'FAILED') return update.task.error
      }
    }
    expect(await errorOf(everything)).toEqual({ message: 'as asked', stack: null })
    expect(await errorOf(owner)).toEqual({ message: 'as asked', stack: expect.stringContaining('Error: as asked') })
    expect(await errorOf(reader)).toEqual({ message: 'as asked', stack: null })
  })

  it('in their account have nothing in common', async () => {
    const { token } = await addToken(server)
    const stranger = await connectSocket(server, { token })
    onTestFinished(() => stranger.close())
    stranger.subscribe('a', query, { id: await submitDistant(server) })
    expect(await stranger.next('a')).toMatchObject({
      type: 'error',
      payload: [{ extensions: { code: 'NOT_FOUND' } }],
    })
  })

  it('in nothing lose their streams one by one when their tokens are revoked', async () => {
    const revoked = await connectAs(['tasks:read'])
    const { socket: kept } = await connectAs(['tasks:read'])
    const id = await submitDistant(server)
    await follow(revoked.socket, id, 'a')
    await follow(kept, id, 'a')
    await graphqlData(
      server,
      'mutation ($input: RevokeApplicationTokenInput!) { revokeApplicationToken(input: $input) { __typename } }',
      { input: { id: revoked.id } },
    )
    expect(await revoked.socket.closed).toMatchObject({ code: 4403 })
    await cancel(id)
    expect(payloadOf(await kept.next('a'))).toMatchObject({ kind: 'STATUS', task: { status: 'CANCELLED' } })
    expect(revoked.socket.waiting).toBe(0)
  })
})

it('gives each event to the fields of an update as it came, whatever the arguments of the subscription are', () => {
  const event = {}
  const unreadable = new Proxy({}, { get: () => expect.fail('An argument was read.') })
  for (const field of Object.values(schema.getSubscriptionType()?.getFields() ?? {}))
    expect(field.resolve?.(event, unreadable, unreadable, {} as never)).toBe(event)
})
