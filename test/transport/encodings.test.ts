import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { run } from '#test/support/command-line.ts'
import { graphqlData } from '#test/support/graphql.ts'
import { type Receiver, startReceiver } from '#test/support/receiver.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'
import { until } from '#test/support/until.ts'

const configFile = join(import.meta.dirname, '../fixtures/numbers/signalbox.config.ts')
const hookSecret = 'the secret of a sender of texts'

let server: TestServer
let receiver: Receiver
let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'signalbox-encodings-'))
  receiver = await startReceiver()
  const env = { EGRESS_ALLOW: '127.0.0.0/8', HOOK_SECRET: hookSecret, RATE_LIMIT_ADDRESS: '10000' }
  server = await startTestServer({ configFile, env })
})
afterAll(async () => {
  await server.close()
  await receiver.close()
  await rm(directory, { recursive: true })
})

const mark = Buffer.from([0xef, 0xbb, 0xbf])
const latin1 = (text: string) => Buffer.from(text, 'latin1')
const json = 'application/json'

async function send(path: string, body: Buffer | string, headers: Record<string, string> = {}, token = server.token) {
  const all = { authorization: `Bearer ${token}`, 'content-type': json, ...headers }
  const response = await fetch(server.url + path, {
    method: 'POST',
    headers: all,
    body: new Blob([body as Uint8Array<ArrayBuffer> | string], { type: all['content-type'] }),
  })
  const text = await response.text()
  return { status: response.status, text }
}

const submit =
  'mutation ($input: SubmitTaskInput!) { submitTask(input: $input) { ... on SubmitTaskPayload { task { id input } } } }'
const graphqlBody = JSON.stringify({
  query: submit,
  variables: { input: { type: 'keeps', input: { name: 'Jürgen' } } },
})
const restBody = JSON.stringify({ type: 'keeps', data: { name: 'Jürgen' } })
const hookBody = JSON.stringify({ name: 'Jürgen' })

const apis = {
  GraphQL: { path: '/graphql', body: graphqlBody, token: () => server.token },
  REST: { path: '/api/tasks', body: restBody, token: () => server.token },
  hooks: { path: '/hooks/numbers', body: hookBody, token: () => hookSecret },
}

/** The name that the newest task was given. */
async function newestName(): Promise<unknown> {
  const { tasks } = await graphqlData<{ tasks: { nodes: { input: { name: string } }[] } }>(
    server,
    '{ tasks(first: 1) { nodes { input } } }',
  )
  return tasks.nodes[0]?.input.name
}

describe.each(Object.entries(apis))('a body that is sent to %s', (_name, { path, body, token }) => {
  it('is taken with a byte order mark', async () => {
    const { status } = await send(path, Buffer.concat([mark, Buffer.from(body)]), {}, token())
    expect(status).toBeLessThan(300)
    expect(await newestName()).toBe('Jürgen')
  })

  it.each([
    'Application/JSON',
    'application/json; charset=UTF-8',
    'application/json;charset="utf8"',
    'application/json; charset=us-ascii',
  ])('is taken as %s', async (type) => {
    expect((await send(path, body, { 'content-type': type }, token())).status).toBeLessThan(300)
    expect(await newestName()).toBe('Jürgen')
  })

  it('is refused when it is not UTF-8', async () => {
    const { status, text } = await send(path, latin1(body), {}, token())
    expect([status < 500 && status >= 400, text]).toEqual([true, expect.stringMatching(/is not UTF-8/)])
  })

  it.each(['iso-8859-1', 'utf-16', '"windows-1252"'])('is refused with 415 as %s', async (charset) => {
    const { status, text } = await send(path, latin1(body), { 'content-type': `${json}; charset=${charset}` }, token())
    expect([status, text]).toEqual([415, expect.stringContaining('must be UTF-8, not ')])
    expect(text).toContain('UNSUPPORTED_MEDIA_TYPE')
  })

  it.each(['gzip', 'br'])('is refused with 415 when it is compressed by %s', async (encoding) => {
    const { status, text } = await send(path, gzipSync(body), { 'content-encoding': encoding }, token())
    expect([status, text]).toEqual([415, expect.stringContaining('must not be compressed')])
  })

  it('is taken at a path with a slash at its end', async () => {
    expect((await send(`${path}/`, body, {}, token())).status).toBeLessThan(300)
  })
})

describe('forms', () => {
  it('are read as UTF-8 by hooks, whatever the case of their media type', async () => {
    const type = { 'content-type': 'Application/X-WWW-Form-Urlencoded' }
    const form = new URLSearchParams({ payload: hookBody }).toString()
    expect((await send('/hooks/numbers', form, type, hookSecret)).status).toBe(202)
    expect(await newestName()).toBe('Jürgen')
    const broken = await send('/hooks/numbers', 'payload=%7B%22name%22%3A%22J%FCrgen%22%7D', type, hookSecret)
    expect(broken.status).toBe(422)
  })

  it('begin the sign-in of a device as RFC 8628 has it', async () => {
    const form = new URLSearchParams({ client_id: 'pipeline', scope: 'tasks:read tasks:write' })
    const response = await fetch(`${server.url}/api/auth/device`, { method: 'POST', body: form })
    expect(response.status).toBe(200)
    const { device_code } = (await response.json()) as { device_code: string }
    const asked = await fetch(`${server.url}/api/auth/device/token`, {
      method: 'POST',
      body: new URLSearchParams({ device_code, grant_type: 'urn:ietf:params:oauth:grant-type:device_code' }),
    })
    expect(await asked.json()).toMatchObject({ code: 'AUTHORIZATION_PENDING' })
  })
})

