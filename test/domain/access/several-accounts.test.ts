import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort } from '#platform/system/free-port.ts'
import { toldEvents } from '#test/support/events.ts'
import { graphql, graphqlData } from '#test/support/graphql.ts'
import { Browser, startProvider, type TestProvider } from '#test/support/oidc-provider.ts'
import { addPerson, password } from '#test/support/people.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'
import { addToken, ownAccount } from '#test/support/tokens.ts'

let provider: TestProvider
let server: TestServer
let main: string
let other: { token: string; accountId: string }
beforeAll(async () => {
  const port = String(await freePort())
  const publicUrl = `http://127.0.0.1:${port}`
  provider = await startProvider([`${publicUrl}/api/auth/callback`])
  server = await startTestServer({
    env: {
      LOG_LEVEL: 'silent',
      PORT: port,
      PUBLIC_URL: publicUrl,
      OIDC_ISSUER: provider.issuer,
      OIDC_CLIENT_ID: provider.clientId,
      OIDC_CLIENT_SECRET: provider.clientSecret,
      OIDC_ALLOWED_DOMAINS: 'allowed.example',
    },
  })
  main = await ownAccount(server)
  other = await addToken(server)
})
afterAll(async () => {
  await server.close()
  await provider.close()
})

const otherPassword = `the other ${password}`

/** Gives the other account a user with this address; resolves with what the account is answered. */
async function addToOther(email: string, secret: string | undefined): Promise<string> {
  const create = `mutation($email: String!) { createUser(input: { email: $email, role: OWNER }) { __typename } }`
  const at = { url: server.url, token: other.token }
  const { createUser } = await graphqlData<{ createUser: { __typename: string } }>(at, create, { email })
  const set =
    'mutation($who: String!, $password: String!) { setPassword(input: { who: $who, password: $password }) { __typename } }'
  if (secret !== undefined) await graphqlData(at, set, { who: email, password: secret })
  return createUser.__typename
}

interface Answer {
  readonly access_token?: string
  readonly code?: string
  readonly message?: string
}

