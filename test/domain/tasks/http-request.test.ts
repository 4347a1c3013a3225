import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { submitTask } from '#test/support/follower.ts'
import { graphql, graphqlData } from '#test/support/graphql.ts'
import { type Receiver, startReceiver } from '#test/support/receiver.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'
import { until } from '#test/support/until.ts'

let server: TestServer
let receiver: Receiver

beforeAll(async () => {
  receiver = await startReceiver()
  server = await startTestServer({ env: { EGRESS_ALLOW: '127.0.0.0/8' } })
})
afterAll(async () => {
  await server.close()
  await receiver.close()
})

interface Ended {
  readonly status: string
  readonly result: { status: number; body: unknown; headers: Record<string, string> } | null
  readonly error: { code: string; message: string; retryable: boolean } | null
  readonly part: { text: string; contentType: string } | null
}

interface Retried {
  readonly status: string
  readonly attempts: readonly {
    readonly startedAt: string
    readonly finishedAt: string | null
    readonly error: { readonly retryAfterMs: number | null } | null
  }[]
}

/** Makes the request as a task, and waits for the task's end. */
async function outcome(input: object, on: TestServer = server): Promise<Ended> {
  const id = await submitTask(on, { type: 'http.request', input })
  const query = `query ($id: ID!) { task(id: $id) {
    status result error { code message retryable } part(name: "body") { text contentType } } }`
  return until(async () => {
    const { task } = await graphqlData<{ task: Ended }>(on, query, { id })
    return ['COMPLETED', 'FAILED'].includes(task.status) && task
  })
}

describe('the task type http.request', () => {
  it('sends what it is given, and has the answer as its result', async () => {
    receiver.answer((_req, res) => res.writeHead(200, { 'content-type': 'application/json' }).end('{"ok":true}'))
    const input = { method: 'POST', url: `${receiver.url}/one`, headers: { 'x-mine': 'yes' }, body: { a: [1] } }
    const task = await outcome(input)
    expect(task).toMatchObject({ status: 'COMPLETED', result: { status: 200, body: { ok: true } } })
    const sent = receiver.received.find(({ path }) => path === '/one')
    expect(sent).toMatchObject({ method: 'POST', body: '{"a":[1]}' })
    expect(sent?.headers).toMatchObject({ 'x-mine': 'yes', 'content-type': 'application/json' })
  })

  it('keeps a large answer as a part', async () => {
    receiver.answer((_req, res) => res.writeHead(200, { 'content-type': 'text/plain' }).end('y'.repeat(200_000)))
    const task = await outcome({ url: receiver.url, response: 'part' })
    expect(task.part).toMatchObject({ contentType: 'text/plain' })
    expect(task.part?.text).toHaveLength(200_000)
    expect(await outcome({ url: receiver.url })).toMatchObject({ error: { code: 'HTTP_TOO_LARGE', retryable: false } })
  })

  it('fails for good with an answer that is nested too deeply', async () => {
    const body = `${'['.repeat(10_000)}${']'.repeat(10_000)}`
    receiver.answer((_req, res) => res.writeHead(200, { 'content-type': 'application/json' }).end(body))
    const error = {
      code: 'INVALID_RESULT',
      message: 'The result is nested more than 200 levels deep.',
      retryable: false,
    }
    expect((await outcome({ url: receiver.url })).error).toEqual(error)
  })

  it('fails with an unexpected status, permanently where a retry would not help', async () => {
    receiver.answer((_req, res) => res.writeHead(404).end())
    expect((await outcome({ url: receiver.url })).error).toMatchObject({ code: 'UNEXPECTED_STATUS', retryable: false })
    expect((await outcome({ url: receiver.url, expectedStatus: [404] })).status).toBe('COMPLETED')
    receiver.answer((_req, res) => res.writeHead(503).end())
    expect((await outcome({ url: receiver.url })).error).toMatchObject({ code: 'UNEXPECTED_STATUS', retryable: true })
  })

  it('is tried again when the receiver wants it, where it says so', async () => {
    let answered = 0
    receiver.answer((_req, res) => {
      answered += 1
      if (answered === 1) res.writeHead(429, { 'retry-after': '1' }).end()
      else res.writeHead(200).end('at last')
    })
    const retry = { maxAttempts: 2, delayMs: 3_600_000 }
    const id = await submitTask(server, { type: 'http.request', input: { url: receiver.url }, retry })
    const task = await until(async () => {
      const query = `query ($id: ID!) { task(id: $id) { status attempts { startedAt finishedAt error { retryAfterMs } } } }`
      const { task } = await graphqlData<{ task: Retried }>(server, query, { id })
      return task.status === 'COMPLETED' && task
    })
    const [first, second] = task.attempts
    expect([first?.error?.retryAfterMs, second?.error]).toEqual([1_000, null])
    expect(Date.parse(second?.startedAt ?? '') - Date.parse(first?.finishedAt ?? '')).toBeGreaterThan(900)
  })

  it('ends in time', async () => {
    receiver.answer(() => {})
    expect((await outcome({ url: receiver.url, timeoutMs: 50 })).error?.code).toBe('HTTP_TIMEOUT')
  })

  it('reaches no inner address that the operator has not allowed', async () => {
    expect((await outcome({ url: 'http://169.254.169.254/latest' })).error).toMatchObject({
      code: 'ADDRESS_REFUSED',
      retryable: false,
    })
    const closed = await startTestServer({ env: { LOG_LEVEL: 'silent' } })
    const { error } = await outcome({ url: 'http://inner.localhost/' }, closed)
    await closed.close()
    expect(error?.message).toBe('The host inner.localhost has an address that may not be reached from here.')
  })

  it.each([
    [{ url: 'ftp://example.com' }, 'input.url'],
    [{ url: 'https://user:secret@example.com' }, 'input.url'],
    [{ url: 'https://example.com', headers: { 'x-a\r\nx-b': '1' } }, 'input.headers'],
    [{ url: 'https://example.com', headers: { 'x-a': '1\r\nx-b: 2' } }, 'input.headers'],
    [{ url: 'https://example.com', method: 'CONNECT' }, 'input.method'],
    ...['Host', 'HOST', 'content-length', 'transfer-encoding', 'connection', 'proxy-authorization', 'expect'].map(
      (name) => [{ url: 'https://example.com', headers: { [name]: '1' } }, 'input.headers'] as [object, string],
    ),
  ])('refuses %j', async (input, path) => {
    const answer = await graphql<{ submitTask: { code: string; issues: { path: string }[] } }>(
      server,
      'mutation ($input: SubmitTaskInput!) { submitTask(input: $input) { ... on InvalidInput { code issues { path } } } }',
      { input: { type: 'http.request', input } },
    )
    expect(answer.data?.submitTask.code).toBe('INVALID_INPUT')
    expect(answer.data?.submitTask.issues.every((issue) => issue.path.startsWith(path))).toBe(true)
  })
})
