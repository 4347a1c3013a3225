import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { Unauthenticated } from '#domain/access/errors.ts'
import { ProviderFailed } from '#domain/access/sign-in/errors.ts'
import { OidcProvider } from '#domain/access/sign-in/oidc-provider.ts'
import { freePort } from '#platform/system/free-port.ts'
import { createLog } from '#platform/telemetry/log.ts'
import { graphql, graphqlData } from '#test/support/graphql.ts'
import { Browser, startProvider, type TestProvider } from '#test/support/oidc-provider.ts'
import { anonymously } from '#test/support/people.ts'
import { createTestDatabase, startTestServer, type TestDatabase, type TestServer } from '#test/support/server.ts'
import { addToken, ownAccount } from '#test/support/tokens.ts'
import { connectSocket } from '#test/support/websocket.ts'

let database: TestDatabase
let provider: TestProvider
let server: TestServer
beforeAll(async () => {
  database = await createTestDatabase()
  const port = String(await freePort())
  const publicUrl = `http://127.0.0.1:${port}`
  provider = await startProvider(['/api', '/sfp/api'].map((prefix) => `${publicUrl}${prefix}/auth/callback`))
  server = await startTestServer({
    database,
    env: {
      LOG_LEVEL: 'silent',
      PORT: port,
      PUBLIC_URL: publicUrl,
      OIDC_ISSUER: provider.issuer,
      OIDC_CLIENT_ID: provider.clientId,
      OIDC_CLIENT_SECRET: provider.clientSecret,
      OIDC_ALLOWED_DOMAINS: 'example.com',
      OIDC_ACCESS_TOKEN_AUDIENCE: 'urn:signalbox',
    },
  })
})
afterAll(async () => {
  await server.close()
  await provider.close()
  await database.drop()
})

interface SignedIn {
  readonly access_token: string
  readonly refresh_token: string
  readonly user: { id: string; email: string; role: string }
  readonly code?: string
  readonly message?: string
}

/** Goes through the whole sign-in as a browser does. */
async function signIn(person: Partial<TestProvider['person']>, path = '/api/auth/login') {
  const subject = person.subject ?? person.email ?? 'somebody'
  provider.person = { email: `${subject}@example.com`, isVerified: true, ...person, subject }
  const { url, response } = await new Browser().visit(`${server.url}${path}`)
  return { url, status: response.status, body: (await response.json()) as SignedIn }
}

const viewer = async (token: string) =>
  (await graphql<{ viewer: object }>(server, '{ viewer { kind name role } }', {}, token)).data?.viewer

