import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { auditEntriesOnce } from '#test/support/audit.ts'
import { Browser, startProvider, type TestProvider } from '#test/support/oidc-provider.ts'
import { type ServerProcess, startServerProcess } from '#test/support/process.ts'
import { createTestDatabase, secretKey, type TestDatabase } from '#test/support/server.ts'
import { until } from '#test/support/until.ts'
import { connectSocket, openSocket } from '#test/support/websocket.ts'

/**
 * Plays everything that has to do with secrets against a server that logs all it can, and then looks for each of them in
 * everything that has come out of it.
 */
let database: TestDatabase
let provider: TestProvider
let server: ServerProcess
let dataDir: string
/** What must not be found, by what it is. */
const secrets = new Map<string, string>()
/** What was answered where no secret has to be, by the call. */
const answers: { readonly call: string; readonly text: string }[] = []
/** Something that is no secret, and has to be found wherever it is looked. */
const canary = 'canary-of-the-secrets-test'
const passwords = {
  first: 'first-password-of-somebody-1',
  second: 'second-password-of-somebody-2',
  wrong: 'wrong-password-of-somebody-3',
  stranger: 'password-of-a-stranger-4',
  during: 'password-while-the-table-is-away-5',
}

beforeAll(async () => {
  database = await createTestDatabase()
  dataDir = await mkdtemp(join(tmpdir(), 'signalbox-secrets-'))
  // The provider has to know the server's address, and the server the provider's: the list is filled in later.
  const redirectUris: string[] = ['http://127.0.0.1:1/']
  provider = await startProvider(redirectUris)
  server = await startServerProcess({
    dataDir,
    databaseUrl: database.url,
    env: {
      LOG_LEVEL: 'trace',
      OIDC_ISSUER: provider.issuer,
      OIDC_CLIENT_ID: provider.clientId,
      OIDC_CLIENT_SECRET: provider.clientSecret,
      OIDC_ALLOWED_DOMAINS: 'example.com',
      OIDC_ACCESS_TOKEN_AUDIENCE: 'urn:signalbox',
    },
  })
  redirectUris.push(`${server.url}/api/auth/callback`)
  await provider.rotateKeys()
  keep('the owner’s token', server.token)
  keep('SECRET_KEY', secretKey)
  keep('the client’s secret', provider.clientSecret)
  keep('the database’s password', new URL(database.url).password)
  for (const [name, password] of Object.entries(passwords)) keep(`the password: ${name}`, password)
})
afterAll(async () => {
  await server.end('SIGKILL')
  await provider.close()
  await rm(dataDir, { recursive: true, force: true })
  await database.drop()
})

/** A secret from now on; what is too short to be one would be found anywhere. */
function keep(name: string, secret: string): string {
  expect(secret.length, name).toBeGreaterThanOrEqual(10)
  secrets.set(name, secret)
  return secret
}

interface Call {
  readonly token?: string | undefined
  readonly body?: unknown
  readonly headers?: Record<string, string>
  /** The answer holds secrets, as it should. */
  readonly tellsSecrets?: boolean
  /** The credential was taken away a moment ago: the request is refused or, if it came just before that is known, cut off. */
  readonly isOver?: boolean
}

