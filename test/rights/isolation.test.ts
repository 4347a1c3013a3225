import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { graphql, graphqlData } from '#test/support/graphql.ts'
import { addPerson } from '#test/support/people.ts'
import { clientOf } from '#test/support/rest.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'
import { firstCursor, submitDistant } from '#test/support/streams.ts'
import { makeThings, type Things } from '#test/support/things.ts'
import { addToken } from '#test/support/tokens.ts'
import { connectSocket } from '#test/support/websocket.ts'

/** Everybody is on one server; each has an account of their own, and all rights in it. */
let server: TestServer
let stranger: Pick<TestServer, 'url' | 'token'>
let strangersAccount: string
let things: Things
beforeAll(async () => {
  server = await startTestServer({ env: { LOG_LEVEL: 'silent' } })
  const { token, accountId } = await addToken(server)
  stranger = { url: server.url, token }
  strangersAccount = accountId
  things = await makeThings(server, 'OWNER')
})
afterAll(() => server.close())

/** Asks as the stranger. */
function ask<Data>(query: string, variables: Record<string, unknown> = {}): Promise<Data> {
  return graphqlData<Data>(stranger, query, variables)
}

const submission = (idempotencyKey: string, note: string) => ({
  input: { type: 'probe', idempotencyKey, labels: { note }, runAt: new Date(Date.now() + 3_600_000_000).toISOString() },
})
const submitTask = `mutation ($input: SubmitTaskInput!) {
  submitTask(input: $input) { __typename ... on SubmitTaskPayload { task { id labels } }}
}`
interface Submitted {
  submitTask: { task: { id: string; labels: unknown } }
}

