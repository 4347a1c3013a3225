import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { run } from '#test/support/command-line.ts'
import { graphql, graphqlData } from '#test/support/graphql.ts'
import { clientOf, type RestClient } from '#test/support/rest.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'
import { loopbackAllowed } from '#test/support/webhooks.ts'

let server: TestServer
let rest: RestClient
beforeAll(async () => {
  server = await startTestServer({ env: loopbackAllowed })
  rest = clientOf(server)
})
afterAll(() => server.close())

describe('a query parameter that is not known', () => {
  it.each([
    ['GET /api/tasks?state=failed', 'state', /is called "status" here/],
    ['GET /api/events?types=task.*', 'types', /is called "type" here/],
    ['GET /api/events?first=5', 'first', /is called "limit" here/],
    ['GET /api/tasks?statuss=failed', 'statuss', /did you mean "status"\?/],
    ['GET /api/users/me?verbose=1', 'verbose', /no parameters are taken/],
    ['DELETE /api/key-value/none?force=true', 'force', /is not known here/],
    ['GET /api/webhooks?Status=active', 'Status', /did you mean "status"\?/],
    ['GET /api/tasks?constructor=1', 'constructor', /; known are status, /],
    ['GET /api/tasks?__proto__=1', '__proto__', /; known are status, /],
  ])('is refused: %s', async (call, path, message) => {
    const { status, body } = await rest.ask(call)
    expect([status, body['code']]).toEqual([400, 'MALFORMED_REQUEST'])
    expect(body['issues']).toEqual([{ path, message: expect.stringMatching(message) }])
  })

  it('is none of those that an identity provider may add', async () => {
    const { body } = await rest.ask('GET /api/auth/callback?code=1&state=2&session_state=3')
    expect(JSON.stringify(body)).not.toContain('session_state')
  })
})

describe('a name that is not known in a body', () => {
  it.each([
    [
      'POST /api/application-tokens',
      { name: 'x', expiresInDays: 3 },
      '"expiresInDays", which is called "expiresIn" here',
    ],
    ['POST /api/application-tokens', { name: 'x', idempotencyKey: 'k' }, 'which is the header Idempotency-Key here'],
    ['POST /api/tasks', { type: 'probe', input: {} }, '"input", which is called "data" here'],
    ['POST /api/tasks', { type: 'probe', label: {}, fairnesKey: 'a' }, '"fairnesKey"; did you mean "fairnessKey"?'],
    ['POST /api/webhooks', { name: 'x', event: 'a.b', config: { urll: 'http://a' } }, '"urll"; did you mean "url"?'],
    ['PUT /api/users/a@example.com', { nonsense: 1 }, 'Unrecognized key: "nonsense"'],
  ])('is refused by %s with the one that is meant: %j', async (call, body, text) => {
    const { status, body: refused } = await rest.ask(call, { body })
    expect([status, refused['code']]).toEqual([422, 'INVALID_INPUT'])
    expect(refused['message']).toContain(text)
  })
})

describe('an option of the command line that is not known', () => {
  it.each([
    [['token', 'create', 'x', '--expires-in-days', '3'], '(It is called --expires-in <days> here.)'],
    [['task', 'submit', 'probe', '--timeout-ms', '3000'], '(It is called --timeout <seconds> here.)'],
    [['events', '--type', 'task.*'], '(It is called --types <types> here.)'],
    [['task', 'submit', 'probe', '--timout', '3'], '(Did you mean --timeout?)'],
  ])('is refused with the one that is meant: %j', async (args, text) => {
    const { code, stderr } = await run(args, { env: {} })
    expect([code, stderr]).toEqual([2, expect.stringContaining(text)])
  })
})

describe('a scope that can match nothing', () => {
  const refusal = async (scope: string) => {
    const query = `mutation ($scope: String!) { createApplicationToken(input: { name: "s", scopes: [$scope] }) {
      __typename ... on InvalidInput { issues { path message } } } }`
    const { data } = await graphql<{ createApplicationToken: { issues?: { message: string }[] } }>(server, query, {
      scope,
    })
    return data?.createApplicationToken.issues?.[0]?.message
  }

  it('is refused with the one that was meant', async () => {
    expect(await refusal('entries:write:flags/')).toContain('did you mean "entries:write:flags/**"?')
    expect(await refusal('documents:read:/releases/**')).toContain('did you mean "documents:read:releases/**"?')
    expect(await refusal('documents:read:a//b')).toContain('did you mean "documents:read:a/b"?')
    expect(await refusal('entries:write:flags/**')).toBeUndefined()
    expect(await refusal('tasks:write:type=deploy.*')).toBeUndefined()
  })
})

describe('events that the server never writes', () => {
  it('are accepted with a warning that names the nearest', async () => {
    const events = ['task.complted', 'nonsense', 'taks.*', 'task.completed', 'deployment.started', 'document.*', '*']
    const { body } = await rest.ask('POST /api/webhooks', {
      body: { name: 'misspelt', events, config: { url: 'http://127.0.0.1:9/' } },
    })
    expect(body['eventWarnings']).toEqual([
      'The server writes no event "task.complted". Did you mean "task.completed"?',
      'No event has the type "nonsense": types have the form a.b.',
      'The server writes no events of the family "taks.*". Did you mean "task.*"?',
    ])
  })

  it('are not warned of once somebody has triggered them in this account', async () => {
    const warnings = async (name: string) => {
      const body = { name, events: ['tasks.started'], config: { url: 'http://127.0.0.1:9/' } }
      return (await rest.ask('POST /api/webhooks', { body })).body['eventWarnings']
    }
    expect(await warnings('before')).toEqual([
      'The server writes no event "tasks.started". Did you mean "task.started"?',
    ])
    expect((await rest.ask('POST /api/webhooks/trigger', { body: { event: 'tasks.started' } })).status).toBe(202)
    expect(await warnings('after')).toEqual([])
  })

  it('are reported by the command line, as is a webhook that gets everything', async () => {
    const env = { SIGNALBOX_URL: server.url, SIGNALBOX_TOKEN: server.token }
    const url = 'http://127.0.0.1:9/'
    const misspelt = await run(['webhook', 'create', 'a', url, '--events', 'task.failled'], { env })
    expect([misspelt.code, misspelt.stderr]).toEqual([0, expect.stringContaining('Did you mean "task.failed"?')])
    const all = await run(['webhook', 'create', 'b', url], { env })
    expect([all.code, all.stderr]).toEqual([0, expect.stringContaining('Without --events it receives all events.')])
  })

  it('are none of those that it has written', async () => {
    const { events } = await graphqlData<{ events: { nodes: { type: string }[] } }>(
      server,
      '{ events(first: 200) { nodes { type } } }',
    )
    const types = [...new Set(events.nodes.map(({ type }) => type))]
    const query = `mutation ($events: [String!]!) { createWebhook(input: { name: "known", url: "http://127.0.0.1:9/", events: $events }) {
      ... on CreateWebhookPayload { webhook { eventWarnings } } } }`
    expect(types.length).toBeGreaterThan(2)
    expect(await graphqlData(server, query, { events: types })).toEqual({
      createWebhook: { webhook: { eventWarnings: [] } },
    })
  })
})
