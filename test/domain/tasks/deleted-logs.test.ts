import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { toldEvents } from '#test/support/events.ts'
import { graphqlData } from '#test/support/graphql.ts'
import { clientOf, startRestServer } from '#test/support/rest.ts'
import type { TestServer } from '#test/support/server.ts'
import { firstCursor } from '#test/support/streams.ts'
import { connectSocket } from '#test/support/websocket.ts'

let server: TestServer
/** Has logged the lines `one`, `two` and `three`, which were deleted. */
let id: string
/** From before the lines. */
let before: string
beforeAll(async () => {
  server = await startRestServer()
  const rest = clientOf(server)
  id = await rest.submit('holds')
  await rest.reach(id, 'completed')
  before = await firstCursor(server, id)
  await toldEvents(server, ['task.log'], ({ data }) => 'log' in data, 3)
  await graphqlData(server, 'mutation ($id: ID!) { deleteTaskLogs(input: { id: $id }) { __typename } }', { id })
})
afterAll(() => server.close())

async function eventsOf(type: string): Promise<Record<string, unknown>[]> {
  const { events } = await graphqlData<{ events: { nodes: { data: Record<string, unknown> }[] } }>(
    server,
    'query ($types: [String!], $subject: String) { events(types: $types, subject: $subject) { nodes { data } } }',
    { types: [type], subject: `task:${id}` },
  )
  return events.nodes.map(({ data }) => data)
}

describe('the log of a task that was deleted', () => {
  it('is an event that says how many lines it had', async () => {
    const [event] = await toldEvents(server, ['task.logs_deleted'], ({ data }) => data['lines'] === 3)
    expect(event?.data).toMatchObject({ type: 'holds', status: 'COMPLETED', lines: 3 })
  })

  it('leaves its entries in the journal, and nothing of what they said', async () => {
    const events = await eventsOf('task.log')
    expect(events).toHaveLength(3)
    for (const data of events) expect(data).not.toHaveProperty('log')
    const kept = await server.database.query('SELECT 1 FROM journal WHERE data @> \'{"log": {}}\'')
    expect(kept).toEqual([])
  })

  it('is left out of a stream that resumes before it, which has everything else', async () => {
    const socket = await connectSocket(server)
    const query = 'subscription ($id: ID!, $after: String) { taskUpdates(id: $id, after: $after) { kind status } }'
    socket.subscribe('again', query, { id, after: before })
    const kinds: string[] = []
    for await (const { taskUpdates } of socket.results('again')) kinds.push((taskUpdates as { kind: string }).kind)
    expect(kinds).toEqual(['STATUS', 'STEP', 'STATUS'])
    await socket.close()
  })
})
