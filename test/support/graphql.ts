import type { TestServer } from './server.ts'

export interface GraphqlAnswer<Data> {
  readonly data?: Data | null
  readonly errors?: readonly { message: string; path?: (string | number)[]; extensions?: Record<string, unknown> }[]
}

/** Sends one operation by HTTP as the owner, or with another token; what it has cost is left out. */
export async function graphql<Data = Record<string, never>>(
  server: Pick<TestServer, 'url' | 'token'>,
  query: string,
  variables: Record<string, unknown> = {},
  token: string = server.token,
): Promise<GraphqlAnswer<Data>> {
  const response = await fetch(`${server.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ query, variables }),
  })
  const { extensions: _, ...answer } = (await response.json()) as GraphqlAnswer<Data> & { extensions?: object }
  return answer
}

/** The data of an operation that is expected to succeed. */
export async function graphqlData<Data>(
  server: Pick<TestServer, 'url' | 'token'>,
  query: string,
  variables: Record<string, unknown> = {},
): Promise<Data> {
  const answer = await graphql<Data>(server, query, variables)
  if (answer.errors !== undefined || answer.data == null)
    throw new Error(`Unexpected errors: ${JSON.stringify(answer.errors)}`)
  return answer.data
}
