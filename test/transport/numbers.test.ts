import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { run } from '#test/support/command-line.ts'
import { graphqlData } from '#test/support/graphql.ts'
import { type Receiver, startReceiver } from '#test/support/receiver.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'
import { until } from '#test/support/until.ts'

const configFile = join(import.meta.dirname, '../fixtures/numbers/signalbox.config.ts')
const hookSecret = 'the secret of a sender of numbers'

let server: TestServer
let receiver: Receiver
beforeAll(async () => {
  receiver = await startReceiver()
  server = await startTestServer({ configFile, env: { EGRESS_ALLOW: '127.0.0.0/8', HOOK_SECRET: hookSecret } })
})
afterAll(async () => {
  await server.close()
  await receiver.close()
})

interface Answer {
  readonly status: number
  readonly body: Record<string, unknown>
}

/** Sends JSON text as it is: a JavaScript value could not hold these numbers. */
async function send(method: string, path: string, text: string, token = server.token): Promise<Answer> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const response = await fetch(server.url + path, { method, headers, body: text })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

const failure = '{ __typename ... on Failure { code message } ... on InvalidInput { issues { path message } } }'

interface Refusal {
  readonly code: string
  readonly issues: readonly { readonly path: string; readonly message: string }[]
}

/** What a mutation refuses, whose only argument is an input of this type. */
async function refusal(mutation: string, inputType: string, input: string): Promise<unknown> {
  const query = `mutation ($input: ${inputType}!) { it: ${mutation}(input: $input) ${failure} }`
  const { body } = await send(
    'POST',
    '/graphql',
    `{"query": ${JSON.stringify(query)}, "variables": {"input": ${input}}}`,
  )
  const { it: answer } = (body['data'] ?? {}) as { it?: Refusal }
  return answer?.issues === undefined ? body : [answer.code, answer.issues[0]?.path]
}

/** The task, once it has ended. */
async function ended(id: string) {
  type Task = { status: string; input: unknown; result: unknown; error: { code: string; message: string } | null }
  const query = 'query ($id: ID!) { task(id: $id) { status input result error { code message } } }'
  return until(async () => {
    const { task } = await graphqlData<{ task: Task }>(server, query, { id })
    return ['COMPLETED', 'FAILED'].includes(task.status) && task
  })
}

async function outcome(type: string, input: unknown) {
  const query = `mutation ($input: SubmitTaskInput!) { submitTask(input: $input) {
    ... on SubmitTaskPayload { task { id } } ... on Failure { message } } }`
  const variables = { input: { type, input, retry: { maxAttempts: 1 } } }
  const { submitTask } = await graphqlData<{ submitTask: { task?: { id: string } } }>(server, query, variables)
  if (submitTask.task === undefined) throw new Error(JSON.stringify(submitTask))
  return ended(submitTask.task.id)
}

const changed = ['750727362669608961', '-9007199254740993', '1e400', '-1e400']

describe.each(changed)('input that holds %s', (number) => {
  it.each([
    ['submitTask', 'SubmitTaskInput', `{"type": "keeps", "input": {"a": [{"n": ${number}}]}}`, 'input.a.0.n'],
    [
      'submitTask',
      'SubmitTaskInput',
      `{"type": "command", "input": {"command": "prints", "args": {"n": ${number}}}}`,
      'input.args.n',
    ],
    [
      'submitTask',
      'SubmitTaskInput',
      `{"type": "http.request", "input": {"url": "http://127.0.0.1/", "body": {"n": ${number}}}}`,
      'input.body.n',
    ],
    ['triggerEvent', 'TriggerEventInput', `{"type": "number.sent", "data": {"n": ${number}}}`, 'data.n'],
    [
      'createWebhook',
      'CreateWebhookInput',
      `{"name": "n", "url": "http://127.0.0.1/", "events": ["*"], "filter": {"path": "n", "in": [1, ${number}]}}`,
      'filter.in.1',
    ],
    ['putDocument', 'PutDocumentInput', `{"key": "n", "data": {"n": ${number}}}`, 'data.n'],
    ['setEntry', 'SetEntryInput', `{"key": "n", "value": {"n": ${number}}}`, 'value.n'],
  ])('is refused by %s with its path', async (mutation, inputType, input, path) => {
    expect(await refusal(mutation, inputType, input)).toEqual(['INVALID_INPUT', path])
  })

  it('is refused as a literal', async () => {
    const query = `mutation { it: submitTask(input: { type: "keeps", input: { n: ${number} } }) ${failure} }`
    const { body } = await send('POST', '/graphql', JSON.stringify({ query }))
    expect(body).toMatchObject({ data: { it: { code: 'INVALID_INPUT', issues: [{ path: 'input.n' }] } } })
  })

  it('is refused by REST', async () => {
    const text = `{"type": "keeps", "data": {"n": ${number}}}`
    const { status, body } = await send('POST', '/api/tasks', text)
    expect([status, JSON.stringify(body)]).toEqual([422, expect.stringMatching(/(data|input)\.n/)])
  })

  it('is refused by the filter of a list of documents', async () => {
    const query = `query ($where: DocumentFilter) { documents(where: $where) { nodes { key } } }`
    const variables = `{"where": {"path": "n", "gt": ${number}}}`
    const { body } = await send('POST', '/graphql', `{"query": ${JSON.stringify(query)}, "variables": ${variables}}`)
    expect(body).toMatchObject({
      errors: [{ message: expect.stringContaining('where.gt: is a'), extensions: { code: 'INVALID_INPUT' } }],
    })
  })

  it('is refused by the command line', async () => {
    const env = { SIGNALBOX_URL: server.url, SIGNALBOX_TOKEN: server.token }
    const { code, stderr } = await run(['task', 'submit', 'keeps', '--input', `{"a": {"n": ${number}}}`], { env })
    expect([code, stderr]).toEqual([2, expect.stringContaining('--input.a.n is a')])
  })
})

describe('numbers that others send', () => {
  const sent =
    '{"id":750727362669608961,"list":[1e400,-9007199254740993,1e-400],"plain":[9007199254740991,0.1,1e3,0e9,-0.0,"1e400"]}'
  const kept = {
    id: '750727362669608961',
    list: ['1e400', '-9007199254740993', '1e-400'],
    plain: [9007199254740991, 0.1, 1000, 0, 0, '1e400'],
  }

  it('are kept with all their digits as strings in the answer of http.request', async () => {
    receiver.answer((_req, res) => res.writeHead(200, { 'content-type': 'application/json' }).end(sent))
    const task = await outcome('http.request', { url: receiver.url })
    expect(task.result).toMatchObject({ body: kept })
  })

  it('are kept with all their digits as strings in the body of a hook', async () => {
    const { status, body } = await send('POST', '/hooks/numbers', sent, hookSecret)
    expect(status).toBe(202)
    const task = await ended((body['tasks'] as string[])[0] ?? '')
    expect([task.input, task.result]).toEqual([kept, kept])
  })

  it('fail a task whose program has them in its result', async () => {
    expect((await outcome('command', { command: 'found' })).error).toMatchObject({
      code: 'INVALID_RESULT',
      message: expect.stringContaining('result.ids.1 is an integer beyond'),
    })
    expect((await outcome('command', { command: 'endless' })).error).toMatchObject({
      code: 'INVALID_RESULT',
      message: expect.stringContaining('result.size is a number that is too large'),
    })
  })

  it('fail a task whose result JSON cannot say', async () => {
    expect((await outcome('divides', null)).error).toMatchObject({
      code: 'INVALID_RESULT',
      message: expect.stringContaining('"0" is Infinity'),
    })
  })
})