describe('signing in at an OpenID provider', () => {
  it.each(['/api/auth/login', '/sfp/api/auth/login'])('lets in who comes from an allowed domain: %s', async (path) => {
    const email = `new-${path.length}@example.com`
    const { status, body } = await signIn({ email }, path)
    expect(status).toBe(200)
    expect(body).toMatchObject({ success: true, user: { email, role: 'member' } })
    expect(await viewer(body.access_token)).toEqual({ kind: 'user', name: email, role: 'MEMBER' })
    const { user } = await graphqlData<{ user: object }>(server, `{ user(who: "${email}") { firstName lastName } }`)
    expect(user).toEqual({ firstName: 'Some', lastName: 'Body' })
  })

  it('knows a person again by the provider’s id, whatever their address is by now', async () => {
    const first = await signIn({ subject: 'moved', email: 'before@example.com' })
    const second = await signIn({ subject: 'moved', email: 'after@elsewhere.example' })
    expect(second.body.user).toEqual(first.body.user)
  })

  it('knows by a verified address whom an owner has let in', async () => {
    const query = 'mutation { createUser(input: { email: "invited@other.example", role: OWNER }) { __typename } }'
    await graphqlData(server, query)
    const { body } = await signIn({ email: 'invited@other.example' })
    expect(body.user).toMatchObject({ email: 'invited@other.example', role: 'owner' })
  })

  it.each([
    [{ subject: 'foreign', email: 'foreign@other.example' }, 'nobody has let in foreign@other.example'],
    [
      { subject: 'unsure', email: 'unsure@example.com', isVerified: false },
      'the provider has not verified an e-mail address',
    ],
  ])('refuses %j', async (person, reason) => {
    const { status, body } = await signIn(person)
    expect([status, body.code]).toEqual([403, 'FORBIDDEN'])
    expect(body.message).toContain(reason)
  })

  it.each([
    ['by the same id and address', { subject: 'gone', email: 'gone@example.com' }],
    ['by the same id alone', { subject: 'gone', email: 'gone-renamed@example.com' }],
    ['by the same address alone', { subject: 'gone-again', email: 'Gone@example.com' }],
  ])('keeps out who was removed, %s, until they are added again', async (_how, returning) => {
    const { body } = await signIn({ subject: 'gone', email: 'gone@example.com' })
    const { id: who, email } = body.user
    await graphqlData(server, 'mutation ($who: String!) { removeUser(input: { who: $who }) { __typename } }', { who })
    expect(await viewer(body.access_token)).toBeUndefined()
    const refused = await signIn(returning)
    expect([refused.status, refused.body.code]).toEqual([403, 'FORBIDDEN'])
    expect(refused.body.message).toContain('was removed')
    const add = 'mutation ($email: String!) { createUser(input: { email: $email }) { __typename } }'
    await graphqlData(server, add, { email })
    const again = await signIn({ subject: 'gone', email })
    expect([again.status, again.body.user.email]).toEqual([200, email])
    expect(again.body.user.id).not.toBe(who)
  })

  it('lets a new person in once when they come twice at the same time', async () => {
    const answers = await Promise.all([1, 2, 3].map(() => signIn({ subject: 'racing', email: 'racing@example.com' })))
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
    expect(new Set(answers.map(({ body }) => body.user.id)).size).toBe(1)
  })

  it('goes back to where it was begun from, and nowhere else', async () => {
    provider.person = { subject: 'back', email: 'back@example.com', isVerified: true }
    const { url } = await new Browser().visit(`${server.url}/api/auth/login?return_to=/livez?x=1`)
    expect(url).toMatch(new RegExp(`^${server.url}/livez\\?x=1#access_token=[^&]+&refresh_token=sbr_`))
    const elsewheres = ['https://evil.example', '//evil.example', '/\\evil.example', 'livez']
    // These lead on to the provider, and a browser would take the tokens there.
    const onwards = ['/api/auth/login', '/sfp/api/auth/callback?x=1', '/x/../api/auth/login', '/api//auth//login']
    const hidden = ['/api/%61uth/login', '/%2e%2e/api/%61uth/login', '/api%2Fauth%2Flogin', '/api/auth/log%2569n']
    for (const elsewhere of [...elsewheres, ...onwards, ...hidden]) {
      const { response } = await new Browser().visit(
        `${server.url}/api/auth/login?return_to=${encodeURIComponent(elsewhere)}`,
      )
      expect(response.status).toBe(400)
    }
  })
})

