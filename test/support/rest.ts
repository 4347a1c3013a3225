import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { graphqlData } from '#test/support/graphql.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'
import { addToken, ownAccount } from '#test/support/tokens.ts'
import { until } from '#test/support/until.ts'

/** An answer with its body as JSON, where it is JSON. */
export interface RestAnswer<Body> {
  readonly status: number
  readonly headers: Headers
  readonly body: Body
}

export interface RestOptions {
  readonly body?: unknown
  readonly headers?: Record<string, string>
  /** `null`: without a token. */
  readonly token?: string | null
}

/** A server with task types for these tests. */
export function startRestServer(): Promise<TestServer> {
  return startTestServer({ configFile: join(import.meta.dirname, '../fixtures/shared/signalbox.config.ts') })
}

/** Asks as the owner, or with another token, by real HTTP. */
export function clientOf(server: Pick<TestServer, 'url' | 'token'>) {
  function send(call: string, { body, headers, token = server.token }: RestOptions = {}): Promise<Response> {
    const [method = '', path] = call.split(' ')
    return fetch(`${server.url}${path}`, {
      method,
      headers: {
        ...(token !== null && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
  }

  async function ask<Body = Record<string, unknown>>(call: string, options?: RestOptions): Promise<RestAnswer<Body>> {
    const response = await send(call, options)
    const text = await response.text()
    const isJson = response.headers.get('content-type')?.includes('json') === true
    return { status: response.status, headers: response.headers, body: (isJson ? JSON.parse(text) : text) as Body }
  }

  async function submit(type: string, data: object = {}, more: object = {}): Promise<string> {
    const { body } = await ask<{ operationId: string }>('POST /api/tasks', { body: { type, data, ...more } })
    return body.operationId
  }

  /** Resolves when the task stands there. */
  async function reach(operationId: string, status: string): Promise<void> {
    await until(async () => (await ask(`GET /api/tasks/${operationId}/status`)).body['status'] === status)
  }

  return { send, ask, submit, reach }
}

export type RestClient = ReturnType<typeof clientOf>

/** A file for which a task waits, and the word that makes it. */
export function gate(): { until: string; release: () => void } {
  const file = join(mkdtempSync(join(tmpdir(), 'signalbox-gate-')), 'released')
  return { until: file, release: () => writeFileSync(file, '') }
}

/** A token with these scopes: of the owner's account, or of a new one of its own. */
export async function makeToken(server: TestServer, scopes: string[], where: 'same' | 'other'): Promise<string> {
  const { token } = await addToken(server, { scopes, ...(where === 'same' && { accountId: await ownAccount(server) }) })
  return token
}

let people = 0

/** A person of the owner's account who is signed in: their address, and their access token. */
export async function signInPerson(
  server: TestServer,
  role: 'OWNER' | 'MEMBER',
): Promise<{ email: string; token: string }> {
  people += 1
  const email = `signed-in-${people}@example.com`
  const password = 'correct horse battery staple'
  const query = `mutation($email: String!, $role: PersonRole!, $password: String!) {
    createUser(input: { email: $email, role: $role }) { __typename }
    setPassword(input: { who: $email, password: $password }) { __typename }
    signIn(input: { email: $email, password: $password }) { ... on SignInPayload { accessToken } } }`
  const { signIn } = await graphqlData<{ signIn: { accessToken: string } }>(server, query, { email, role, password })
  return { email, token: signIn.accessToken }
}

/** The next page of a list, as its answer links to it. */
export function nextPage({ headers }: Pick<RestAnswer<unknown>, 'headers'>): string | undefined {
  return /^<(.*)>; rel="next"$/.exec(headers.get('link') ?? '')?.[1]
}
