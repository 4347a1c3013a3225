import { generateKeyPairSync, sign } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hashPassword, isPassword } from '#domain/access/sign-in/password.ts'
import { toldEvents } from '#test/support/events.ts'
import { type GraphqlAnswer, graphql, graphqlData } from '#test/support/graphql.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'
import { until } from '#test/support/until.ts'
import { connectSocket } from '#test/support/websocket.ts'

let server: TestServer
let neighbour: TestServer
beforeAll(async () => {
  server = await startTestServer({ env: { LOG_LEVEL: 'silent' } })
  neighbour = await startTestServer({
    database: server.database,
    env: { LOG_LEVEL: 'silent', ROLES: 'api' },
  })
})
afterAll(async () => {
  await neighbour.close()
  await server.close()
})

const password = 'correct horse battery staple'

interface SignedIn {
  readonly accessToken: string
  readonly accessTokenExpiresAt: string
  readonly refreshToken: string
  readonly userId: string
  readonly role: string
  readonly code?: string
  readonly message?: string
}

let count = 0
/** A person who has a password; returns their address. */
async function person(role: 'OWNER' | 'MEMBER' = 'MEMBER'): Promise<string> {
  count += 1
  const email = `person-${count}@example.com`
  const query = `mutation($email: String!, $role: PersonRole!, $password: String!) {
    createUser(input: { email: $email, role: $role }) { __typename }
    setPassword(input: { who: $email, password: $password }) { __typename } }`
  const made = await graphqlData<Record<string, { __typename: string }>>(server, query, { email, role, password })
  expect(made).toEqual({
    createUser: { __typename: 'CreateUserPayload' },
    setPassword: { __typename: 'SetPasswordPayload' },
  })
  return email
}