async function ask<Body = Record<string, string>>(call: string, options: Call = {}): Promise<Body> {
  const { token = server.token, body, headers, tellsSecrets = false, isOver = false } = options
  const [method = '', path = ''] = call.split(' ')
  const asking = fetch(`${server.url}${path}`, {
    method,
    redirect: 'manual',
    headers: {
      ...(token !== '' && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      'user-agent': canary,
      ...headers,
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  const response = isOver ? await asking.catch(cutOff) : await asking
  const text = await (isOver ? response.text().catch(() => '') : response.text())
  if (!tellsSecrets) answers.push({ call, text: `${JSON.stringify([...response.headers])}\n${text}` })
  return (text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : {}) as Body
}

function cutOff(error: unknown): Response {
  if (!(error instanceof TypeError)) throw error
  return new Response('', { status: 499 })
}

const graphql = <Data>(query: string, variables: object, options: Call = {}) =>
  ask<{ data: Data }>('POST /graphql', { ...options, body: { query, variables } })

async function playTokens(): Promise<void> {
  type Issued = { id: string; token: string }
  const make = (name: string) =>
    ask<Issued>('POST /api/application-tokens', { body: { name: `${canary} ${name}` }, tellsSecrets: true })
  const made = await make('made')
  keep('an application token', made.token)
  await ask('GET /api/tasks', { token: made.token })
  await ask('POST /api/tasks', { token: made.token, body: { type: 'probe', data: { durationMs: 0 } } })
  await ask('GET /api/users', { token: made.token })
  await ask('GET /api/audit', { token: made.token })
  const { data } = await graphql<{ rotateApplicationToken: { token: string } }>(
    'mutation ($input: RotateApplicationTokenInput!) { rotateApplicationToken(input: $input) { ... on RotateApplicationTokenPayload { token } } }',
    { input: { id: made.id, overlapMs: 0 } },
    { tellsSecrets: true },
  )
  const rotated = keep('a rotated token', data.rotateApplicationToken.token)
  await ask('GET /api/tasks', { token: made.token, isOver: true })
  await ask(`DELETE /api/application-tokens/${rotated}`)
  await ask(`DELETE /sfp/api/application-tokens/${rotated}`)
  await ask(`GET /api/application-tokens/${rotated}`)
  await ask('GET /api/tasks', { token: rotated, isOver: true })
  const lost = keep('a token that nobody knows', `sbx_${'z'.repeat(46)}`)
  await ask('GET /api/tasks', { token: lost })
  await ask(`GET /api/tasks?token=${lost}&access_token=${lost}`)
  await ask(`GET /metrics?token=${lost}`, { token: lost })
  await ask(`DELETE /api/application-tokens/${lost}`)
  await graphql('{ viewer { id } }', { token: lost }, { token: lost })
  await graphql('mutation ($id: String!) { revokeApplicationToken(input: { id: $id, reason: 1 }) { __typename } }', {
    id: lost,
  })
  await ask('GET /api/application-tokens')
}

interface SignedIn {
  readonly access_token: string
  readonly refresh_token: string
}

function keepSession(name: string, { access_token, refresh_token }: SignedIn): SignedIn {
  keep(`the access token: ${name}`, access_token)
  keep(`the refresh token: ${name}`, refresh_token)
  return { access_token, refresh_token }
}

async function playPasswords(): Promise<void> {
  const email = 'somebody@example.com'
  await ask('POST /api/users', { body: { email, firstName: canary, role: 'owner' } })
  const setPassword =
    'mutation ($input: SetPasswordInput!) { setPassword(input: $input) { __typename ... on Failure { code message } } }'
  await graphql(setPassword, { input: { who: email, password: passwords.first } })
  const login = (password: string, who = email, tellsSecrets = false) =>
    ask<SignedIn>('POST /api/auth/admin/login', { token: '', body: { email: who, password }, tellsSecrets })
  const first = keepSession('password', await login(passwords.first, email, true))
  await login(passwords.wrong)
  await login(passwords.stranger, 'stranger@example.com')
  // A password that came into the wrong field.
  await login('whatever-else', passwords.stranger)
  await graphql('query { viewer { id } }', {}, { token: first.access_token })
  const refresh = (refresh_token: string, tellsSecrets = false) =>
    ask<SignedIn>('POST /api/auth/refresh', { token: '', body: { refresh_token }, tellsSecrets })
  const second = keepSession('refreshed', await refresh(first.refresh_token, true))
  await refresh(keep('a refresh token that nobody knows', `sbr_${'y'.repeat(43)}`))
  await graphql(
    setPassword,
    { input: { who: email, password: passwords.second, presentPassword: passwords.wrong } },
    { token: second.access_token },
  )
  await graphql(setPassword, { input: { who: email, password: 'short-1', presentPassword: passwords.first } })
  // Somebody has a copy.
  await refresh(first.refresh_token)
  await graphql('query { viewer { id } }', {}, { token: second.access_token, isOver: true })
  await ask('POST /api/auth/callback', { token: '', body: second })
  const third = keepSession('signed out', await login(passwords.first, email, true))
  await ask('POST /api/auth/logout', { token: third.access_token })
  for (let attempt = 0; attempt < 12; attempt += 1) await login(passwords.wrong)
}

async function playProvider(): Promise<void> {
  provider.person = { subject: 'person-at-the-provider', email: 'provided@example.com', isVerified: true }
  const beginning = await fetch(`${server.url}/api/auth/login`, { redirect: 'manual' })
  const cookie = beginning.headers.getSetCookie()[0]?.split(';', 1)[0] ?? ''
  keep('the cookie of a sign-in', cookie.slice(cookie.indexOf('=') + 1))
  const location = new URL(beginning.headers.get('location') ?? '')
  for (const name of ['state', 'nonce', 'code_challenge'])
    if (location.searchParams.has(name)) keep(`the ${name} of a sign-in`, location.searchParams.get(name) ?? '')
  // Without our cookie the last step is refused.
  const { url } = await new Browser().visit(location.href)
  const back = new URL(url)
  keep('the provider’s code', back.searchParams.get('code') ?? '')
  const path = `${back.pathname}${back.search}`
  keepSession('provider', await ask<SignedIn>(`GET ${path}`, { token: '', headers: { cookie }, tellsSecrets: true }))
  await ask(`GET ${path}`, { token: '', headers: { cookie } })
  await ask(`GET ${path}&error=access_denied`, { token: '' })
  await ask('GET /api/tasks', { token: keep('a token of nobody’s', `eyJhbGciOiJub25lIn0.${'x'.repeat(40)}.sig`) })
}

/** The provider's own access token, which it gives this client directly. */
async function playProvidersToken(): Promise<void> {
  const verifier = keep('a code verifier', 'u'.repeat(50))
  const redirectUri = `${server.url}/api/auth/callback`
  const parameters = new URLSearchParams({
    client_id: provider.clientId,
    response_type: 'code',
    scope: 'openid',
    redirect_uri: redirectUri,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  })
  const { url } = await new Browser().visit(`${provider.issuer}/auth?${parameters}`)
  const credentials = Buffer.from(`${provider.clientId}:${provider.clientSecret}`).toString('base64')
  const answer = await fetch(`${provider.issuer}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${credentials}` },
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      code: new URL(url).searchParams.get('code') ?? '',
      redirect_uri: redirectUri,
      code_verifier: verifier,
    }),
  })
  const { access_token: token } = (await answer.json()) as { access_token: string }
  keep('the provider’s own access token', token)
  const { data } = await graphql<{ viewer: { name: string } }>('{ viewer { name } }', {}, { token })
  expect(data.viewer.name).toBe('provided@example.com')
  await graphql('{ users { nodes { id } } }', {}, { token })
  await ask('GET /api/tasks', { token: `${token.slice(0, -5)}xxxxx` })
}