describe('what comes back from the provider', () => {
  /** Where the provider sends a browser that has signed in, without going there. */
  async function sentBack(browser: Browser): Promise<URL> {
    provider.person = { subject: 'tested', email: 'tested@example.com', isVerified: true }
    const beginning = await fetch(`${server.url}/api/auth/login`, { redirect: 'manual' })
    const { url } = await browser.visit(beginning.headers.get('location') ?? '')
    return new URL(url)
  }

  it('is refused where nothing was begun', async () => {
    const back = await sentBack(new Browser())
    const response = await fetch(back)
    expect(response.status).toBe(401)
    expect(((await response.json()) as SignedIn).message).toContain('This browser has not started a sign-in')
  })

  it.each([
    ['another state', 'invalid_state', (back: URL) => back.searchParams.set('state', 'other')],
    ['no state', 'invalid_state', (back: URL) => back.searchParams.delete('state')],
    ['no code', 'invalid_response', (back: URL) => back.searchParams.delete('code')],
    ['another code', 'invalid_grant', (back: URL) => back.searchParams.set('code', 'other')],
    ['another issuer', 'invalid_issuer', (back: URL) => back.searchParams.set('iss', 'https://other.example')],
    ['no issuer', 'invalid_issuer', (back: URL) => back.searchParams.delete('iss')],
  ])('is refused with %s, and the provider is not blamed', async (_what, reason, change) => {
    const beginning = await fetch(`${server.url}/api/auth/login`, { redirect: 'manual' })
    const cookie = beginning.headers.getSetCookie()[0]?.split(';', 1)[0] ?? ''
    provider.person = { subject: 'tested', email: 'tested@example.com', isVerified: true }
    const location = beginning.headers.get('location') ?? ''
    // Without our cookie the last step is refused, and nothing of the code is used up.
    const { url } = await new Browser().visit(location)
    const back = new URL(url)
    change(back)
    const response = await fetch(back, { headers: { cookie } })
    expect([response.status, ((await response.json()) as SignedIn).message]).toEqual([
      401,
      `The sign-in did not succeed (${reason}). Start again.`,
    ])
  })

  it('is refused with a state that comes twice, or an address to come back to that is none', async () => {
    const begin = (redirectUri: string) =>
      anonymously<{ url: string; pending: string; code?: string }>(
        server,
        'beginOidcSignIn',
        { redirectUri },
        'url pending',
      )
    const { url, pending } = await begin(`${server.url}/api/auth/callback`)
    const state = new URL(url).searchParams.get('state') ?? ''
    const parameters = new URLSearchParams([
      ['code', 'x'],
      ['state', state],
      ['state', 'other'],
    ])
    const input = { parameters: parameters.toString(), pending }
    const finished = await anonymously<{ message: string }>(server, 'finishOidcSignIn', input, 'accessToken')
    expect(finished.message).toBe('The sign-in did not succeed (invalid_response). Start again.')
    for (const redirectUri of ['nonsense', 'javascript:alert(1)', '/callback', 'https://example.com/#here'])
      expect(await begin(redirectUri)).toMatchObject({ code: 'INVALID_INPUT' })
  })

  it('is refused when the person has said no', async () => {
    const beginning = await fetch(`${server.url}/api/auth/login`, { redirect: 'manual' })
    const cookie = beginning.headers.getSetCookie()[0]?.split(';', 1)[0] ?? ''
    const state = new URL(beginning.headers.get('location') ?? '').searchParams.get('state')
    const back = `${server.url}/api/auth/callback?error=access_denied&state=${state}&iss=${provider.issuer}`
    const response = await fetch(back, { headers: { cookie } })
    expect([response.status, ((await response.json()) as SignedIn).message]).toEqual([
      401,
      'The sign-in did not succeed (access_denied). Start again.',
    ])
  })
})