/** Asks without any token. */
async function anonymous<Data>(
  query: string,
  variables: object = {},
  at = server,
): Promise<GraphqlAnswer<Data> & { status: number }> {
  const response = await fetch(`${at.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  })
  return { status: response.status, ...((await response.json()) as GraphqlAnswer<Data>) }
}

const fields = (type: string) =>
  `... on ${type} { accessToken accessTokenExpiresAt refreshToken userId role } ... on Failure { code message }`

async function signIn(email: string, secret = password, at = server): Promise<SignedIn> {
  const query = `mutation($input: SignInInput!) { outcome: signIn(input: $input) { ${fields('SignInPayload')} } }`
  const { data, errors } = await anonymous<{ outcome: SignedIn }>(query, { input: { email, password: secret } }, at)
  if (data?.outcome === undefined) throw new Error(JSON.stringify(errors))
  return data.outcome
}

async function refresh(refreshToken: string, at = server): Promise<SignedIn> {
  const query = `mutation($t: String!) { outcome: refreshSession(input: { refreshToken: $t }) { ${fields('RefreshSessionPayload')} } }`
  const { data, errors } = await anonymous<{ outcome: SignedIn }>(query, { t: refreshToken }, at)
  if (data?.outcome === undefined) throw new Error(JSON.stringify(errors))
  return data.outcome
}

/** Who a token makes one, or the code of the refusal. */
async function viewer(token: string, at = server): Promise<unknown> {
  const { data, errors } = await graphql<{ viewer: object }>(at, '{ viewer { kind name role } }', {}, token)
  return data?.viewer ?? errors?.[0]?.extensions?.['code']
}

/** The parts of a JWT, decoded. */
function opened(token: string): { header: Record<string, unknown>; claims: Record<string, unknown>; parts: string[] } {
  const parts = token.split('.')
  const [header, claims] = parts.slice(0, 2).map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()))
  return { header, claims, parts }
}

const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

describe('a password', () => {
  it('is stored so that it can be checked and not read', async () => {
    const [one, two] = await Promise.all([hashPassword(password), hashPassword(password)])
    expect(one).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[^$]+\$[^$]+$/)
    expect(one).not.toBe(two)
    expect(await isPassword(password, one)).toBe(true)
    expect(await isPassword(`${password} `, one)).toBe(false)
    expect(await isPassword('', undefined)).toBe(false)
  })

  it('is the same however its letters are composed', async () => {
    expect(await isPassword('p\u00e4ssw\u00f6rd of mine', await hashPassword('pa\u0308ssw\u00f6rd of mine'))).toBe(true)
  })

  it.each([
    ['of emoji', '\u{1f511}'.repeat(200)],
    ['of the most characters', '\u{1f511}'.repeat(256)],
    ['of letters with accents', 'a\u0308'.repeat(128)],
    ['of ligatures that become several letters', '\ufdfa'.repeat(256)],
  ])('%s that was accepted signs in', async (_what, secret) => {
    const who = await person()
    const query =
      'mutation($who: String!, $password: String!) { setPassword(input: { who: $who, password: $password }) { __typename } }'
    expect(await graphqlData(server, query, { who, password: secret })).toEqual({
      setPassword: { __typename: 'SetPasswordPayload' },
    })
    expect(await signIn(who, secret)).toMatchObject({ role: 'MEMBER' })
    expect(await signIn(who, `${secret}x`)).toMatchObject({ code: 'UNAUTHENTICATED' })
  })

  it.each(['short', 'x'.repeat(257), '\u{1f511}'.repeat(257), `${'x'.repeat(12)}\ud83d`])(
    'is refused when it is too short or too long, or not text',
    async (short) => {
      const who = await person()
      const query =
        'mutation($p: String!, $who: String!) { setPassword(input: { who: $who, password: $p }) { ... on InvalidInput { issues { path } } } }'
      expect(await graphqlData(server, query, { p: short, who })).toEqual({
        setPassword: { issues: [{ path: 'password' }] },
      })
    },
  )
})

describe('signing in', () => {
  it('makes a person who may what their role allows', async () => {
    const email = await person()
    const { accessToken, accessTokenExpiresAt, role } = await signIn(email.toUpperCase())
    expect(role).toBe('MEMBER')
    expect(Date.parse(accessTokenExpiresAt) - Date.now()).toBeGreaterThan(3_500_000)
    expect(await viewer(accessToken)).toEqual({ kind: 'user', name: email, role: 'MEMBER' })
    expect(await viewer(accessToken, neighbour)).toEqual({ kind: 'user', name: email, role: 'MEMBER' })
    const { errors } = await graphql(server, '{ users { nodes { id } } }', {}, accessToken)
    expect(errors?.[0]?.message).toBe('This needs the scope access:admin.')
    const { accessToken: owners } = await signIn(await person('OWNER'))
    expect((await graphql(server, '{ users { nodes { id } } }', {}, owners)).errors).toBeUndefined()
  })

  it('does not tell which half was wrong', async () => {
    const email = await person()
    const answers = await Promise.all([
      signIn(email, 'not the password'),
      signIn('nobody@example.com'),
      signIn('nonsense'),
    ])
    for (const answer of answers)
      expect(answer).toEqual({ code: 'UNAUTHENTICATED', message: 'The e-mail address or the password is wrong.' })
  })

  it('is refused after ten wrong passwords for one person, the right one included, on every process', async () => {
    const email = await person()
    const wrong = await Promise.all(Array.from({ length: 10 }, () => signIn(email, 'not the password')))
    expect(new Set(wrong.map(({ code }) => code))).toEqual(new Set(['UNAUTHENTICATED']))
    expect(await signIn(email)).toMatchObject({ code: 'RATE_LIMITED' })
    expect(await signIn(email, password, neighbour)).toMatchObject({ code: 'RATE_LIMITED' })
    await server.database.query("DELETE FROM rate_limit WHERE key LIKE 'sign-in-address%'")
  })

  it('is recorded in the journal, as is its failure', async () => {
    const email = await person()
    await signIn(email, 'not the password')
    const { userId } = await signIn(email)
    const types = ['auth.signed_in', 'auth.user_sign_in_failed']
    const events = await toldEvents(server, types, ({ actor }) => actor.id === userId, 2)
    expect(events).toMatchObject([
      { type: 'auth.user_sign_in_failed', data: { email } },
      { type: 'auth.signed_in', data: { email, method: 'password' } },
    ])
    expect(JSON.stringify(events)).not.toContain(password)
  })
})

describe('without a token', () => {
  it.each([
    '{ viewer { id } }',
    '{ __typename }',
    '{ __schema { queryType { name } } }',
    'mutation { signOut(input: {}) { __typename } }',
    'mutation { signIn(input: { email: "a", password: "b" }) { __typename } signOut(input: {}) { __typename } }',
    'fragment F on Mutation { signIn(input: { email: "a", password: "b" }) { __typename } } mutation { ...F }',
    'mutation { signIm(input: {}) { __typename } }',
    'mutation { signIn',
    'subscription { events { type } }',
  ])('nothing else can be asked for: %s', async (query) => {
    const { status, errors } = await anonymous(query)
    expect([status, errors?.[0]?.message]).toEqual([
      401,
      'A valid token is needed: send it as "Authorization: Bearer <token>".',
    ])
  })

  it('little can be sent', async () => {
    const { status } = await anonymous('mutation($i: SignInInput!) { signIn(input: $i) { __typename } }', {
      i: { email: 'a', password: 'x'.repeat(20_000) },
    })
    expect(status).toBe(413)
  })
})

describe('an access token', () => {
  it('can be checked with the published keys', async () => {
    const { accessToken } = await signIn(await person())
    const { header, claims } = opened(accessToken)
    expect(header).toMatchObject({ alg: 'EdDSA', typ: 'at+jwt' })
    expect(claims).toMatchObject({ iss: 'signalbox', aud: 'signalbox', exp: (claims['iat'] as number) + 3_600 })
    const jwks = (await (await fetch(`${server.url}/.well-known/jwks.json`)).json()) as {
      keys: Record<string, unknown>[]
    }
    expect(jwks.keys.map(({ kid }) => kid)).toContain(header['kid'])
    for (const key of jwks.keys) expect(key).not.toHaveProperty('d')
  })

  it.each([
    [
      'without a signature',
      ({ header, claims }: ReturnType<typeof opened>) => `${encoded({ ...header, alg: 'none' })}.${encoded(claims)}.`,
    ],
    [
      'of no algorithm, with the old signature',
      ({ header, parts }) => `${encoded({ ...header, alg: 'none' })}.${parts[1]}.${parts[2]}`,
    ],
    ['with other claims', ({ claims, parts }) => `${parts[0]}.${encoded({ ...claims, sub: 'other' })}.${parts[2]}`],
    ['cut short', ({ parts }) => `${parts[0]}.${parts[1]}.${parts[2]?.slice(0, -4)}`],
    [
      'with an unknown key',
      ({ header, parts }) =>
        `${encoded({ ...header, kid: '019ab000-0000-7000-8000-000000000000' })}.${parts[1]}.${parts[2]}`,
    ],
    [
      'signed by somebody else',
      ({ parts }) => `${parts[0]}.${parts[1]}.${signedBySomebody(`${parts[0]}.${parts[1]}`)}`,
    ],
    ['that is none', () => 'eyJhbGciOiJFZERTQSJ9.e30.AAAA'],
  ] as [string, (token: ReturnType<typeof opened>) => string][])('is not accepted: %s', async (_what, forge) => {
    const { accessToken } = await signIn(await person())
    expect(await viewer(forge(opened(accessToken)))).toBe('UNAUTHENTICATED')
  })

  it('has the rights that the person has now', async () => {
    const email = await person()
    const { accessToken } = await signIn(email)
    await graphqlData(server, `mutation { updateUser(input: { who: "${email}", role: OWNER }) { __typename } }`)
    await until(async () => ((await viewer(accessToken)) as { role: string }).role === 'OWNER')
  })
})

function signedBySomebody(text: string): string {
  return sign(null, Buffer.from(text), generateKeyPairSync('ed25519').privateKey).toString('base64url')
}

describe('a refresh token', () => {
  it('works once, on any process', async () => {
    const first = await signIn(await person())
    const second = await refresh(first.refreshToken, neighbour)
    expect(second.refreshToken).not.toBe(first.refreshToken)
    expect(await viewer(second.accessToken)).toMatchObject({ kind: 'user' })
    expect((await refresh(second.refreshToken)).userId).toBe(first.userId)
  })

  it('that is used again ends the whole session, at once and everywhere', async () => {
    const first = await signIn(await person())
    const second = await refresh(first.refreshToken)
    const socket = await connectSocket(neighbour, { token: second.accessToken })
    expect(await refresh(first.refreshToken)).toMatchObject({ code: 'UNAUTHENTICATED' })
    expect((await socket.closed).code).toBe(4403)
    expect(await viewer(second.accessToken)).toBe('UNAUTHENTICATED')
    expect(await refresh(second.refreshToken)).toMatchObject({ code: 'UNAUTHENTICATED' })
    const reused = ['auth.refresh_token_reused']
    expect(await toldEvents(server, reused, ({ actor }) => actor.id === first.userId)).toHaveLength(1)
  })

  it('that two use at the same time is good for one of them', async () => {
    const { refreshToken } = await signIn(await person())
    const answers = await Promise.all([refresh(refreshToken), refresh(refreshToken, neighbour)])
    expect(answers.filter(({ code }) => code === undefined)).toHaveLength(1)
  })

  it.each(['', 'sbr_', 'nonsense', `sbr_${'x'.repeat(43)}`, 'x'.repeat(5_000)])('is not %j', async (token) => {
    expect(await refresh(token)).toMatchObject({ code: 'UNAUTHENTICATED' })
  })
})

describe('what a person is signed in with ends', () => {
  const ends: [string, (email: string, token: string) => Promise<unknown>][] = [
    [
      'when they sign out',
      (_email, token) => graphql(server, 'mutation { signOut(input: {}) { __typename } }', {}, token),
    ],
    [
      'when they are removed',
      (who) =>
        graphqlData(server, 'mutation($who: String!) { removeUser(input: { who: $who }) { __typename } }', { who }),
    ],
    [
      'when they get another password',
      (who) =>
        graphqlData(
          server,
          'mutation($who: String!, $password: String!) { setPassword(input: { who: $who, password: $password }) { __typename } }',
          {
            who,
            password: `${password}!`,
          },
        ),
    ],
  ]
  it.each(ends)('%s', async (_when, end) => {
    const email = await person()
    const { accessToken, refreshToken } = await signIn(email)
    const socket = await connectSocket(neighbour, { token: accessToken })
    await end(email, accessToken)
    expect((await socket.closed).code).toBe(4403)
    expect(await viewer(accessToken)).toBe('UNAUTHENTICATED')
    expect(await refresh(refreshToken)).toMatchObject({ code: 'UNAUTHENTICATED' })
  })

  it('not by somebody else’s hand, unless they administer access', async () => {
    const victim = await signIn(await person())
    const { claims } = opened(victim.accessToken)
    const end = 'mutation($id: ID!) { signOut(input: { sessionId: $id }) { __typename } }'
    const other = await signIn(await person())
    const refused = await graphql(server, end, { id: claims['sid'] }, other.accessToken)
    expect(refused.errors?.[0]?.extensions?.['code']).toBe('FORBIDDEN')
    expect(await viewer(victim.accessToken)).toMatchObject({ kind: 'user' })
    expect(await graphqlData(server, end, { id: claims['sid'] })).toEqual({ signOut: { __typename: 'SignOutPayload' } })
  })
})

describe('one’s own password', () => {
  it('is changed by who knows it', async () => {
    const email = await person()
    const { accessToken } = await signIn(email)
    const query = `mutation($old: String, $new: String!) { setPassword(input: { who: "${email}", presentPassword: $old, password: $new }) {
      __typename ... on Failure { code } } }`
    const change = (old: string | null) =>
      graphql<{ setPassword: object }>(server, query, { old, new: `new ${password}` }, accessToken)
    for (const old of [null, 'not the password'])
      expect((await change(old)).data).toEqual({ setPassword: { __typename: 'WrongPassword', code: 'FORBIDDEN' } })
    expect((await change(password)).data).toEqual({ setPassword: { __typename: 'SetPasswordPayload' } })
    expect(await signIn(email)).toMatchObject({ code: 'UNAUTHENTICATED' })
    expect(await signIn(email, `new ${password}`)).toMatchObject({ role: 'MEMBER' })
  })
})

describe('a connection whose person gets another role', () => {
  it('has to be opened again', async () => {
    const email = await person('OWNER')
    const { accessToken } = await signIn(email)
    const socket = await connectSocket(neighbour, { token: accessToken })
    await graphqlData(server, `mutation { updateUser(input: { who: "${email}", role: MEMBER }) { __typename } }`)
    expect((await socket.closed).code).toBe(4403)
    expect(await viewer(accessToken, neighbour)).toMatchObject({ role: 'MEMBER' })
  })
})
