import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newToken } from '#domain/access/tokens/token.ts'
import { clientOf, makeToken, nextPage, type RestAnswer, type RestClient, signInPerson } from '#test/support/rest.ts'
import type { TestServer } from '#test/support/server.ts'
import { sharedServer } from '#test/support/shared-server.ts'
import { addToken } from '#test/support/tokens.ts'
import { until } from '#test/support/until.ts'

let server: TestServer
let rest: RestClient
beforeAll(async () => {
  server = await sharedServer()
  rest = clientOf(server)
})
afterAll(() => server.close())

interface Token {
  readonly id: string
  readonly name: string
  readonly scopes: string[]
  readonly createdAt: string
  readonly expiresAt: string
  readonly status: string
  readonly lastUsedAt: string | null
  readonly owner: string | null
}

interface Issued extends Token {
  readonly token: string
}

async function make(more: object = {}): Promise<Issued> {
  const body = { name: 'a tool', scopes: ['tasks:read'], ...more }
  const answer = await rest.ask<Issued>('POST /api/application-tokens', { body })
  expect(answer.status).toBe(201)
  return answer.body
}

/** What a token gets where it needs `tasks:read`. */
async function tried(token: string): Promise<number> {
  return (await rest.ask('GET /api/tasks?limit=1', { token })).status
}

const daysOf = ({ createdAt, expiresAt }: Token) =>
  Math.round((Date.parse(expiresAt) - Date.parse(createdAt)) / 86_400_000)

describe('POST /application-tokens', () => {
  it.each(['/api', '/sfp/api'])('answers with the token, this once, under %s', async (prefix) => {
    const body = { name: 'pipeline', scopes: ['tasks:write:type=deploy.*', 'events:read'], expiresIn: 90 }
    const made = await rest.ask<Issued>(`POST ${prefix}/application-tokens`, { body })
    expect(made.status).toBe(201)
    expect(made.headers.get('cache-control')).toBe('no-store')
    expect(made.body).toEqual({
      id: expect.any(String),
      name: 'pipeline',
      scopes: ['tasks:write:type=deploy.*', 'events:read'],
      createdAt: expect.stringMatching(/Z$/),
      expiresAt: expect.stringMatching(/Z$/),
      status: 'active',
      lastUsedAt: null,
      owner: null,
      token: expect.stringMatching(/^sbx_/),
    })
    expect(daysOf(made.body)).toBe(90)
    expect(await tried(made.body.token)).toBe(200)
  })

  it('lets one of which nothing but the name is said work for 30 days, and administer nothing', async () => {
    const { body } = await rest.ask<Issued>('POST /api/application-tokens', { body: { name: 'pipeline' } })
    expect(daysOf(body)).toBe(30)
    expect(body.scopes).toEqual(expect.arrayContaining(['tasks:write', 'documents:write', 'entries:write']))
    expect(body.scopes.filter((scope) => /:(admin|work)$/.test(scope))).toEqual([])
    const { token } = body
    expect((await rest.ask('POST /api/tasks', { token, body: { type: 'probe', data: {} } })).status).toBe(201)
    expect((await rest.ask('GET /api/application-tokens', { token })).status).toBe(403)
  })

  it.each([
    [{}, 'name'],
    [{ name: '' }, 'name'],
    [{ name: 'x', scopes: ['tasks:read', 'tasks:fly'] }, 'scopes.1'],
    [{ name: 'x', scopes: [] }, 'scopes'],
    [{ name: 'x', expiresIn: 0 }, 'expiresIn'],
    [{ name: 'x', expiresIn: 366 }, 'expiresIn'],
    [{ name: 'x', expiresIn: 1e12 }, 'expiresIn'],
    [{ name: 'x', expiresInDays: 3 }, ''],
  ])('refuses %j', async (body, path) => {
    const { status, body: problem } = await rest.ask<{ code: string; detail: string; issues: { path: string }[] }>(
      'POST /api/application-tokens',
      { body },
    )
    expect([status, problem.code, problem.issues[0]?.path]).toEqual([422, 'INVALID_INPUT', path])
    if (path) expect(problem.detail).toContain(path.split('.')[0])
  })

  it('grants only what its creator has', async () => {
    const token = await makeToken(server, ['access:admin', 'tasks:read'], 'same')
    const body = { name: 'x', scopes: ['tasks:write'] }
    expect(await rest.ask('POST /api/application-tokens', { body, token })).toMatchObject({
      status: 403,
      body: { code: 'SCOPE_NOT_HELD', detail: expect.stringContaining('tasks:write') },
    })
  })
})