describe('another account is not reached', () => {
  it('by an id', async () => {
    expect(
      await ask(
        `query ($task: ID!, $token: ID!, $who: String!, $slug: String!, $webhook: ID!) {
          task(id: $task) { id } applicationToken(id: $token) { id } user(who: $who) { id } team(slug: $slug) { id }
          webhook(id: $webhook) { id }
        }`,
        {
          task: things.taskId,
          token: things.tokenId,
          who: things.email,
          slug: things.teamSlug,
          webhook: things.webhookId,
        },
      ),
    ).toEqual({ task: null, applicationToken: null, user: null, team: null, webhook: null })
  })

  it('by a filter, not even by one that names what is there', async () => {
    const [task] = await server.database.query<{ type: string; created_at: Date }>(
      'SELECT type, created_at FROM task WHERE id = $1',
      [things.taskId],
    )
    const answer = await ask<Record<string, { nodes: unknown[] }>>(
      `query ($type: String!, $at: DateTime!, $subject: String!, $slug: String!, $who: String!, $token: ID!, $webhook: ID!) {
        tasks(where: { type: [$type], status: [SCHEDULED], createdFrom: $at }) { nodes { id } }
        events(subject: $subject) { nodes { type } }
        users(team: $slug) { nodes { id } }
        sessions(who: $who) { nodes { id } }
        auditEntries(where: { token: $token }) { nodes { type } }
        deliveries(where: { webhookId: $webhook }) { nodes { id } }
        subject: auditEntries(where: { subject: $subject }) { nodes { type } }
      }`,
      {
        type: task?.type,
        at: task?.created_at.toISOString(),
        subject: `task:${things.taskId}`,
        slug: things.teamSlug,
        who: things.email,
        token: things.tokenId,
        webhook: things.webhookId,
      },
    )
    expect(Object.entries(answer).filter(([, { nodes }]) => nodes.length > 0)).toEqual([])
  })

  it('by labels that could be SQL', async () => {
    const labels = { "a'->>'b": "' OR account_id IS NOT NULL --", '%': '%' }
    expect(
      await ask('query ($labels: JSON!) { tasks(where: { labels: $labels }) { nodes { id } } }', { labels }),
    ).toEqual({
      tasks: { nodes: [] },
    })
  })

  it('by a cursor', async () => {
    const lists = {
      tasks: 'nodes { id }',
      events: 'nodes { subject }',
      applicationTokens: 'nodes { id name }',
      users: 'nodes { id }',
      teams: 'nodes { id }',
      sessions: 'nodes { id }',
      auditEntries: 'nodes { accountId subject }',
      webhooks: 'nodes { id }',
      deliveries: 'nodes { id }',
      entries: 'nodes { key }',
      locks: 'nodes { name }',
    }
    for (const name of Object.keys(lists)) {
      const { [name]: page } = await graphqlData<Record<string, { edges: { cursor: string }[] }>>(
        server,
        `{ ${name}(first: 1) { edges { cursor } } }`,
      )
      const after = page?.edges[0]?.cursor
      expect([name, typeof after]).toEqual([name, 'string'])
      const query = `query ($after: String) { ${name}(after: $after) { ${lists[name as keyof typeof lists]} } }`
      const { data, errors } = await graphql<Record<string, { nodes: Record<string, string>[] }>>(
        server,
        query,
        { after },
        stranger.token,
      )
      // A cursor is a place in an order, so it may be taken; what comes behind it is one's own.
      if (errors !== undefined) expect([name, errors[0]?.extensions?.['code']]).toEqual([name, 'INVALID_CURSOR'])
      const { [name]: ours } = await graphqlData<Record<string, { nodes: object[] }>>(
        server,
        `{ ${name}(first: 200) { ${lists[name as keyof typeof lists]} } }`,
      )
      const known = new Set(ours?.nodes.map((node) => JSON.stringify(node)))
      expect([name, data?.[name]?.nodes.filter((node) => known.has(JSON.stringify(node))) ?? []]).toEqual([name, []])
    }
  })

  it('by a subscription, wherever it begins', async () => {
    const feed = 'subscription ($after: String) { taskFeed(after: $after) { taskId } }'
    const events = 'subscription ($after: String) { events(after: $after) { subject } }'
    const one = 'subscription ($id: ID!) { taskUpdates(id: $id) { taskId } }'
    const socket = await connectSocket(server, { token: stranger.token })
    const foreign = { after: await firstCursor(server, things.taskId) }
    for (const [id, query] of Object.entries({ feed, events })) {
      socket.subscribe(id, query, foreign)
      expect((await socket.next(id)).payload[0].extensions.code).toBe('INVALID_CURSOR')
    }
    socket.subscribe('one', one, { id: things.taskId })
    expect((await socket.next('one')).payload[0].extensions.code).toBe('NOT_FOUND')

    const own = { after: await firstCursor(stranger, await submitDistant(stranger)) }
    socket.subscribe('own feed', feed, own)
    socket.subscribe('own events', events, own)
    await submitDistant(server)
    const taskId = await submitDistant(stranger)
    // The first update they receive is their own, although one of the other account came before.
    expect((await socket.results('own feed').next()).value).toEqual({ taskFeed: { taskId } })
    expect((await socket.results('own events').next()).value).toEqual({ events: { subject: `task:${taskId}` } })
    await socket.close()
  })

  it('by a nested field', async () => {
    const email = await addPerson(server)
    await graphqlData(server, 'mutation ($input: TeamMemberInput!) { addTeamMember(input: $input) { __typename } }', {
      input: { slug: things.teamSlug, who: email },
    })
    const own = `own-${things.email}`
    await ask('mutation ($email: String!) { createUser(input: { email: $email }) { __typename } }', { email: own })
    const { users, viewer } = await ask<{ users: { nodes: object[] }; viewer: { account: { id: string } } }>(
      `{ users(first: 9) { nodes { email memberships { team { members(first: 9) { nodes { user { email } } } } } } }
         viewer { account { id } } }`,
    )
    expect(users.nodes).toEqual([{ email: own, memberships: [] }])
    expect(viewer.account.id).toBe(strangersAccount)
  })

  it('by an idempotency key', async () => {
    const mine = await graphqlData<Submitted>(server, submitTask, submission('the same', 'mine'))
    const theirs = await ask<Submitted>(submitTask, submission('the same', 'theirs'))
    expect(theirs.submitTask.task.labels).toEqual({ note: 'theirs' })
    expect(theirs.submitTask.task.id).not.toBe(mine.submitTask.task.id)
    const createTeam = `mutation { createTeam(input: { name: "One", slug: "one-key", idempotencyKey: "one" }) {
      ... on CreateTeamPayload { team { id } } } }`
    const teams = [await graphqlData(server, createTeam), await ask(createTeam)].map((made) => JSON.stringify(made))
    expect(new Set(teams).size).toBe(2)
    const rest = clientOf(server)
    const create = (token: string) =>
      rest.ask<{ operationId: string }>('POST /api/tasks', {
        token,
        headers: { 'idempotency-key': 'by rest' },
        body: { type: 'probe', data: {} },
      })
    const [one, other] = [await create(server.token), await create(stranger.token)]
    expect(one.body.operationId).not.toBe(other.body.operationId)
  })

  it('by a change', async () => {
    const refused = await ask<Record<string, { __typename: string }>>(
      `mutation ($id: ID!, $token: String!, $tokenId: ID!, $slug: String!, $who: String!, $session: ID!) {
        cancelTask(input: { id: $id }) { __typename }
        retryTask(input: { id: $id }) { __typename }
        deleteTaskLogs(input: { id: $id }) { __typename }
        revokeApplicationToken(input: { id: $token }) { __typename }
        rotateApplicationToken(input: { id: $tokenId }) { __typename }
        deleteTeam(input: { slug: $slug }) { __typename }
        removeTeamMember(input: { slug: $slug, who: $who }) { __typename }
        signOut(input: { sessionId: $session }) { __typename }
      }`,
      {
        id: things.taskId,
        token: things.tokenId,
        tokenId: things.tokenId,
        slug: things.teamSlug,
        who: things.email,
        session: things.sessionId,
      },
    )
    expect(Object.values(refused).filter(({ __typename }) => !__typename.endsWith('NotFound'))).toEqual([])
  })
})
