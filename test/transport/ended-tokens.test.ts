import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { graphql, graphqlData } from '#test/support/graphql.ts'
import type { TestServer } from '#test/support/server.ts'
import { sharedServer } from '#test/support/shared-server.ts'
import { submitDistant } from '#test/support/streams.ts'
import { until } from '#test/support/until.ts'

let server: TestServer
beforeAll(async () => {
  server = await sharedServer()
})
afterAll(() => server.close())

async function createToken(...scopes: string[]): Promise<{ id: string; token: string }> {
  const query = `mutation ($scopes: [String!]!) { createApplicationToken(input: { name: "ends", scopes: $scopes }) {
    ... on CreateApplicationTokenPayload { token applicationToken { id } } } }`
  type Made = { createApplicationToken: { token: string; applicationToken: { id: string } } }
  const { createApplicationToken: made } = await graphqlData<Made>(server, query, { scopes })
  return { id: made.applicationToken.id, token: made.token }
}

async function revoke(id: string): Promise<void> {
  const query = 'mutation ($id: String!) { revokeApplicationToken(input: { id: $id }) { __typename } }'
  expect(await graphql(server, query, { id })).not.toHaveProperty('errors')
}

/** What both APIs answer to this token. */
async function refusals(token: string): Promise<string[]> {
  const headers = { authorization: `Bearer ${token}` }
  const response = await fetch(`${server.url}/api/users/me`, { headers })
  const { errors } = await graphql(server, '{ __typename }', {}, token)
  expect(response.status).toBe(401)
  return [((await response.json()) as { message: string }).message, errors?.[0]?.message ?? '']
}

const valid = 'A valid token is needed: send it as "Authorization: Bearer <token>".'

describe('a token that is not valid', () => {
  it('is explained to its bearer', async () => {
    const revoked = await createToken('tasks:read')
    await revoke(revoked.id)
    const expired = await createToken('tasks:read')
    const end = "UPDATE application_token SET expires_at = now() - interval '1 second' WHERE id = $1"
    await server.database.query(end, [expired.id])
    expect(await refusals(revoked.token)).toEqual(Array(2).fill(`This token was revoked. ${valid}`))
    expect(await refusals(expired.token)).toEqual(Array(2).fill(`This token has expired. ${valid}`))
    expect(await refusals('x'.repeat(43))).toEqual(Array(2).fill(`This token is not known here. ${valid}`))
  })
})

describe('a token that ends while a request waits', () => {
  it('is answered by REST with 401', async () => {
    const { id, token } = await createToken('tasks:read')
    const taskId = await submitDistant(server)
    const headers = { authorization: `Bearer ${token}` }
    const waiting = fetch(`${server.url}/api/tasks/${taskId}/status?wait=50`, { headers })
    // It is used once it is waiting.
    await until(async () => {
      const [row] = await server.database.query<{ calls: string }>(
        'SELECT calls FROM application_token WHERE id = $1',
        [id],
      )
      return Number(row?.calls) > 0
    })
    await revoke(id)
    const response = await waiting
    expect([response.status, await response.json()]).toMatchObject([401, { code: 'UNAUTHENTICATED' }])
  })

  it('is answered by GraphQL with 401, and waits no longer for a lock', async () => {
    const { id, token } = await createToken('entries:write')
    const acquire = (wait: number) =>
      `mutation { acquireLock(input: { name: "held", ttlMs: 60000, waitMs: ${wait} }) { __typename ... on Failure { message } } }`
    expect(await graphql(server, acquire(0))).not.toHaveProperty('errors')
    const waiting = fetch(`${server.url}/graphql`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ query: acquire(50_000) }),
    })
    const waiters = async () => {
      type Lock = { lock: { queue: unknown[] } | null }
      const read = await graphqlData<Lock>(server, '{ lock(name: "held") { queue { __typename } } }')
      return read.lock?.queue.length
    }
    await until(async () => (await waiters()) === 1)
    await revoke(id)
    const response = await waiting
    expect([response.status, await response.json()]).toMatchObject([
      401,
      { errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] },
    ])
    await until(async () => (await waiters()) === 0)
  })
})
