import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type GraphqlAnswer, graphql, graphqlData } from '#test/support/graphql.ts'
import type { TestServer } from '#test/support/server.ts'
import { sharedServer } from '#test/support/shared-server.ts'
import { addToken, ownAccount } from '#test/support/tokens.ts'
import { connectSocket } from '#test/support/websocket.ts'

let server: TestServer
/** May do everything with tasks of the type `probe`, and nothing with others. */
let token: string
let own: string
let foreign: string

beforeAll(async () => {
  server = await sharedServer()
  const accountId = await ownAccount(server)
  token = (await addToken(server, { accountId, scopes: ['tasks:write:type=pro*'] })).token
  own = await submit('probe')
  foreign = await submit('repository.inspect')
})
afterAll(() => server.close())

/** A task that waits for an hour. */
async function submit(type: string): Promise<string> {
  const runAt = new Date(Date.now() + 3_600_000).toISOString()
  const { submitTask } = await graphqlData<{ submitTask: { task: { id: string } } }>(
    server,
    'mutation($input: SubmitTaskInput!) { submitTask(input: $input) { ... on SubmitTaskPayload { task { id } } } }',
    { input: { type, runAt, input: type === 'probe' ? {} : { source: '.' } } },
  )
  return submitTask.task.id
}

/** The code with which something is refused, as a member of the result or at the top. */
function codeOf(answer: GraphqlAnswer<Record<string, { code?: string } | null>>): string | undefined {
  return (
    answer.errors?.map(({ extensions }) => String(extensions?.['code']))[0] ?? Object.values(answer.data ?? {})[0]?.code
  )
}

const as = <Data = Record<string, never>>(query: string, variables = {}) =>
  graphql<Data>(server, query, variables, token)

describe('a scope that is narrowed to task types', () => {
  it('submits only tasks of its types', async () => {
    const query =
      'mutation($type: String!) { submitTask(input: { type: $type }) { ... on SubmitTaskPayload { task { type } } } }'
    expect(await as(query, { type: 'probe' })).toEqual({ data: { submitTask: { task: { type: 'probe' } } } })
    const { errors } = await as(query, { type: 'command' })
    expect(errors).toMatchObject([
      {
        message: 'This needs the scope tasks:write or tasks:admin for "command".',
        extensions: { code: 'FORBIDDEN', sufficientScopes: ['tasks:write', 'tasks:admin'] },
      },
    ])
    const many = 'mutation { submitTasks(input: { tasks: [{ type: "probe" }, { type: "command" }] }) { __typename } }'
    expect(codeOf(await as(many))).toBe('FORBIDDEN')
  })

  it('lists and finds tasks of its types alone', async () => {
    const { data } = await as<{ tasks: { nodes: { type: string }[] } }>('{ tasks(first: 200) { nodes { type } } }')
    expect(new Set(data?.tasks.nodes.map(({ type }) => type))).toEqual(new Set(['probe']))
    const query = 'query($id: ID!) { task(id: $id) { id } }'
    expect(await as(query, { id: own })).toEqual({ data: { task: { id: own } } })
    expect(await as(query, { id: foreign })).toEqual({ data: { task: null } })
    expect(await as('{ tasks(where: { type: ["repository.inspect"] }) { nodes { id } } }')).toEqual({
      data: { tasks: { nodes: [] } },
    })
  })

  it('shows its types alone among those that can be handed in', async () => {
    expect(await as('{ taskTypes { name } }')).toEqual({ data: { taskTypes: [{ name: 'probe' }] } })
  })

  it('does not know the tasks of other types to cancel, retry or clear', async () => {
    for (const name of ['cancelTask', 'retryTask', 'deleteTaskLogs']) {
      const query = `mutation($id: ID!) { ${name}(input: { id: $id }) { ... on Failure { code } } }`
      expect(codeOf(await as(query, { id: foreign }))).toBe('NOT_FOUND')
    }
  })

  it('reads no part of a task of another type', async () => {
    const answer = await fetch(`${server.url}/api/tasks/${foreign}/result/parts/summary`, {
      headers: { authorization: `Bearer ${token}` },
    })
    expect(answer.status).toBe(404)
  })

  it('follows tasks of its types alone', async () => {
    const socket = await connectSocket(server, { token })
    socket.subscribe('one', 'subscription($id: ID!) { taskUpdates(id: $id) { kind } }', { id: foreign })
    expect(await socket.next('one')).toMatchObject({ type: 'error', payload: [{ extensions: { code: 'NOT_FOUND' } }] })
    const { events } = await graphqlData<{ events: { nodes: { cursor: string }[] } }>(
      server,
      '{ events(first: 1) { nodes { cursor } } }',
    )
    await submit('repository.inspect')
    const last = await submit('probe')
    const feed = 'subscription($after: String) { taskFeed(after: $after) { taskId task { type } } }'
    socket.subscribe('all', feed, { after: events.nodes[0]?.cursor })
    for await (const { taskFeed } of socket.results('all')) {
      const { taskId, task } = taskFeed as { taskId: string; task: { type: string } }
      expect(task.type).toBe('probe')
      if (taskId === last) break
    }
    await socket.close()
  })
})
