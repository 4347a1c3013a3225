import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isTokenText, newToken } from '#domain/access/tokens/token.ts'
import { graphql, graphqlData } from '#test/support/graphql.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'
import { addToken, ownAccount } from '#test/support/tokens.ts'
import { until } from '#test/support/until.ts'
import { connectSocket } from '#test/support/websocket.ts'

let server: TestServer
/** Another process of the same installation. */
let neighbour: TestServer
beforeAll(async () => {
  server = await startTestServer({ env: { LOG_LEVEL: 'silent' } })
  neighbour = await startTestServer({ database: server.database, env: { LOG_LEVEL: 'silent', ROLES: 'api' } })
})
afterAll(async () => {
  await neighbour.close()
  await server.close()
})

interface Token {
  readonly id: string
  readonly name: string
  readonly scopes: readonly string[]
  readonly status: string
  readonly createdAt: string
  readonly expiresAt: string
  readonly successorId: string | null
  readonly endReason: string | null
}
interface Outcome {
  readonly token?: string
  readonly applicationToken?: Token
  readonly code?: string
  readonly message?: string
  readonly issues?: { path: string; message: string }[]
  readonly scopes?: string[]
}

const fields = `
  ... on Failure { code message }
  ... on InvalidInput { issues { path message } }`
const tokenFields = 'applicationToken { id name scopes status createdAt expiresAt successorId endReason }'

async function create(input: object, as = server.token): Promise<Outcome> {
  const query = `mutation Make($input: CreateApplicationTokenInput!) { outcome: createApplicationToken(input: $input) {
    ... on CreateApplicationTokenPayload { token ${tokenFields} } ${fields} ... on ScopeNotHeld { scopes } } }`
  return outcomeOf(await graphql<{ outcome: Outcome }>(server, query, { input }, as))
}

async function rotate(input: object, as = server.token): Promise<Outcome> {
  const query = `mutation($input: RotateApplicationTokenInput!) { outcome: rotateApplicationToken(input: $input) {
    ... on RotateApplicationTokenPayload { token ${tokenFields} } ${fields} } }`
  return outcomeOf(await graphql<{ outcome: Outcome }>(server, query, { input }, as))
}

async function revoke(input: object, as = server.token): Promise<Outcome> {
  const query = `mutation($input: RevokeApplicationTokenInput!) { outcome: revokeApplicationToken(input: $input) {
    ... on RevokeApplicationTokenPayload { ${tokenFields} } ${fields} } }`
  return outcomeOf(await graphql<{ outcome: Outcome }>(server, query, { input }, as))
}

function outcomeOf(answer: Awaited<ReturnType<typeof graphql<{ outcome: Outcome }>>>): Outcome {
  const [error] = answer.errors ?? []
  if (error !== undefined) return { code: String(error.extensions?.['code']), message: error.message }
  return answer.data?.outcome ?? {}
}

/** A token that works, with these scopes. */
async function made(scopes: string[], more: object = {}): Promise<{ token: string; id: string }> {
  const { token, applicationToken, message } = await create({ name: 'a tool', scopes, ...more })
  if (token === undefined || applicationToken === undefined) throw new Error(`not made: ${message}`)
  return { token, id: applicationToken.id }
}

/** What a token gets at one of the servers: its own name, or the code of the refusal. */
async function tried(token: string, at = server): Promise<string> {
  const { data, errors } = await graphql<{ viewer: { name: string } }>(at, '{ viewer { name } }', {}, token)
  return data?.viewer.name ?? String(errors?.[0]?.extensions?.['code'])
}

const dayMs = 86_400_000

describe('the text of a token', () => {
  it('is known by its form and checksum', () => {
    for (let count = 0; count < 200; count += 1) {
      const token = newToken()
      expect(token).toMatch(/^sbx_[0-9A-Za-z]{46}$/)
      expect(isTokenText(token)).toBe(true)
      const at = 4 + Math.floor(Math.random() * 46)
      const other = token[at] === 'x' ? 'y' : 'x'
      expect(isTokenText(token.slice(0, at) + other + token.slice(at + 1))).toBe(false)
    }
  })

  it('is not any text', () => {
    for (const text of ['', 'sbx_', `sbx_${'a'.repeat(46)}`, `${newToken()}x`, ` ${newToken()}`])
      expect(isTokenText(text)).toBe(false)
  })
})

