import type { Pool } from 'undici'
import { token } from './stand.ts'

/** The data of an operation. @throws when there are errors */
export async function post<Data>(client: Pool, query: string, variables: object): Promise<Data> {
  const { body, statusCode } = await client.request({
    path: '/graphql',
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ query, variables }),
  })
  const answer = (await body.json()) as { data?: Data; errors?: unknown }
  if (statusCode !== 200 || answer.errors !== undefined || answer.data === undefined)
    throw new Error(`status ${statusCode}: ${JSON.stringify(answer.errors)}`)
  return answer.data
}