describe('GET /application-tokens', () => {
  const list = (query = '', token = server.token, prefix = '/api') =>
    rest.ask<Token[]>(`GET ${prefix}/application-tokens${query}`, { token })

  it.each(['/api', '/sfp/api'])('has each with its status and last use, newest first, under %s', async (prefix) => {
    const older = await make({ name: 'older' })
    const newer = await make({ name: 'newer' })
    await tried(newer.token)
    await rest.ask(`DELETE /api/application-tokens/${older.id}`)
    const { token: _shownOnce, ...facts } = newer
    const listed = await until(async () => {
      const { status, body } = await list('?limit=200', server.token, prefix)
      expect(status).toBe(200)
      const both = body.filter(({ id }) => id === older.id || id === newer.id)
      return both[0]?.lastUsedAt != null && both
    })
    expect(listed).toEqual([
      { ...facts, lastUsedAt: expect.stringMatching(/Z$/) },
      expect.objectContaining({ id: older.id, status: 'revoked', lastUsedAt: null }),
    ])
  })

  it('pages by offset, by cursor and by links, and filters by status', async () => {
    const ids = (answer: RestAnswer<Token[]>) => answer.body.map(({ id }) => id)
    const made = []
    for (let count = 0; count < 3; count += 1) {
      const { id } = await make()
      await rest.ask(`DELETE /api/application-tokens/${id}`)
      made.unshift(id)
    }
    expect(ids(await list('?status=revoked&limit=2&offset=1'))).toEqual(made.slice(1))
    const first = await list('?status=revoked&limit=2')
    expect(ids(first)).toEqual(made.slice(0, 2))
    const next = nextPage(first)
    expect(next).toContain('status=revoked')
    expect(ids(await rest.ask<Token[]>(`GET ${next}`))[0]).toBe(made[2])
    expect(ids(await list('?status=active,expired'))).not.toContain(made[0])
    for (const query of ['?limit=0', '?limit=201', '?status=lost', '?cursor=x', '?cursor=x&offset=1'])
      expect(await list(query)).toMatchObject({ status: 400 })
  })

  it('shows nothing of another account', async () => {
    const { token, id } = await addToken(server)
    expect((await list('', token)).body.map((one) => one.id)).toEqual([id])
  })
})

describe('POST /application-tokens/{id}/rotate', () => {
  it.each(['/api', '/sfp/api'])('ends the old token at once for a successor, under %s', async (prefix) => {
    const old = await make()
    const answer = await rest.ask<Issued>(`POST ${prefix}/application-tokens/${old.id}/rotate`)
    expect(answer).toMatchObject({ status: 201, body: { name: old.name, scopes: old.scopes, status: 'active' } })
    expect([await tried(old.token), await tried(answer.body.token)]).toEqual([401, 200])
  })

  it('lets both work during the overlap', async () => {
    const old = await make()
    const body = { overlapMs: 60_000, expiresIn: 3 }
    const answer = await rest.ask<Issued>(`POST /api/application-tokens/${old.id}/rotate`, { body })
    expect(daysOf(answer.body)).toBe(3)
    expect([await tried(old.token), await tried(answer.body.token)]).toEqual([200, 200])
  })

  it('refuses what is too long, what has ended, and what is not there', async () => {
    const { id } = await make()
    const rotate = (which: string, body?: object) =>
      rest.ask(`POST /api/application-tokens/${which}/rotate`, { ...(body && { body }) })
    const issueAt = (path: string) => ({ status: 422, body: { code: 'INVALID_INPUT', issues: [{ path }] } })
    expect(await rotate(id, { overlapMs: 7 * 86_400_000 + 1 })).toMatchObject(issueAt('overlapMs'))
    expect(await rotate(id, { expiresIn: 366 })).toMatchObject(issueAt('expiresIn'))
    await rest.ask(`DELETE /api/application-tokens/${id}`)
    expect(await rotate(id)).toMatchObject({ status: 409, body: { code: 'TOKEN_ENDED' } })
    expect(await rotate(randomUUID())).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } })
  })
})

