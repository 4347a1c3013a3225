import { createHmac } from 'node:crypto'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { nestedLists } from '#test/support/hostile-queries.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'
import { createWebhook, loopbackAllowed } from '#test/support/webhooks.ts'
import { connectSocket } from '#test/support/websocket.ts'

const secret = 'a secret of sixteen characters'
const configFile = join(import.meta.dirname, '../fixtures/hooks/signalbox.config.ts')
const hookSecrets = {
  GITHUB_SECRET: secret,
  GITHUB_SECRET_NEXT: secret,
  GITLAB_SECRET: secret,
  STANDARD_SECRET: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  PLAIN_SECRET: secret,
}

let server: TestServer
let webhookId: string
beforeAll(async () => {
  server = await startTestServer({ env: { ...hookSecrets, ...loopbackAllowed, ROLES: 'api' }, configFile })
  webhookId = (await createWebhook(server, { url: 'http://127.0.0.1:9/hook', events: ['never.sent'] })).id
})
afterAll(() => server.close())

interface Answer {
  readonly status: number
  readonly text: string
}

async function send(method: string, path: string, body?: string, more: Record<string, string> = {}): Promise<Answer> {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${server.token}`, ...more }
  const response = await fetch(`${server.url}${path}`, { method, headers, ...(body !== undefined && { body }) })
  return { status: response.status, text: await response.text() }
}

/** As JSON text, which `JSON.stringify` could not write at every depth. */
const objectOf = (levels: number) => `{"a":${nestedLists(levels - 1)}}`

interface Mutation {
  readonly name: string
  /** As JSON text, around the deep value. */
  readonly input: (deep: string) => string
}

const mutations: readonly Mutation[] = [
  { name: 'triggerEvent', input: (deep) => `{"type":"a.b","data":${deep}}` },
  { name: 'submitTask', input: (deep) => `{"type":"http.request","input":{"url":"https://a.example","body":${deep}}}` },
  {
    name: 'createWebhook',
    input: (deep) =>
      `{"name":"w","url":"https://a.example","events":["a.b"],"filter":{"path":"a","arrayContains":${deep}}}`,
  },
  { name: 'testWebhook', input: (deep) => `{"id":"${webhookId}","payload":${deep}}` },
  { name: 'setEntry', input: (deep) => `{"key":"deep","value":${deep}}` },
  { name: 'putDocument', input: (deep) => `{"collection":"deep","key":"one","data":${deep}}` },
  { name: 'patchDocument', input: (deep) => `{"collection":"deep","key":"one","mergePatch":${deep}}` },
  { name: 'createCollection', input: (deep) => `{"path":"deep/schema","schema":{"const":${deep}}}` },
]

const typeOf = (name: string) => `${name[0]?.toUpperCase()}${name.slice(1)}Input!`
const queryOf = (name: string) =>
  `mutation ($input: ${typeOf(name)}) { ${name}(input: $input) { ... on Failure { code message } } }`
const requestOf = ({ name, input }: Mutation, deep: string) =>
  `{"query":${JSON.stringify(queryOf(name))},"variables":{"input":${input(deep)}}}`

const restCalls: readonly [method: string, path: () => string, body: (deep: string) => string][] = [
  ['POST', () => '/api/tasks', (deep) => `{"type":"probe","data":${deep}}`],
  ['POST', () => '/api/key-value/upsert', (deep) => `{"key":"deep","value":${deep}}`],
  ['POST', () => '/api/doc-store/docs/deep', (deep) => `{"value":${deep}}`],
  ['POST', () => '/api/webhooks/trigger', (deep) => `{"event":"a.b","payload":${deep}}`],
  ['POST', () => `/api/webhooks/${webhookId}/deliver`, (deep) => `{"payload":${deep}}`],
]

const tooDeep = [201, 1_000, 4_000, 10_000]
const isRefused = ({ status, text }: Answer) => ({
  isClientError: status < 500,
  isInternal: text.includes('INTERNAL'),
  isNamed: /INVALID_INPUT|BAD_REQUEST|TOO_COMPLEX|levels deep|levels of brackets/.test(text),
})
const refused = { isClientError: true, isInternal: false, isNamed: true }

describe.each(tooDeep)('a value of %d levels is refused', (levels) => {
  const deep = objectOf(levels)

  it.each(mutations)('by $name', async (mutation) => {
    expect(isRefused(await send('POST', '/graphql', requestOf(mutation, deep)))).toEqual(refused)
  })

  it('as a literal of a query', async () => {
    const query = `mutation { triggerEvent(input: { type: "a.b", data: {a: ${nestedLists(levels - 1)}} }) { ... on Failure { code message } } }`
    expect(isRefused(await send('POST', '/graphql', JSON.stringify({ query })))).toEqual(refused)
  })

  it('as a filter of a query, also with GET and as a stream', async () => {
    const variables = `{"where":{"path":"a","eq":${deep}}}`
    const query = 'query ($where: DocumentFilter) { documents(where: $where) { nodes { key } } }'
    const body = `{"query":${JSON.stringify(query)},"variables":${variables}}`
    expect(isRefused(await send('POST', '/graphql', body))).toEqual(refused)
    const accept = { accept: 'text/event-stream' }
    expect(isRefused(await send('POST', '/graphql', body, accept))).toEqual(refused)
    const search = new URLSearchParams({ query, variables })
    // Longer targets are refused by HTTP itself.
    if (levels <= 1_000) expect(isRefused(await send('GET', `/graphql?${search}`))).toEqual(refused)
  })

  it.each(restCalls)('by %s on a REST path', async (method, path, body) => {
    expect(isRefused(await send(method, path(), body(deep)))).toEqual(refused)
  })

  it('over a WebSocket, which stays open', async () => {
    const socket = await connectSocket(server)
    for (const [index, mutation] of mutations.entries()) {
      socket.send(`{"id":"${index}","type":"subscribe","payload":${requestOf(mutation, deep)}}`)
      const { payload } = await socket.next(String(index))
      expect(isRefused({ status: 200, text: JSON.stringify(payload) })).toEqual(refused)
    }
    await socket.close()
  })

  it('by a hook', async () => {
    const signature = `sha256=${createHmac('sha256', secret).update(deep).digest('hex')}`
    const headers = { 'x-github-event': 'push', 'x-github-delivery': `deep-${levels}` }
    const answer = await send('POST', '/hooks/github', deep, { ...headers, 'x-hub-signature-256': signature })
    expect(answer).toMatchObject({ status: 422, text: expect.stringContaining('nested more than 200 levels deep') })
  })
})

describe('a value of 200 levels is accepted', () => {
  it.each([
    ['triggerEvent', 200],
    ['submitTask', 199],
    ['testWebhook', 200],
    ['setEntry', 200],
    ['putDocument', 200],
  ])('by %s', async (name, levels) => {
    const mutation = mutations.find((one) => one.name === name)!
    const { text } = await send('POST', '/graphql', requestOf(mutation, objectOf(levels)))
    expect(JSON.parse(text)).toMatchObject({ data: { [name]: {} } })
    expect(text).not.toContain('code')
  })
})