describe('a query string', () => {
  const get = (path: string) =>
    fetch(server.url + path, { headers: { authorization: `Bearer ${server.token}`, accept: json } })

  it('is refused when it is not percent-encoded UTF-8', async () => {
    expect((await get('/api/tasks?type=J%FCrgen')).status).toBe(400)
    expect((await get('/graphql?query=%7B__typename%7D&x=%FC')).status).toBe(400)
    expect((await get('/graphql?query=%7B__typename%7D%20%23%20100%')).status).toBe(200)
  })

  it.each(['variables=x', 'extensions=x', 'variables=%5B1%5D', 'variables=1', 'variables=%7B'])(
    'is refused with 400 where it holds no JSON object: %s',
    async (parameter) => {
      const response = await get(`/graphql?query=%7B__typename%7D&${parameter}`)
      expect([response.status, await response.json()]).toMatchObject([
        400,
        {
          errors: [
            { message: expect.stringContaining('must be a JSON object'), extensions: { code: 'INVALID_INPUT' } },
          ],
        },
      ])
    },
  )
})

describe('GraphQL clients', () => {
  const ask = async (body: object, accept = json) => {
    const { status, text } = await send('/graphql', JSON.stringify(body), { accept })
    return { status, body: JSON.parse(text) as Record<string, unknown> }
  }

  it('may send an empty operation name for none', async () => {
    expect(await ask({ query: '{ __typename }', operationName: '' })).toMatchObject({
      body: { data: { __typename: 'Query' } },
    })
    expect(await ask({ query: 'query A { __typename } query B { __typename }', operationName: '' })).toMatchObject({
      body: { errors: [{ extensions: { code: 'INVALID_INPUT' } }] },
    })
    const response = await fetch(`${server.url}/graphql`, {
      method: 'POST',
      headers: { authorization: `Bearer ${server.token}`, 'content-type': json, accept: 'text/event-stream' },
      body: JSON.stringify({ query: '{ __typename }', operationName: '' }),
    })
    expect(await response.text()).toContain('"__typename":"Query"')
  })

  it('learn that a query’s hash alone is not enough', async () => {
    const extensions = { persistedQuery: { version: 1, sha256Hash: 'a'.repeat(64) } }
    const told = {
      errors: [{ message: 'PersistedQueryNotSupported', extensions: { code: 'PERSISTED_QUERY_NOT_SUPPORTED' } }],
    }
    expect(await ask({ extensions })).toEqual({ status: 200, body: told })
    const query = new URLSearchParams({ extensions: JSON.stringify(extensions) })
    const headers = { authorization: `Bearer ${server.token}`, accept: json }
    expect(await (await fetch(`${server.url}/graphql?${query}`, { headers })).json()).toEqual(told)
    expect(await ask({ query: '{ __typename }', extensions })).toMatchObject({
      body: { data: { __typename: 'Query' } },
    })
  })
})

describe('files', () => {
  const signalbox = (...args: string[]) =>
    run(args, { env: { SIGNALBOX_URL: server.url, SIGNALBOX_TOKEN: server.token } })

  it('are read by the command line as UTF-8, with or without a byte order mark', async () => {
    const file = join(directory, 'input.json')
    await writeFile(file, Buffer.concat([mark, Buffer.from(hookBody)]))
    expect((await signalbox('task', 'submit', 'keeps', '--input-file', file)).code).toBe(0)
    expect(await newestName()).toBe('Jürgen')
    await writeFile(file, latin1(hookBody))
    const refused = await signalbox('task', 'submit', 'keeps', '--input-file', file)
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('is not UTF-8')])
    const lines = await signalbox('doc', 'import', file)
    expect([lines.code, lines.stderr]).toEqual([2, expect.stringContaining('is not UTF-8')])
  })
})

describe('what others write', () => {
  async function outcome(type: string, input: object) {
    const query =
      'mutation ($input: SubmitTaskInput!) { submitTask(input: $input) { ... on SubmitTaskPayload { task { id } } } }'
    const variables = { input: { type, input } }
    const { submitTask } = await graphqlData<{ submitTask: { task: { id: string } } }>(server, query, variables)
    return until(async () => {
      type Task = { status: string; result: unknown; error: { code: string; message: string } | null }
      const read = 'query ($id: ID!) { task(id: $id) { status result error { code message } } }'
      const { task } = await graphqlData<{ task: Task }>(server, read, submitTask.task)
      return ['COMPLETED', 'FAILED'].includes(task.status) && task
    })
  }

  it('is a result with a byte order mark, and none when it is not UTF-8', async () => {
    expect((await outcome('command', { command: 'marked' })).result).toEqual({ name: 'Jürgen' })
    expect((await outcome('command', { command: 'latin' })).error).toMatchObject({
      code: 'INVALID_RESULT',
      message: expect.stringContaining('is not UTF-8'),
    })
  })

  it.each([
    ['iso-8859-1', latin1('"Jürgen"'), { body: 'Jürgen' }],
    ['utf-8', Buffer.concat([mark, Buffer.from('"Jürgen"')]), { body: 'Jürgen' }],
    ['utf-8', latin1('"Jürgen"'), { body: null, bodyBase64: latin1('"Jürgen"').toString('base64') }],
    ['x-unknown', latin1('"Jürgen"'), { body: null, bodyBase64: latin1('"Jürgen"').toString('base64') }],
  ])('is an answer in %s, exactly or as base64', async (charset, body, kept) => {
    receiver.answer((_req, res) => res.writeHead(200, { 'content-type': `${json}; charset=${charset}` }).end(body))
    expect((await outcome('http.request', { url: receiver.url })).result).toMatchObject(kept)
  })
})
