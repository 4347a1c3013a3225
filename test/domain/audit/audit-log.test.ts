import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { auditEntries, auditEntriesOnce } from '#test/support/audit.ts'
import { graphql, graphqlData } from '#test/support/graphql.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'
import { addToken } from '#test/support/tokens.ts'
import { until } from '#test/support/until.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server.close())

const createText = `mutation MakeToken($input: CreateApplicationTokenInput!) {
  createApplicationToken(input: $input) { ... on CreateApplicationTokenPayload { token applicationToken { id } } } }`

async function create(
  name: string,
  scopes: readonly string[],
  requestId?: string,
): Promise<{ id: string; token: string }> {
  const response = await fetch(`${server.url}/graphql`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${server.token}`,
      'user-agent': 'a tool/1.0',
      ...(requestId !== undefined && { 'x-request-id': requestId }),
    },
    body: JSON.stringify({ query: createText, variables: { input: { name, scopes } } }),
  })
  const { data } = (await response.json()) as {
    data: { createApplicationToken: { token: string; applicationToken: { id: string } } }
  }
  const { token, applicationToken } = data.createApplicationToken
  return { token, id: applicationToken.id }
}

async function submit(token: string): Promise<string> {
  const answer = await graphql<{ submitTask: { task: { id: string } } }>(
    server,
    'mutation Submit { submitTask(input: { type: "probe", input: { durationMs: 0 }, labels: { release: "v1" } }) { ... on SubmitTaskPayload { task { id } } } }',
    {},
    token,
  )
  return answer.data!.submitTask.task.id
}

describe('an entry of the audit log', () => {
  it('says who did what, from where, with what, by which operation and by what right', async () => {
    const { id } = await create('a tool', ['tasks:read'], 'request-of-the-test')
    const [entry] = await auditEntriesOnce(server, { subject: `token:${id}` })
    const [owner] = await server.database.query<{ id: string }>("SELECT id FROM application_token WHERE name = 'owner'")
    expect(entry).toMatchObject({
      type: 'auth.token_created',
      outcome: 'SUCCEEDED',
      actor: { kind: 'application', id: owner!.id, name: 'owner' },
      credential: { kind: 'token', id: owner!.id },
      address: expect.stringMatching(/127\.0\.0\.1$/),
      userAgent: 'a tool/1.0',
      requestId: 'request-of-the-test',
      operation: { name: 'MakeToken', hash: createHash('sha256').update(createText).digest('hex') },
      scopes: ['access:admin'],
      data: { name: 'a tool', scopes: ['tasks:read'] },
    })
  })

  it('records what somebody requested, and not what the system did with it', async () => {
    const { token } = await create('worker', ['tasks:write'])
    const taskId = await submit(token)
    await until(async () => {
      const { task } = await graphqlData<{ task: { status: string } }>(server, `{ task(id: "${taskId}") { status } }`)
      return task.status === 'COMPLETED'
    })
    // What comes later in the journal is there, so what came before is, too.
    const { id } = await create('afterwards', ['tasks:read'])
    await auditEntriesOnce(server, { subject: `token:${id}` })
    const entries = await auditEntries(server, { subject: `task:${taskId}` })
    expect(entries.map(({ type }) => type)).toEqual(['task.submitted'])
    expect(entries[0]?.data).toMatchObject({ type: 'probe', labels: { release: 'v1' } })
  })
})

describe('the list of entries', () => {
  it('is selected by actor, token, type, subject, address, outcome, operation, request and time', async () => {
    const { id, token } = await create('selected 100%', ['tasks:write'], 'selected-1')
    const taskId = await submit(token)
    await auditEntriesOnce(server, { subject: `task:${taskId}` })
    const typesFor = async (where: object) => (await auditEntries(server, where)).map(({ type }) => type)
    const [created] = await auditEntries(server, { subject: `token:${id}` })
    expect(await typesFor({ actor: id })).toEqual(['task.submitted'])
    expect(await typesFor({ actor: 'selected 100%' })).toEqual(['task.submitted'])
    expect(await typesFor({ token: id })).toEqual(['task.submitted'])
    expect(await typesFor({ requestId: 'selected-1' })).toEqual(['auth.token_created'])
    expect(await typesFor({ subject: `token:${id}`, types: ['auth.*'] })).toEqual(['auth.token_created'])
    expect(await typesFor({ subject: `token:${id}`, types: ['auth.token_*', 'task.failed'] })).toHaveLength(1)
    // What stands for one or any character in the database stands for itself here.
    expect(await typesFor({ subject: `token:${id}`, types: ['auth_token*'] })).toEqual([])
    expect(await typesFor({ subject: `token:${id}`, types: ['%*'] })).toEqual([])
    expect(await typesFor({ subject: 'token:*', requestId: 'selected-1' })).toHaveLength(1)
    expect(await typesFor({ token: id, operation: 'Submit' })).toHaveLength(1)
    expect(await typesFor({ token: id, operation: created!.operation!.hash })).toHaveLength(0)
    expect(await typesFor({ token: id, address: '*' })).toHaveLength(1)
    expect(await typesFor({ token: id, address: '203.0.113.*' })).toHaveLength(0)
    expect(await typesFor({ token: id, outcomes: ['REFUSED', 'FAILED'] })).toHaveLength(0)
    expect(await typesFor({ token: id, outcomes: ['SUCCEEDED'] })).toHaveLength(1)
    expect(await typesFor({ requestId: 'selected-1', from: created!.at, to: created!.at })).toHaveLength(1)
    expect(await typesFor({ requestId: 'selected-1', from: new Date(Date.now() + 60_000).toISOString() })).toEqual([])
    expect(await typesFor({ requestId: 'selected-1', to: '2020-01-01T00:00:00Z' })).toEqual([])
  })

  it.each([
    [{ types: ['auth.*_created'] }, 'where.types'],
    [{ types: Array.from({ length: 51 }, () => 'a.b') }, 'where.types'],
    [{ subject: 'x'.repeat(3_000) }, 'where.subject'],
    [{ actor: 'a\u0000b' }, 'where.actor'],
  ])('refuses %j', async (where, path) => {
    const { errors } = await graphql(
      server,
      'query ($where: AuditFilter) { auditEntries(where: $where) { nodes { seq } } }',
      { where },
    )
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'INVALID_INPUT', issues: [{ path }] })
  })

  it('is paged in both directions', async () => {
    const ids = []
    for (let count = 0; count < 3; count += 1) ids.push((await create(`page ${count}`, ['tasks:read'])).id)
    await auditEntriesOnce(server, { subject: `token:${ids[2]}` })
    for (const orderBy of ['NEWEST_FIRST', 'OLDEST_FIRST']) {
      const seqs: number[] = []
      let after: string | null = null
      do {
        const { auditEntries: page }: { auditEntries: Page } = await graphqlData(
          server,
          `query ($after: String) { auditEntries(first: 2, orderBy: ${orderBy}, after: $after) {
             nodes { seq } pageInfo { endCursor hasNextPage } } }`,
          { after },
        )
        seqs.push(...page.nodes.map(({ seq }) => seq))
        after = page.pageInfo.hasNextPage ? page.pageInfo.endCursor : null
      } while (after !== null)
      const sorted = [...seqs].sort((a, b) => (orderBy === 'OLDEST_FIRST' ? a - b : b - a))
      expect(seqs).toEqual(sorted)
      expect(new Set(seqs).size).toBe(Math.max(...seqs))
    }
  })

  it('needs audit:read, and holds the account’s own alone', async () => {
    const { token } = await create('blind', ['access:admin', 'events:read'])
    const query = '{ auditEntries { nodes { seq accountId } } }'
    expect((await graphql(server, query, {}, token)).errors?.[0]?.extensions).toMatchObject({
      code: 'FORBIDDEN',
      sufficientScopes: ['audit:read'],
    })
    const other = await addToken(server)
    await submit(other.token)
    const entries = await until(async () => {
      const { data } = await graphql<{ auditEntries: { nodes: object[] } }>(server, query, {}, other.token)
      return data!.auditEntries.nodes.length > 0 && data!.auditEntries.nodes
    })
    expect(entries).toEqual([{ seq: 1, accountId: other.accountId }])
  })
})

interface Page {
  readonly nodes: { seq: number }[]
  readonly pageInfo: { readonly endCursor: string; readonly hasNextPage: boolean }
}