describe('making a token', () => {
  it('shows it once, and keeps nothing that it could be made from', async () => {
    const { token = '', applicationToken } = await create({ name: ' a tool ', scopes: ['tasks:read', 'tasks:read'] })
    expect(isTokenText(token)).toBe(true)
    expect(applicationToken).toMatchObject({ name: 'a tool', scopes: ['tasks:read'], status: 'ACTIVE' })
    expect(await tried(token)).toBe('a tool')
    const [row] = await server.database.query('SELECT to_jsonb(t) AS row FROM application_token t WHERE id = $1', [
      applicationToken?.id,
    ])
    expect(JSON.stringify(row)).not.toContain(token.slice(4, 44))
  })

  it('lets it last 30 days, or as many as are asked for', async () => {
    for (const [expiresInDays, days] of [
      [undefined, 30],
      [1, 1],
      [365, 365],
    ]) {
      const { applicationToken } = await create({ name: 'days', scopes: ['tasks:read'], expiresInDays })
      const { createdAt, expiresAt } = applicationToken as Token
      expect((Date.parse(expiresAt) - Date.parse(createdAt)) / dayMs).toBeCloseTo(days as number, 3)
    }
  })

  it.each([0, -1, 366])('refuses %s days', async (expiresInDays) => {
    const { code, issues } = await create({ name: 'days', scopes: ['tasks:read'], expiresInDays })
    expect(code).toBe('INVALID_INPUT')
    expect(issues).toEqual([{ path: 'expiresInDays', message: 'must be 1 to 365 days' }])
  })

  it('goes by the account’s policy where there is one', async () => {
    const account = await ownAccount(server)
    await server.database.query('UPDATE account SET longest_token_days = 7 WHERE id = $1', [account])
    try {
      expect(await create({ name: 'days', scopes: ['tasks:read'], expiresInDays: 8 })).toMatchObject({
        issues: [{ message: 'must be 1 to 7 days' }],
      })
      const { applicationToken } = await create({ name: 'days', scopes: ['tasks:read'] })
      expect(Date.parse((applicationToken as Token).expiresAt) - Date.now()).toBeLessThanOrEqual(7 * dayMs)
    } finally {
      await server.database.query('UPDATE account SET longest_token_days = NULL WHERE id = $1', [account])
    }
  })

  it.each([
    [{ name: '', scopes: ['tasks:read'] }, 'name'],
    [{ name: 'x'.repeat(101), scopes: ['tasks:read'] }, 'name'],
    [{ name: 'x', scopes: [] }, 'scopes'],
    [{ name: 'x', scopes: ['tasks:read', 'tasks:fly'] }, 'scopes.1'],
    [{ name: 'x', scopes: ['*'] }, 'scopes.0'],
    [{ name: 'x', scopes: ['tasks:write:type=a*b'] }, 'scopes.0'],
  ])('refuses %j', async (input, path) => {
    const { code, issues } = await create(input)
    expect([code, issues?.[0]?.path]).toEqual(['INVALID_INPUT', path])
  })

  it('grants only what its creator has', async () => {
    const { token } = await made(['access:admin', 'tasks:write:type=deploy.*'])
    expect(await create({ name: 'x', scopes: ['tasks:read:type=deploy.*'] }, token)).toHaveProperty('token')
    const { code, scopes } = await create({ name: 'x', scopes: ['tasks:write', 'events:read', 'access:admin'] }, token)
    expect([code, scopes]).toEqual(['SCOPE_NOT_HELD', ['tasks:write', 'events:read']])
  })

  it('needs access:admin', async () => {
    const { token } = await made(['tasks:admin'])
    expect(await create({ name: 'x', scopes: ['tasks:read'] }, token)).toEqual({
      code: 'FORBIDDEN',
      message: 'This needs the scope access:admin.',
    })
  })
})