async function playSockets(): Promise<void> {
  const socket = await connectSocket(server)
  socket.subscribe('1', 'subscription { taskFeed { task { id nothing } } }')
  answers.push({ call: 'a subscription that is not valid', text: JSON.stringify(await socket.next('1')) })
  socket.subscribe(
    '2',
    'mutation ($password: String!) { signIn(input: { email: "x", password: $password }) { nothing } }',
    {
      password: passwords.stranger,
    },
  )
  answers.push({ call: 'a mutation that is not valid', text: JSON.stringify(await socket.next('2')) })
  await socket.close()
  const stranger = await openSocket(server, { path: `/graphql?token=${server.token}` })
  stranger.send({ type: 'connection_init', payload: { token: keep('a socket’s token', `socket-${'w'.repeat(40)}`) } })
  answers.push({ call: 'a socket of nobody’s', text: JSON.stringify(await stranger.closed) })
  const broken = await openSocket(server)
  broken.send(`{"type":"connection_init","payload":{"token":"${server.token}"`)
  answers.push({ call: 'a broken message', text: JSON.stringify(await broken.closed) })
}

/** Errors that nobody expects are logged whole, with the statement that failed. */
async function playBugs(): Promise<void> {
  await database.query('ALTER TABLE users RENAME TO users_elsewhere')
  await ask('POST /api/auth/admin/login', {
    token: '',
    body: { email: 'somebody@example.com', password: passwords.during },
  })
  await database.query('ALTER TABLE users_elsewhere RENAME TO users')
  await database.query('ALTER TABLE application_token RENAME COLUMN hash TO hash_elsewhere')
  await ask('GET /api/tasks', { token: keep('a token while its table is away', `sbx_${'v'.repeat(46)}`) })
  await database.query('ALTER TABLE application_token RENAME COLUMN hash_elsewhere TO hash')
}