describe('DELETE /application-tokens/{token}', () => {
  const revoke = (which: string, prefix = '/api', token = server.token) =>
    rest.ask<Record<string, string>>(`DELETE ${prefix}/application-tokens/${which}`, { token })

  it.each(['/api', '/sfp/api'])('revokes by id and by the token itself, for good, under %s', async (prefix) => {
    for (const name of ['id', 'token'] as const) {
      const made = await make()
      expect(await revoke(made[name], prefix)).toMatchObject({
        status: 200,
        body: { message: expect.any(String), id: made.id, status: 'revoked' },
      })
      expect(await tried(made.token)).toBe(401)
      expect(await revoke(made[name], prefix)).toMatchObject({ status: 409, body: { code: 'TOKEN_ENDED' } })
    }
  })

  it('keeps the reason', async () => {
    const { id } = await make()
    await rest.ask(`DELETE /api/application-tokens/${id}?reason=lost`)
    const [row] = await server.database.query('SELECT end_reason FROM application_token WHERE id = $1', [id])
    expect(row).toEqual({ end_reason: 'lost' })
    expect(await rest.ask(`DELETE /api/application-tokens/${id}?reason=${'x'.repeat(501)}`)).toMatchObject({
      status: 400,
    })
  })

  it('does not find another account’s, and never repeats what may be a token', async () => {
    const foreign = await addToken(server)
    for (const which of [foreign.id, foreign.token, newToken(), ':token']) {
      const { status, body } = await revoke(which)
      expect([status, body['code']]).toEqual([404, 'NOT_FOUND'])
      if (which !== foreign.id) expect(JSON.stringify(body)).not.toContain(which)
    }
    for (const call of ['GET', 'PUT']) {
      const { status, body } = await rest.ask(`${call} /api/application-tokens/${foreign.token}`)
      expect(status).toBe(405)
      expect(JSON.stringify(body)).not.toContain(foreign.token)
    }
    expect((await revoke(foreign.id, '/api', foreign.token)).status).toBe(200)
  })
})

describe('application tokens', () => {
  it.each([
    'GET /api/application-tokens',
    'POST /api/application-tokens',
    'DELETE /api/application-tokens/x',
    'POST /api/application-tokens/x/rotate',
  ])('are for who administers access: %s', async (call) => {
    const options = call.endsWith('-tokens') && call.startsWith('POST') ? { body: { name: 'x' } } : {}
    expect((await rest.ask(call, { ...options, token: null })).status).toBe(401)
    const token = await makeToken(server, ['tasks:admin', 'audit:read'], 'same')
    expect(await rest.ask(call, { ...options, token })).toMatchObject({
      status: 403,
      body: { code: 'FORBIDDEN', detail: 'This needs the scope access:admin.' },
    })
    // People have personal tokens without it.
    if (call.endsWith('-tokens')) return
    const member = await signInPerson(server, 'MEMBER')
    expect(await rest.ask(call, { ...options, token: member.token })).toMatchObject({
      status: 403,
      body: { code: 'FORBIDDEN', message: 'Forbidden - Requires role: owner' },
    })
  })

  it('can be created by an owner who is a person', async () => {
    const { token } = await signInPerson(server, 'OWNER')
    const body = { name: 'mine' }
    expect((await rest.ask('POST /api/application-tokens', { body, token })).status).toBe(201)
  })
})