describe('a token', () => {
  it.each([
    ['one character less', (token: string) => token.slice(0, -1)],
    ['one character more', (token: string) => `${token}0`],
    ['another one of the same form', () => newToken()],
    ['something else', () => randomBytes(20).toString('hex')],
    ['very long', () => 'x'.repeat(10_000)],
  ])('is not accepted: %s', async (_what, change) => {
    const { token } = await made(['tasks:read'])
    expect(await tried(change(token))).toBe('UNAUTHENTICATED')
  })

  it('ends at its time, with what is under way', async () => {
    const { token, id } = await made(['tasks:read', 'events:read'])
    await server.database.query(
      "UPDATE application_token SET expires_at = now() + interval '2 seconds' WHERE id = $1",
      [id],
    )
    const socket = await connectSocket(neighbour, { token })
    expect((await socket.closed).code).toBe(4403)
    expect(await tried(token)).toBe('UNAUTHENTICATED')
    expect(await statusOf(id)).toBe('EXPIRED')
  })

  it('is not renewed, and can’t be rotated once it has expired', async () => {
    const { id } = await made(['tasks:read'])
    await server.database.query("UPDATE application_token SET expires_at = now() - interval '1 second' WHERE id = $1", [
      id,
    ])
    expect(await rotate({ id })).toMatchObject({ code: 'TOKEN_ENDED' })
  })

  it('is reported once it has expired', async () => {
    const { id } = await made(['tasks:read'])
    await server.database.query("UPDATE application_token SET expires_at = now() - interval '1 second' WHERE id = $1", [
      id,
    ])
    const events = await until(async () => {
      const found = await eventsOf(id)
      return found.includes('auth.token_expired') && found
    })
    expect(events.filter((type) => type === 'auth.token_expired')).toHaveLength(1)
  })

  it('shows when, from where and how often it was used', async () => {
    const { token, id } = await made(['tasks:read'])
    for (let count = 0; count < 3; count += 1) await tried(token)
    const use = await until(async () => {
      const query = '{ applicationToken(id: "ID") { calls lastUsedAt lastUsedAddress lastUsedAgent } }'
      const { applicationToken } = await graphqlData<{
        applicationToken: { calls: number; lastUsedAt: string | null }
      }>(server, query.replace('ID', id))
      return applicationToken.calls >= 3 && applicationToken
    })
    expect(use).toMatchObject({
      calls: 3,
      lastUsedAddress: expect.stringMatching(/127\.0\.0\.1$/),
      lastUsedAgent: 'node',
    })
    expect(await eventsOf(id)).not.toContain('auth.token_used_from_new_address')
  })

  it('is reported when it is used from a new address', async () => {
    const { token, id } = await made(['tasks:read'])
    await server.database.query("UPDATE application_token SET addresses = '{203.0.113.7}' WHERE id = $1", [id])
    await tried(token)
    await until(async () => (await eventsOf(id)).includes('auth.token_used_from_new_address'))
  })
})

describe('revoking a token', () => {
  it('ends it at once, on every process, with its connections', async () => {
    const { token, id } = await made(['tasks:read', 'events:read'])
    const here = await connectSocket(server, { token })
    const there = await connectSocket(neighbour, { token })
    there.subscribe('1', 'subscription { events { type } }')
    const stream = await fetch(`${neighbour.url}/graphql?query=subscription{events{type}}`, {
      headers: { authorization: `Bearer ${token}`, accept: 'text/event-stream' },
    })
    expect(await revoke({ id, reason: 'lost' })).toMatchObject({
      applicationToken: { status: 'REVOKED', endReason: 'lost' },
    })
    expect((await here.closed).code).toBe(4403)
    expect((await there.closed).code).toBe(4403)
    // The connection is cut: an end in order would look as if there were no more events.
    await expect(stream.text()).rejects.toThrow()
    expect(await tried(token)).toBe('UNAUTHENTICATED')
    expect(await tried(token, neighbour)).toBe('UNAUTHENTICATED')
  })

  it('takes the token itself in the place of its id', async () => {
    const { token } = await made(['tasks:read'])
    expect(await revoke({ id: token })).toMatchObject({ applicationToken: { status: 'REVOKED' } })
  })

  it('happens once', async () => {
    const { id } = await made(['tasks:read'])
    await revoke({ id })
    expect(await revoke({ id })).toMatchObject({ code: 'TOKEN_ENDED' })
    const events = await until(async () => {
      const found = await eventsOf(id)
      return found.includes('auth.token_revoked') && found
    })
    expect(events.filter((type) => type === 'auth.token_revoked')).toHaveLength(1)
  })

  it('does not reach into another account, nor repeats what may be a token', async () => {
    const { id, token } = await addToken(server)
    expect(await revoke({ id })).toMatchObject({ code: 'NOT_FOUND' })
    const { code, message } = await revoke({ id: token })
    expect(code).toBe('NOT_FOUND')
    expect(message).not.toContain(token)
    expect(await tried(token)).toBe('other')
  })
})

