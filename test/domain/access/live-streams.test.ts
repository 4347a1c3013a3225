import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openStream } from '#test/support/event-stream.ts'
import { graphqlData } from '#test/support/graphql.ts'
import { addPerson, signIn } from '#test/support/people.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'
import { firstCursor, submitDistant } from '#test/support/streams.ts'
import { connectSocket } from '#test/support/websocket.ts'

let server: TestServer
let neighbour: TestServer
beforeAll(async () => {
  server = await startTestServer({ env: { LOG_LEVEL: 'silent' } })
  neighbour = await startTestServer({ database: server.database, env: { LOG_LEVEL: 'silent', ROLES: 'api' } })
  // Nobody can be demoted or removed who is the last one.
  await addPerson(server, 'OWNER')
})
afterAll(async () => {
  await neighbour.close()
  await server.close()
})

const query = 'subscription ($after: String) { events(after: $after) { type subject } }'
const changes: [string, string][] = [
  ['gets another role', 'mutation($who: String!) { updateUser(input: { who: $who, role: MEMBER }) { __typename } }'],
  ['is removed', 'mutation($who: String!) { removeUser(input: { who: $who }) { __typename } }'],
]
const cases = changes.flatMap(([what, mutation]) =>
  ['same', 'another'].map((which) => [what, which, mutation] as const),
)

describe('a subscription whose person', () => {
  it.each(cases)('%s ends on the %s process, and tells nothing that comes after', async (_what, which, mutation) => {
    const at = which === 'same' ? server : neighbour
    const email = await addPerson(server, 'OWNER')
    const { accessToken: token } = await signIn(server, email)
    const socket = await connectSocket(at, { token })
    // Both tell first what has happened before, so both are open when the right is taken away.
    const variables = { after: await firstCursor(server, await submitDistant(server)) }
    const subject = `task:${await submitDistant(server)}`
    socket.subscribe('1', query, variables)
    const stream = await openStream(at, { query, variables, token })
    expect(await subjectOf(socket.results('1'), subject)).toBe(subject)
    expect(await subjectOf(eventsOf(stream), subject)).toBe(subject)

    await graphqlData(server, mutation, { who: email })
    await graphqlData(server, 'mutation { createUser(input: { email: "after@example.com" }) { __typename } }')
    expect((await socket.closed).code).toBe(4403)
    const after: unknown[] = []
    try {
      for await (const { type } of eventsOf(stream)) after.push(type)
    } catch {
      // The connection was cut, which is an end as well.
    }
    expect(after).not.toContain('auth.user_created')
    await graphqlData(server, 'mutation { removeUser(input: { who: "after@example.com" }) { __typename } }')
  })
})

interface Told {
  readonly type: string
  readonly subject: string
}

async function* eventsOf(
  stream: AsyncIterable<{ data: { data: { events: Told } } | undefined }>,
): AsyncGenerator<Told> {
  for await (const { data } of stream) if (data !== undefined) yield data.data.events
}

/** Reads until something about the subject arrives; leaves the stream open. */
async function subjectOf(told: AsyncGenerator<unknown>, subject: string): Promise<string> {
  for (;;) {
    const { value, done } = await told.next()
    if (done) throw new Error('The stream has ended.')
    const event = ('events' in (value as object) ? (value as { events: Told }).events : value) as Told
    if (event.subject === subject) return subject
  }
}

it('continues when its person’s role was read after the change that arrives only now', async () => {
  const variables = { after: await firstCursor(server, await submitDistant(server)) }
  // While this transaction runs, nothing committed after its start is delivered.
  const running = new pg.Client({ connectionString: server.database.url })
  await running.connect()
  try {
    await running.query('BEGIN; SELECT pg_current_xact_id()')
    const email = await addPerson(server)
    const { accessToken: token } = await signIn(server, email)
    const socket = await connectSocket(server, { token })
    socket.subscribe('1', query, variables)
    await running.query('COMMIT')
    expect(await subjectOf(socket.results('1'), `task:${await submitDistant(server)}`)).toMatch(/^task:/)
    await socket.close()
  } finally {
    await running.end()
  }
})