describe('the provider’s own access token', () => {
  /** An access token that the provider gives this client directly. */
  async function providersToken(subject: string): Promise<string> {
    provider.person = { subject, email: `${subject}@example.com`, isVerified: true }
    const verifier = 'v'.repeat(50)
    const challenge = Buffer.from(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier))).toString(
      'base64url',
    )
    const redirectUri = `${server.url}/api/auth/callback`
    const parameters = new URLSearchParams({
      client_id: provider.clientId,
      response_type: 'code',
      scope: 'openid',
      redirect_uri: redirectUri,
      code_challenge: challenge,
      code_challenge_method: 'S256',
    })
    const { url } = await new Browser().visit(`${provider.issuer}/auth?${parameters}`)
    const answer = await fetch(`${provider.issuer}/token`, {
      method: 'POST',
      headers: {
        authorization: `Basic ${Buffer.from(`${provider.clientId}:${provider.clientSecret}`).toString('base64')}`,
      },
      body: new URLSearchParams({
        grant_type: 'authorization_code',
        code: new URL(url).searchParams.get('code') ?? '',
        redirect_uri: redirectUri,
        code_verifier: verifier,
      }),
    })
    const { access_token: token } = (await answer.json()) as { access_token: string }
    return token
  }

  it('is accepted of who has signed in here before', async () => {
    await signIn({ subject: 'regular', email: 'regular@example.com' })
    expect(await viewer(await providersToken('regular'))).toEqual({
      kind: 'user',
      name: 'regular@example.com',
      role: 'MEMBER',
    })
    expect(await viewer(await providersToken('stranger'))).toBeUndefined()
  })

  it('opens streams that no change cuts off which was known before', async () => {
    await signIn({ subject: 'raised', email: 'raised@example.com' })
    const token = await providersToken('raised')
    const owner = await connectSocket(server, { token: server.token })
    const events = 'subscription { events(types: ["auth.user_role_changed"]) { type } }'
    owner.subscribe('events', events)
    owner.subscribe('ready', '{ viewer { name } }')
    await owner.next('ready')
    const query = 'mutation { updateUser(input: { who: "raised@example.com", role: OWNER }) { __typename } }'
    await graphqlData(server, query)
    await owner.next('events')
    const socket = await connectSocket(server, { token })
    // The end of another one shows that the server has looked for streams to end.
    const { token: revoked, id } = await addToken(server, { accountId: await ownAccount(server) })
    const other = await connectSocket(server, { token: revoked })
    const revoke = 'mutation ($id: String!) { revokeApplicationToken(input: { id: $id }) { __typename } }'
    await graphqlData(server, revoke, { id })
    await other.closed
    socket.subscribe('still', '{ viewer { role } }')
    expect(await socket.next('still')).toMatchObject({ payload: { data: { viewer: { role: 'OWNER' } } } })
    await socket.close()
    await owner.close()
  })

  it('is accepted after the provider has changed its keys, and the old one no longer', async () => {
    const settings = { issuer: provider.issuer, clientId: provider.clientId, clientSecret: provider.clientSecret }
    const known = new OidcProvider(
      { ...settings, accessTokenAudience: 'urn:signalbox', allowInsecure: true, keyCooldownMs: 1 },
      createLog({ level: 'silent', format: 'json' }),
    )
    const old = await providersToken('keys')
    expect(await known.verify(old)).toMatchObject({ subject: 'keys' })
    await provider.rotateKeys()
    expect(await known.verify(await providersToken('keys'))).toMatchObject({ subject: 'keys' })
    await expect(known.verify(old)).rejects.toThrow(Unauthenticated)
    expect((await signIn({ subject: 'keys' })).status).toBe(200)
  })

  it('asks for keys at most once a minute, however many unknown ones are named', async () => {
    const keysAsked = () => provider.asked.filter((path) => path === '/jwks').length
    const header = Buffer.from(JSON.stringify({ alg: 'RS256', kid: 'unknown' })).toString('base64url')
    const claims = Buffer.from(JSON.stringify({ iss: provider.issuer, sub: 'x' })).toString('base64url')
    const before = keysAsked()
    for (let count = 0; count < 10; count += 1) expect(await viewer(`${header}.${claims}.AA${count}A`)).toBeUndefined()
    expect(keysAsked() - before).toBeLessThanOrEqual(1)
  })
})

