import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { graphql, graphqlData } from '#test/support/graphql.ts'
import type { TestServer } from '#test/support/server.ts'
import { sharedServer } from '#test/support/shared-server.ts'
import { submitDistant } from '#test/support/streams.ts'
import { createWebhook } from '#test/support/webhooks.ts'

let server: TestServer
let taskId: string
let webhookId: string
beforeAll(async () => {
  server = await sharedServer()
  taskId = await submitDistant(server)
  webhookId = (await createWebhook(server, { url: 'https://nowhere.invalid', retry: { maxAttempts: 1 } })).id
})
afterAll(() => server.close())

const nul = 'a\u0000b'
const half = 'a\ud800b'

/** The code of what a mutation answers with. */
async function codeOf(name: string, input: object): Promise<string | undefined> {
  const type = `${name.charAt(0).toUpperCase()}${name.slice(1)}Input`
  const query = `mutation ($input: ${type}!) { outcome: ${name}(input: $input) { ... on Failure { code } } }`
  const { data, errors } = await graphql<{ outcome: { code?: string } }>(server, query, { input })
  return data?.outcome.code ?? (errors?.[0]?.extensions?.['code'] as string | undefined)
}

describe('a text that the database can’t store', () => {
  it.each([nul, half])('is refused wherever it was to be stored: %j', async (text) => {
    const codes = {
      cancelTask: await codeOf('cancelTask', { id: taskId, reason: text }),
      createApplicationToken: await codeOf('createApplicationToken', { name: text, scopes: ['tasks:read'] }),
      createTeam: await codeOf('createTeam', { name: text, slug: 'hostile' }),
      describedTeam: await codeOf('createTeam', { name: 'Hostile', slug: 'hostile', description: text }),
      createUser: await codeOf('createUser', { email: 'hostile@example.com', firstName: text }),
      testWebhook: await codeOf('testWebhook', { id: webhookId, payload: { [text]: text } }),
    }
    expect(new Set(Object.values(codes))).toEqual(new Set(['INVALID_INPUT']))
  })

  it('is refused wherever it is looked for', async () => {
    const queries = {
      user: '{ user(who: $text) { id } }',
      team: '{ team(slug: $text) { id } }',
      users: '{ users(team: $text) { nodes { id } } }',
      tasks: '{ tasks(where: { type: [$text] }) { nodes { id } } }',
      deliveries: '{ deliveries(where: { subject: $text }) { nodes { id } } }',
      sessions: '{ sessions(who: $text) { nodes { id } } }',
    }
    for (const [name, query] of Object.entries(queries)) {
      const { errors } = await graphql(server, `query ($text: String!) ${query}`, { text: nul })
      expect([name, errors?.[0]?.extensions?.['code']]).toEqual([name, 'INVALID_INPUT'])
    }
  })
})

describe('a moment', () => {
  it.each(['0000-12-31T23:59:59Z', '0001-01-01T00:00:00+01:00', '9999-12-31T23:59:59-01:00'])(
    'of a year that has not four digits is refused: %s',
    async (at) => {
      const query = 'query ($at: DateTime!) { tasks(where: { createdFrom: $at }) { nodes { id } } }'
      const byVariable = await graphql(server, query, { at })
      const literal = await graphql(server, `{ tasks(where: { createdFrom: "${at}" }) { nodes { id } } }`)
      for (const { errors } of [byVariable, literal])
        expect(errors?.[0]).toMatchObject({
          message: expect.stringContaining('within the years 1 to 9999'),
          extensions: { code: 'INVALID_INPUT' },
        })
    },
  )

  it.each(['0001-01-01T00:00:00Z', '9999-12-31T23:59:59.999Z'])('may be as far away as %s', async (at) => {
    const query = `query ($at: DateTime!) { tasks(where: { createdFrom: $at }) { nodes { id } }
      auditEntries(where: { from: $at, to: $at }) { nodes { seq } } }`
    expect(await graphqlData(server, query, { at })).toMatchObject({ auditEntries: { nodes: [] } })
  })
})

describe('a Host header that names no host', () => {
  it('has no say in what is asked for', async () => {
    const { hostname, port } = new URL(server.url)
    const headers = { host: '99999999999', authorization: `Bearer ${server.token}` }
    const asking = request({ hostname, port, path: '/api/none', headers }).end()
    const [response] = (await once(asking, 'response')) as [IncomingMessage]
    expect([response.statusCode, JSON.parse(await text(response))]).toMatchObject([404, { code: 'NOT_FOUND' }])
  })
})
