import { type GraphqlAnswer, graphqlData } from './graphql.ts'
import type { TestServer } from './server.ts'

export const password = 'correct horse battery staple'

/** What a sign-in answers; `code` and `message` when it was refused. */
export interface SignedIn {
  readonly accessToken: string
  readonly refreshToken: string
  readonly userId: string
  readonly code?: string
  readonly message?: string
}

let count = 0

/** A person who has a password; returns their address. */
export async function addPerson(server: TestServer, role: 'OWNER' | 'MEMBER' = 'MEMBER'): Promise<string> {
  count += 1
  const email = `somebody-${count}@example.com`
  const query = `mutation($email: String!, $role: PersonRole!, $password: String!) {
    createUser(input: { email: $email, role: $role }) { __typename }
    setPassword(input: { who: $email, password: $password }) { __typename } }`
  await graphqlData(server, query, { email, role, password })
  return email
}

/** Asks without any token. */
async function anonymous<Data>(
  server: Pick<TestServer, 'url'>,
  query: string,
  variables: object = {},
  userAgent = 'a test',
): Promise<GraphqlAnswer<Data>> {
  const response = await fetch(`${server.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'user-agent': userAgent },
    body: JSON.stringify({ query, variables }),
  })
  return (await response.json()) as GraphqlAnswer<Data>
}

/** Runs one public mutation; what it answers, be it a payload or a failure. */
export async function anonymously<Outcome>(
  server: Pick<TestServer, 'url'>,
  name: string,
  input: object,
  fields: string,
  userAgent?: string,
): Promise<Outcome> {
  const type = `${name.charAt(0).toUpperCase()}${name.slice(1)}`
  const query = `mutation($input: ${type}Input!) {
    outcome: ${name}(input: $input) { ... on ${type}Payload { ${fields} } ... on Failure { code message } } }`
  const { data, errors } = await anonymous<{ outcome: Outcome }>(server, query, { input }, userAgent)
  if (data?.outcome === undefined) throw new Error(JSON.stringify(errors))
  return data.outcome
}

const signedIn = 'accessToken refreshToken userId'

/** Signs in by password. */
export function signIn(server: Pick<TestServer, 'url'>, email: string, scopes?: string[], userAgent?: string) {
  return anonymously<SignedIn>(server, 'signIn', { email, password, scopes }, signedIn, userAgent)
}

export function refresh(server: Pick<TestServer, 'url'>, refreshToken: string, scopes?: string[]) {
  return anonymously<SignedIn>(server, 'refreshSession', { refreshToken, scopes }, signedIn)
}