describe('a provider that is not what it should be', () => {
  /** What a sign-in answers when the provider behaves like this. */
  async function tried(issuer: string): Promise<{ status: number; message: string | undefined }> {
    const other = await startTestServer({
      database,
      env: { LOG_LEVEL: 'silent', ROLES: 'api', OIDC_ISSUER: issuer, OIDC_CLIENT_ID: 'x' },
    })
    try {
      const response = await fetch(`${other.url}/api/auth/login`, { redirect: 'manual' })
      return { status: response.status, message: ((await response.json()) as SignedIn).message }
    } finally {
      await other.close()
    }
  }

  it('is reported when it is down', async () => {
    const issuer = `http://127.0.0.1:${await freePort()}`
    expect(await tried(issuer)).toEqual({
      status: 502,
      message: "The identity provider cannot be used at the moment: it can't be reached.",
    })
  })

  /** A provider of its own making: `answer` says what it does, by path. */
  async function providerThat(answer: (path: string, issuer: string) => object | undefined) {
    const http = createServer((request, response) => {
      const body = answer(request.url ?? '', issuer)
      // Without an answer it keeps its visitors waiting.
      if (body !== undefined) response.setHeader('content-type', 'application/json').end(JSON.stringify(body))
    })
    http.listen(0, '127.0.0.1')
    await once(http, 'listening')
    onTestFinished(() => {
      http.closeAllConnections()
      http.close()
    })
    const issuer = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
    return new OidcProvider(
      { issuer, clientId: 'x', clientSecret: undefined, accessTokenAudience: 'x', allowInsecure: true, timeoutS: 0.2 },
      createLog({ level: 'silent', format: 'json' }),
    )
  }

  const metadata = (issuer: string) => ({
    issuer,
    authorization_endpoint: `${issuer}/auth`,
    token_endpoint: `${issuer}/token`,
    jwks_uri: `${issuer}/jwks`,
    response_types_supported: ['code'],
  })
  const redirectUri = 'http://127.0.0.1/api/auth/callback'
  const late = 'The identity provider cannot be used at the moment: it did not answer in time.'

  it('is reported when it does not answer, and asked again by the next sign-in', async () => {
    let isSlow = true
    const slow = await providerThat((_path, issuer) => (isSlow ? undefined : metadata(issuer)))
    await expect(slow.begin(redirectUri)).rejects.toThrow(late)
    isSlow = false
    expect((await slow.begin(redirectUri)).url).toContain('/auth?')
  })

  it('is reported when it is slow to exchange a code', async () => {
    const slow = await providerThat((path, issuer) => (path === '/token' ? undefined : metadata(issuer)))
    const { pending } = await slow.begin(redirectUri)
    const back = new URLSearchParams({ code: 'x', state: pending.state })
    await expect(slow.finish(back, pending)).rejects.toThrow(late)
  })

  it('is reported when its keys cannot be fetched', async () => {
    const slow = await providerThat((path, issuer) => (path === '/jwks' ? undefined : metadata(issuer)))
    const parts = [{ alg: 'RS256', kid: 'x' }, { iss: 'x' }].map((part) =>
      Buffer.from(JSON.stringify(part)).toString('base64url'),
    )
    await expect(slow.verify(`${parts.join('.')}.AAAA`)).rejects.toThrow(ProviderFailed)
  })

  it.each([
    ['nothing', {}],
    ['no ID token', { access_token: 'x', token_type: 'bearer' }],
    [
      'an ID token of another issuer',
      { access_token: 'x', token_type: 'bearer', id_token: idTokenOf('https://other.example') },
    ],
    ['an ID token that is none', { access_token: 'x', token_type: 'bearer', id_token: 'nonsense' }],
  ])('is reported when it answers a code with %s', async (_what, tokens) => {
    const liar = await providerThat((path, issuer) => (path === '/token' ? tokens : metadata(issuer)))
    const { pending } = await liar.begin(redirectUri)
    const back = new URLSearchParams({ code: 'x', state: pending.state })
    await expect(liar.finish(back, pending)).rejects.toThrow(ProviderFailed)
  })

  it('is reported when it lies about its issuer', async () => {
    const http = createServer((_request, response) => {
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ issuer: 'https://other.example', jwks_uri: 'https://other.example/jwks' }))
    })
    http.listen(0, '127.0.0.1')
    await once(http, 'listening')
    const { status, message } = await tried(`http://127.0.0.1:${(http.address() as AddressInfo).port}`)
    expect(status).toBe(502)
    expect(message).toContain('its answer was not what it should be')
    http.close()
  })
})

/** An ID token with everything but the right issuer. */
function idTokenOf(issuer: string): string {
  const now = Math.floor(Date.now() / 1000)
  const claims = { iss: issuer, sub: 'x', aud: 'x', iat: now, exp: now + 60 }
  return `${[{ alg: 'RS256' }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')}.AAAA`
}

describe('without a provider', () => {
  it('says so', async () => {
    const other = await startTestServer({ database, env: { LOG_LEVEL: 'silent', ROLES: 'api' } })
    const response = await fetch(`${other.url}/api/auth/login`, { redirect: 'manual' })
    expect([response.status, ((await response.json()) as SignedIn).code]).toEqual([404, 'NOT_FOUND'])
    await other.close()
  })
})