async function signIn(email: string, secret: string, account?: string): Promise<Answer> {
  const response = await fetch(`${server.url}/api/auth/admin/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email, password: secret, account }),
  })
  return (await response.json()) as Answer
}

async function accountOf({ access_token: token }: Answer): Promise<string | undefined> {
  const query = '{ viewer { account { id } } }'
  return (await graphql<{ viewer: { account: { id: string } } }>(server, query, {}, token ?? 'none')).data?.viewer
    .account.id
}

describe('an e-mail address', () => {
  it('is taken in its own account, and tells nothing of others', async () => {
    const email = await addPerson(server)
    expect(await addToOther(email, undefined)).toBe('CreateUserPayload')
    expect(await addToOther(email, undefined)).toBe('EmailTaken')
    const query = '{ users(first: 100) { nodes { email account: id } } }'
    const { users } = await graphqlData<{ users: { nodes: object[] } }>({ url: server.url, token: other.token }, query)
    expect(users.nodes).toHaveLength(1)
  })
})

describe('a person of two accounts', () => {
  it('signs in to the one whose password they give', async () => {
    const email = await addPerson(server)
    await addToOther(email, otherPassword)
    expect(await accountOf(await signIn(email, password))).toBe(main)
    expect(await accountOf(await signIn(email, otherPassword))).toBe(other.accountId)
    expect(await signIn(email, 'neither of them')).toMatchObject({ code: 'UNAUTHENTICATED' })
  })

  it('has to name one where the password is the same, by id or name', async () => {
    const email = await addPerson(server)
    await addToOther(email, password)
    const refused = await signIn(email, password)
    expect(refused.code).toBe('ACCOUNT_REQUIRED')
    for (const named of [main, other.accountId, 'main', 'other']) expect(refused.message).toContain(named)
    expect(await accountOf(await signIn(email, password, main))).toBe(main)
    expect(await accountOf(await signIn(email, password, 'main'))).toBe(main)
    expect(await accountOf(await signIn(email, password, other.accountId.toUpperCase()))).toBe(other.accountId)
    for (const account of [randomUUID(), 'none', '', '\u0000'])
      expect(await signIn(email, password, account)).toMatchObject({ code: 'UNAUTHENTICATED' })
  })

  it('is answered with their accounts in GraphQL only when the password is right', async () => {
    const email = await addPerson(server)
    await addToOther(email, password)
    const query = `mutation($input: SignInInput!) { signIn(input: $input) {
      __typename ... on AccountRequired { code accounts { id name } } } }`
    const ask = async (secret: string) => {
      const response = await fetch(`${server.url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ query, variables: { input: { email, password: secret } } }),
      })
      return ((await response.json()) as { data: { signIn: object } }).data.signIn
    }
    const accounts = [
      { id: main, name: 'main' },
      { id: other.accountId, name: 'other' },
    ]
    expect(await ask(password)).toEqual({
      __typename: 'AccountRequired',
      code: 'ACCOUNT_REQUIRED',
      accounts: expect.arrayContaining(accounts),
    })
    expect(await ask('wrong')).toEqual({ __typename: 'SignInRefused' })
  })

  it('is not guessed for free by who has a password for the same address elsewhere', async () => {
    const email = await addPerson(server)
    await addToOther(email, otherPassword)
    for (let times = 0; times < 10; times += 1) expect((await signIn(email, otherPassword)).code).toBeUndefined()
    expect(await signIn(email, password)).not.toHaveProperty('access_token')
    expect(await signIn(email, password, main)).toMatchObject({ code: 'RATE_LIMITED' })
    const failed = await toldEvents(server, ['auth.user_sign_in_failed'], ({ data }) => data['email'] === email, 10)
    expect(failed).toHaveLength(10)
  })

  it('who changes their password does so in their own account', async () => {
    const email = await addPerson(server)
    await addToOther(email, otherPassword)
    const { access_token: token } = await signIn(email, otherPassword)
    const query = `mutation($who: String!, $old: String!) {
      setPassword(input: { who: $who, presentPassword: $old, password: "a third password" }) { __typename } }`
    const change = (old: string) => graphql<object>(server, query, { who: email, old }, token)
    expect((await change(password)).data).toEqual({ setPassword: { __typename: 'WrongPassword' } })
    expect((await change(otherPassword)).data).toEqual({ setPassword: { __typename: 'SetPasswordPayload' } })
    expect(await accountOf(await signIn(email, password))).toBe(main)
  })
})

describe('a person of two accounts who comes from the provider', () => {
  async function comeIn(person: { subject: string; email: string }, query = ''): Promise<Answer> {
    provider.person = { ...person, isVerified: true }
    const { response } = await new Browser().visit(`${server.url}/api/auth/login${query}`)
    return (await response.json()) as Answer
  }

  it('names one the first time, and is then known there by the provider’s id', async () => {
    const email = await addPerson(server)
    await addToOther(email, undefined)
    const person = { subject: 'both', email }
    expect(await comeIn(person)).toMatchObject({ code: 'ACCOUNT_REQUIRED', message: expect.stringContaining('other') })
    expect(await accountOf(await comeIn(person, '?account=main'))).toBe(main)
    // An account that only has the address doesn't count beside one that they have signed in to.
    expect(await accountOf(await comeIn(person))).toBe(main)
    expect(await accountOf(await comeIn(person, `?account=${other.accountId}`))).toBe(other.accountId)
    expect(await comeIn(person)).toMatchObject({ code: 'ACCOUNT_REQUIRED' })
    expect(await comeIn(person, '?account=none')).toMatchObject({ code: 'FORBIDDEN' })
    expect(await accountOf(await comeIn(person, '?account=main'))).toBe(main)
  })

  it('is added from an allowed domain to the first account, and to no other', async () => {
    const person = { subject: 'added', email: 'added@allowed.example' }
    expect(await comeIn(person, `?account=${other.accountId}`)).toMatchObject({ code: 'FORBIDDEN' })
    expect(await accountOf(await comeIn(person, `?account=${main}`))).toBe(main)
    expect(await comeIn(person, `?account=${'x'.repeat(201)}`)).toMatchObject({ code: 'MALFORMED_REQUEST' })
  })
})