/** Every row of every table, as text. */
async function dump(): Promise<Map<string, string[]>> {
  const tables = await database.query<{ name: string }>(
    `SELECT format('%I.%I', table_schema, table_name) AS name FROM information_schema.tables
     WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')`,
  )
  const rows = new Map<string, string[]>()
  for (const { name } of tables) {
    const found = await database.query<{ text: string }>(`SELECT t::text AS text FROM ${name} AS t`)
    rows.set(
      name,
      found.map(({ text }) => text),
    )
  }
  return rows
}

/** The forms in which a secret may stand somewhere. */
function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret)
  return [secret, encodeURIComponent(secret), bytes.toString('hex'), bytes.toString('base64').replace(/=+$/, '')]
}

function secretsIn(text: string): string[] {
  return [...secrets].filter(([, secret]) => formsOf(secret).some((form) => text.includes(form))).map(([name]) => name)
}

describe('no secret', () => {
  let rows: Map<string, string[]>
  let log: string
  beforeAll(async () => {
    await playTokens()
    await playPasswords()
    await playProvider()
    await playProvidersToken()
    await playSockets()
    await playBugs()
    await auditEntriesOnce(server, { types: ['auth.attempt_failed'] })
    const { id } = await ask<{ id: string }>('POST /api/application-tokens', {
      body: { name: `${canary} last` },
      tellsSecrets: true,
      headers: { 'x-request-id': canary },
    })
    await auditEntriesOnce(server, { subject: `token:${id}` })
    await ask('GET /api/audit')
    await graphql(
      '{ events(types: ["auth.*", "task.*"], first: 200) { nodes { type subject actor { name } data } } }',
      {},
    )
    await until(() => server.output().includes(canary))
    // What is gathered in memory is written down at the end.
    await server.end('SIGTERM')
    log = server.output()
    rows = await dump()
  })

  it('was left out of the play', () => {
    expect([...secrets.keys()]).toHaveLength(31)
    expect(new Set(secrets.values()).size).toBe(31)
  })

  it('is in the log, which tells all it can', () => {
    const lines = log.split('\n').filter((line) => line.startsWith('{'))
    expect(lines.length).toBeGreaterThan(50)
    expect(log).toContain(canary)
    expect(log).toContain('a request failed unexpectedly')
    expect(secretsIn(log)).toEqual([])
  })

  it('is in any column of any table', () => {
    const filled = [...rows].filter(([, found]) => found.length > 0).map(([name]) => name)
    // Where something can't be looked for, nothing can be found.
    for (const name of [
      'application_token',
      'audit_chain',
      'audit_entry',
      'refresh_token',
      'session',
      'signing_key',
      'users',
    ])
      expect(filled).toContain(`public.${name}`)
    for (const name of ['identity', 'rate_limit', 'refusal_count', 'task', 'token_hour'])
      expect(filled).toContain(`public.${name}`)
    expect(filled.some((name) => name.startsWith('journal_days.'))).toBe(true)
    const withCanary = [...rows]
      .filter(([, found]) => found.some((text) => text.includes(canary)))
      .map(([name]) => name)
    expect(withCanary).toEqual(
      expect.arrayContaining(['public.application_token', 'public.audit_entry', 'public.session', 'public.users']),
    )
    expect(withCanary.some((name) => name.startsWith('journal_days.'))).toBe(true)
    const found = [...rows].flatMap(([name, texts]) =>
      texts.flatMap((text) => secretsIn(text).map((what) => `${name}: ${what}`)),
    )
    expect(found).toEqual([])
  })

  it('is in an answer that has not to tell it', () => {
    expect(answers.length).toBeGreaterThan(40)
    expect(answers.some(({ text }) => text.includes(canary))).toBe(true)
    const found = answers.flatMap(({ call, text }) => secretsIn(text).map((what) => `${call}: ${what}`))
    expect(found).toEqual([])
  })

  it('was overlooked: each is found where it is put', async () => {
    for (const [name, secret] of secrets) {
      await database.query("UPDATE users SET first_name = $1 WHERE email = 'somebody@example.com'", [`(${secret})`])
      const [row] = await database.query<{ text: string }>(
        "SELECT u::text AS text FROM users AS u WHERE email = 'somebody@example.com'",
      )
      expect(secretsIn(row!.text)).toContain(name)
    }
  })
})