describe('rotating a token', () => {
  it('makes a successor and ends the old one at once', async () => {
    const old = await made(['tasks:read', 'documents:write:releases/**'])
    const { token = '', applicationToken } = await rotate({ id: old.id })
    expect(applicationToken).toMatchObject({ name: 'a tool', scopes: ['tasks:read', 'documents:write:releases/**'] })
    expect(await tried(token)).toBe('a tool')
    expect(await tried(old.token)).toBe('UNAUTHENTICATED')
    const listed = await list()
    expect(listed.find(({ id }) => id === old.id)).toMatchObject({
      status: 'REVOKED',
      endReason: 'rotated',
      successorId: applicationToken?.id,
    })
  })

  it('lets the old one work during the overlap, and no longer', async () => {
    const old = await made(['tasks:read'])
    const socket = await connectSocket(neighbour, { token: old.token })
    const { token = '' } = await rotate({ id: old.id, overlapMs: 1_500 })
    expect(await tried(old.token)).toBe('a tool')
    expect((await socket.closed).code).toBe(4403)
    expect(await tried(old.token)).toBe('UNAUTHENTICATED')
    expect(await tried(token)).toBe('a tool')
  })

  it('never lets the old one live longer than it would have', async () => {
    const old = await made(['tasks:read'], { expiresInDays: 1 })
    const before = (await list()).find(({ id }) => id === old.id)
    await rotate({ id: old.id, overlapMs: 7 * dayMs })
    expect((await list()).find(({ id }) => id === old.id)?.expiresAt).toBe(before?.expiresAt)
  })

  it.each([-1, 7 * dayMs + 1])('refuses an overlap of %s ms', async (overlapMs) => {
    const { id } = await made(['tasks:read'])
    expect(await rotate({ id, overlapMs })).toMatchObject({ code: 'INVALID_INPUT' })
  })

  it('is refused for one that was revoked, or is not there', async () => {
    const { id } = await made(['tasks:read'])
    await revoke({ id })
    expect(await rotate({ id })).toMatchObject({ code: 'TOKEN_ENDED' })
    expect(await rotate({ id: '019ab000-0000-7000-8000-000000000000' })).toMatchObject({ code: 'NOT_FOUND' })
  })
})

describe('a token that rotates itself', () => {
  /** A token without access:admin that expires in so many days. */
  const expiring = async (days: number) => {
    const token = await made(['tasks:read', 'events:read'], { expiresInDays: days })
    return { ...token, expiresAt: (await find(token.id))?.expiresAt ?? '' }
  }

  it('keeps its end, however often it does so', async () => {
    const first = await expiring(3)
    let { token, id } = first
    for (let count = 0; count < 3; count += 1) {
      const next = await rotate({ id }, token)
      expect(next.applicationToken?.expiresAt).toBe(first.expiresAt)
      token = next.token ?? ''
      id = next.applicationToken?.id ?? ''
    }
    const earlier = await rotate({ id, expiresInDays: 1 }, token)
    expect(Date.parse(earlier.applicationToken?.expiresAt ?? '')).toBeLessThan(Date.parse(first.expiresAt))
  })

  it('can’t ask for a later end', async () => {
    const { token, id, expiresAt } = await expiring(3)
    const { code, issues } = await rotate({ id, expiresInDays: 4 }, token)
    expect([code, issues?.[0]?.path]).toEqual(['INVALID_INPUT', 'expiresInDays'])
    expect(issues?.[0]?.message).toContain(expiresAt)
    expect(await tried(token)).toBe('a tool')
  })

  it('keeps the end that it had before the overlap', async () => {
    const { token, id, expiresAt } = await expiring(3)
    const { applicationToken } = await rotate({ id, overlapMs: 60_000 }, token)
    expect(applicationToken?.expiresAt).toBe(expiresAt)
  })

  it('gets a new lifetime from a caller with access:admin', async () => {
    const { id, expiresAt } = await expiring(3)
    const { applicationToken } = await rotate({ id, expiresInDays: 90 })
    expect(Date.parse(applicationToken?.expiresAt ?? '')).toBeGreaterThan(Date.parse(expiresAt))
    const admin = await made(['access:admin', 'tasks:read'], { expiresInDays: 1 })
    const renewed = await rotate({ id: admin.id, expiresInDays: 90 }, admin.token)
    expect(Date.parse(renewed.applicationToken?.expiresAt ?? '')).toBeGreaterThan(Date.now() + 80 * dayMs)
  })

  it('ends its whole line when it does so again, since somebody has a copy', async () => {
    const old = await expiring(3)
    const socket = await connectSocket(neighbour, { token: old.token })
    const next = await rotate({ id: old.id, overlapMs: 600_000 }, old.token)
    const last = await rotate({ id: next.applicationToken?.id, overlapMs: 600_000 }, next.token)
    const other = await expiring(3)
    expect(await rotate({ id: old.token }, old.token)).toMatchObject({ code: 'TOKEN_ENDED' })
    for (const token of [old.token, next.token ?? '', last.token ?? ''])
      await until(async () => (await tried(token)) === 'UNAUTHENTICATED')
    expect((await socket.closed).code).toBe(4403)
    expect(await find(last.applicationToken?.id ?? '')).toMatchObject({
      status: 'REVOKED',
      endReason: 'rotated token used again',
    })
    expect(await tried(other.token)).toBe('a tool')
    expect(await eventsOf(old.id)).toEqual(expect.arrayContaining(['auth.token_reused', 'auth.token_revoked']))
  })

  it('may repeat a request under its key', async () => {
    const old = await expiring(3)
    const input = { id: old.id, overlapMs: 600_000, idempotencyKey: 'again' }
    const next = await rotate(input, old.token)
    expect(await rotate(input, old.token)).toMatchObject({ code: 'TOKEN_SHOWN' })
    expect(await tried(next.token ?? '')).toBe('a tool')
  })

  it('is refused to others without ending anything', async () => {
    const old = await expiring(3)
    const next = await rotate({ id: old.id, overlapMs: 600_000 }, old.token)
    const { code, message } = await rotate({ id: old.id })
    expect([code, message]).toEqual(['TOKEN_ENDED', expect.stringContaining('rotate its successor')])
    expect([await tried(old.token), await tried(next.token ?? '')]).toEqual(['a tool', 'a tool'])
  })
})

