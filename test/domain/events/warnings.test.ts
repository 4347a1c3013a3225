import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { run, start } from '#test/support/command-line.ts'
import { openStream } from '#test/support/event-stream.ts'
import { graphql, graphqlData } from '#test/support/graphql.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'
import { addToken, ownAccount } from '#test/support/tokens.ts'
import { until } from '#test/support/until.ts'
import { connectSocket } from '#test/support/websocket.ts'

let server: TestServer
let env: Record<string, string>
beforeAll(async () => {
  server = await startTestServer()
  env = { SIGNALBOX_URL: server.url, SIGNALBOX_TOKEN: server.token }
})
afterAll(() => server.close())

const misspelled = 'task.complted'
const warning = 'The server writes no event "task.complted". Did you mean "task.completed"?'
const subscription = 'subscription ($types: [String!]) { events(types: $types) { id cursor type subject data } }'
const list = 'query ($types: [String!]) { events(types: $types) { warnings } }'

async function warningsOf(types: string[] | undefined): Promise<string[]> {
  return (await graphqlData<{ events: { warnings: string[] } }>(server, list, { types })).events.warnings
}

function trigger(type: string): Promise<unknown> {
  return graphqlData(server, `mutation { triggerEvent(input: { type: "${type}" }) { __typename } }`)
}

describe('a type that is probably misspelled', () => {
  it('is warned of first in a subscription over WebSocket, which goes on as usual', async () => {
    const socket = await connectSocket(server)
    socket.subscribe('wrong', subscription, { types: [misspelled, 'own.event'] })
    const events = socket.results('wrong')
    expect((await events.next()).value).toMatchObject({
      events: { id: null, type: 'stream.warning', subject: 'stream', data: { warnings: [warning] } },
    })
    await trigger('own.event')
    expect((await events.next()).value).toMatchObject({ events: { type: 'own.event' } })
    await socket.close()
  })

  it.each(['GET', 'POST'] as const)('is warned of first in a stream by %s, whose cursor works', async (method) => {
    const stream = await openStream(server, { method, query: subscription, variables: { types: [misspelled] } })
    const [event] = await Array.fromAsync(take(stream, 1))
    expect(event?.data.data.events).toMatchObject({ type: 'stream.warning', data: { warnings: [warning] } })
    stream.abort()
    await trigger('own.event')
    const after = event?.data.data.events.cursor
    const query = 'query ($after: String) { events(after: $after) { nodes { type } } }'
    // A list ends before the first transaction that may still write an entry.
    const types = await until(async () => {
      const { events } = await graphqlData<{ events: { nodes: { type: string }[] } }>(server, query, { after })
      return events.nodes.length > 0 && events.nodes.map(({ type }) => type)
    })
    expect(types).toEqual(['own.event'])
  })

  it('is warned of in lists, also by REST', async () => {
    expect(await warningsOf([misspelled, 'task.completed', 'nonsense', 'taks.*'])).toEqual([
      warning,
      expect.stringContaining('No event has the type "nonsense"'),
      'The server writes no events of the family "taks.*". Did you mean "task.*"?',
    ])
    const headers = { authorization: `Bearer ${server.token}` }
    const answer = await fetch(`${server.url}/api/events?type=${misspelled}&type=task.failed`, { headers })
    expect([answer.status, answer.headers.get('warning')]).toEqual([200, `299 - ${JSON.stringify(warning)}`])
    const right = await fetch(`${server.url}/api/events?type=task.failed`, { headers })
    expect([right.status, right.headers.get('warning')]).toEqual([200, null])
  })

  it('is warned of on the standard error of the command line', async () => {
    const listed = await run(['events', '--types', misspelled, '--json'], { env })
    expect([listed.code, listed.stderr.trim()]).toEqual([0, warning])
    expect(JSON.parse(listed.stdout).nodes).toEqual([])
    const following = start(['events', '--follow', '--types', misspelled], { env })
    await following.says(warning, 'stderr')
    following.child.kill('SIGINT')
    expect([await following.ended, following.stdout()]).toEqual([130, ''])
  })
})

describe('no warning', () => {
  it('is given of types that the server writes, of own ones, and of none', async () => {
    expect(await warningsOf(undefined)).toEqual([])
    expect(await warningsOf(['task.completed', 'task.*', 'deployment.started', 'release.*', 'stream.lagged'])).toEqual(
      [],
    )
  })

  it('is given of a type like one of the server’s that somebody has triggered', async () => {
    const type = 'tasks.completed'
    expect(await warningsOf([type])).toHaveLength(1)
    await trigger(type)
    expect(await warningsOf([type, 'tasks.*'])).toEqual([])
    const stranger = (await addToken(server)).token
    const answer = await graphql<{ events: { warnings: string[] } }>(server, list, { types: [type] }, stranger)
    expect(answer.data?.events.warnings).toHaveLength(1)
  })

  it('comes without the right to read events', async () => {
    const { token } = await addToken(server, { accountId: await ownAccount(server), scopes: ['tasks:read'] })
    const answer = await graphql(server, list, { types: [misspelled] }, token)
    expect(answer.errors?.[0]?.extensions).toMatchObject({ code: 'FORBIDDEN' })
  })
})

async function* take<Item>(items: AsyncIterable<Item>, count: number): AsyncGenerator<Item> {
  let left = count
  for await (const item of items) {
    yield item
    left -= 1
    if (left === 0) return
  }
}