describe('a token that ends itself', () => {
  it('is answered, each time, and accepted no longer', async () => {
    for (let count = 0; count < 5; count += 1) {
      const old = await made(['access:admin', 'tasks:read'])
      const socket = await connectSocket(neighbour, { token: old.token })
      const { token = '' } = await rotate({ id: old.id }, old.token)
      expect(await tried(token)).toBe('a tool')
      expect((await socket.closed).code).toBe(4403)
      expect([await tried(old.token), await tried(old.token, neighbour)]).toEqual([
        'UNAUTHENTICATED',
        'UNAUTHENTICATED',
      ])
      expect(await revoke({ id: token }, token)).toMatchObject({ applicationToken: { status: 'REVOKED' } })
      await until(async () => (await tried(token)) === 'UNAUTHENTICATED')
    }
  })
})

describe('the list of tokens', () => {
  it('is paged, newest first, by status', async () => {
    const { id } = await made(['tasks:read'])
    await revoke({ id })
    const page =
      '{ applicationTokens(first: 2, status: [REVOKED]) { nodes { id status } pageInfo { hasNextPage endCursor } } }'
    const { applicationTokens } = await graphqlData<{
      applicationTokens: { nodes: Token[]; pageInfo: { hasNextPage: boolean; endCursor: string } }
    }>(server, page)
    expect(applicationTokens.nodes[0]).toEqual({ id, status: 'REVOKED' })
    expect(applicationTokens.nodes.every(({ status }) => status === 'REVOKED')).toBe(true)
  })

  it('holds the account’s own alone', async () => {
    const { id } = await addToken(server)
    expect((await list()).map((token) => token.id)).not.toContain(id)
    expect(await statusOf(id)).toBeUndefined()
  })
})

async function list(): Promise<Token[]> {
  const { applicationTokens } = await graphqlData<{ applicationTokens: { nodes: Token[] } }>(
    server,
    '{ applicationTokens(first: 200) { nodes { id name scopes status createdAt expiresAt successorId endReason } } }',
  )
  return applicationTokens.nodes
}

async function find(id: string): Promise<Token | undefined> {
  return (await list()).find((token) => token.id === id)
}

async function statusOf(id: string): Promise<string | undefined> {
  const { applicationToken } = await graphqlData<{ applicationToken: { status: string } | null }>(
    server,
    'query($id: ID!) { applicationToken(id: $id) { status } }',
    { id },
  )
  return applicationToken?.status
}

/** The types of what happened to a token. */
async function eventsOf(id: string): Promise<string[]> {
  const { events } = await graphqlData<{ events: { nodes: { type: string }[] } }>(
    server,
    'query($subject: String!) { events(subject: $subject, types: ["auth.*"]) { nodes { type } } }',
    { subject: `token:${id}` },
  )
  return events.nodes.map(({ type }) => type)
}
