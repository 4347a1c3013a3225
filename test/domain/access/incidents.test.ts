import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { IncidentWindows } from '#lib/incident-windows.ts'
import { auditEntries, auditEntriesOnce } from '#test/support/audit.ts'
import { toldEvents } from '#test/support/events.ts'
import { graphql, graphqlData } from '#test/support/graphql.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'
import { addToken, ownAccount } from '#test/support/tokens.ts'
import { until } from '#test/support/until.ts'
import { openSocket } from '#test/support/websocket.ts'

let server: TestServer
/** Another process of the same installation. */
let neighbour: TestServer
let accountId: string
beforeAll(async () => {
  server = await startTestServer({ env: { LOG_LEVEL: 'silent' } })
  neighbour = await startTestServer({ database: server.database, env: { LOG_LEVEL: 'silent', ROLES: 'api' } })
  accountId = await ownAccount(server)
})
afterAll(async () => {
  await neighbour.close()
  await server.close()
})

const newToken = (...scopes: string[]) => addToken(server, { accountId, scopes })
const users = '{ users { nodes { id } } }'
const submit = 'mutation Submit { submitTask(input: { type: "probe", input: { durationMs: 0 } }) { __typename } }'

describe('a refusal', () => {
  it('is in the audit log, with what would have been enough', async () => {
    const { token, id } = await newToken('tasks:read')
    await graphql(server, submit, {}, token)
    const [entry] = await auditEntriesOnce(server, { token: id })
    expect(entry).toMatchObject({
      type: 'auth.refused',
      outcome: 'REFUSED',
      subject: `token:${id}`,
      actor: { kind: 'application', id },
      operation: { name: 'Submit' },
      data: { sufficientScopes: ['tasks:write', 'tasks:admin'], resource: 'probe' },
    })
  })

  it('is there, too, when somebody would give away what they don’t have', async () => {
    const { token, id } = await newToken('access:admin')
    await graphql(
      server,
      'mutation { createApplicationToken(input: { name: "x", scopes: ["audit:read"] }) { __typename } }',
      {},
      token,
    )
    const [entry] = await auditEntriesOnce(server, { token: id, outcomes: ['REFUSED'] })
    expect(entry?.data).toEqual({ sufficientScopes: ['audit:read'] })
  })

  it('is one line for many that are alike, and tells once that there are many, whatever process they came to', async () => {
    const { token, id } = await newToken('tasks:read')
    for (let count = 0; count < 9; count += 1) await graphql(server, users, {}, token)
    await auditEntriesOnce(server, { token: id })
    const repeatedly = () => auditEntries(server, { token: id, types: ['auth.refused_repeatedly'] })
    const counted = () =>
      server.database.query<{ count: number }>('SELECT count FROM refusal_count WHERE credential_id = $1', [id])
    await until(async () => (await counted())[0]?.count === 9)
    expect(await repeatedly()).toEqual([])
    for (let count = 0; count < 5; count += 1) await graphql(neighbour, users, {}, token)
    const [entry] = await auditEntriesOnce(server, { token: id, types: ['auth.refused_repeatedly'] })
    expect(entry).toMatchObject({ outcome: 'REFUSED', subject: `token:${id}`, actor: { id } })
    expect(Number(entry?.data['count'])).toBeGreaterThanOrEqual(10)
    await graphql(server, users, {}, token)
    await until(async () => (await counted())[0]?.count === 15)
    expect(await repeatedly()).toHaveLength(1)
    // One line from each process; the rest is counted and told at the minute's end.
    expect(await auditEntries(server, { token: id, types: ['auth.refused'] })).toHaveLength(2)
    // In the next window it is reported again.
    await server.database.query(
      "UPDATE refusal_count SET since = now() - interval '6 minutes' WHERE credential_id = $1",
      [id],
    )
    for (let count = 0; count < 10; count += 1) await graphql(server, users, {}, token)
    await auditEntriesOnce(server, { token: id, types: ['auth.refused_repeatedly'] }, 2)
  })

  it('that could not be written down is, once that is possible again', async () => {
    const { token, id } = await newToken('tasks:read')
    // A sequence counts what was tried, though it is rolled back.
    await server.database.query(`
      CREATE SEQUENCE tried;
      CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN PERFORM nextval('tried'); RAISE EXCEPTION 'not now'; END $$;
      CREATE TRIGGER failing BEFORE INSERT ON refusal_count FOR EACH ROW EXECUTE FUNCTION fail()`)
    for (let count = 0; count < 10; count += 1) await graphql(server, users, {}, token)
    await until(async () => {
      const [row] = await server.database.query<{ tries: number }>('SELECT last_value::int AS tries FROM tried')
      return row!.tries >= 2
    })
    expect(await auditEntries(server, { token: id })).toEqual([])
    await server.database.query('DROP TRIGGER failing ON refusal_count')
    const entries = await auditEntriesOnce(server, { token: id }, 2)
    expect(entries.map(({ type }) => type)).toEqual(['auth.refused_repeatedly', 'auth.refused'])
  })

  it('is an event for those who ask for it, and no news otherwise', async () => {
    const { token, id } = await newToken('tasks:read')
    await graphql(server, users, {}, token)
    await toldEvents(server, ['auth.refused'], ({ actor }) => actor.id === id)
    const { events } = await graphqlData<{ events: { nodes: { type: string; actor: { id: string } }[] } }>(
      server,
      '{ events(first: 200) { nodes { type actor { id } } } }',
    )
    expect(events.nodes.filter(({ actor }) => actor.id === id)).toEqual([])
  })
})

describe('an attempt of somebody unknown', () => {
  const attempts = (where: object = {}) => auditEntries(server, { types: ['auth.attempt_failed'], ...where })

  /** Once an attempt of this request is in the log. */
  async function attemptOf(requestId: string) {
    const [entry] = await auditEntriesOnce(server, { requestId, types: ['auth.attempt_failed'] })
    return entry
  }

  it('is in the operator’s log, by its address, without what was shown', async () => {
    const as = { headers: { authorization: 'Bearer not-a-token-0123', 'x-request-id': 'stranger-1' } }
    expect((await fetch(`${server.url}/api/tasks`, as)).status).toBe(401)
    const entry = await attemptOf('stranger-1')
    expect(entry).toMatchObject({
      outcome: 'FAILED',
      actor: { kind: 'system', id: 'anonymous' },
      subject: expect.stringMatching(/^address:.*127\.0\.0\.1$/),
      credential: null,
      data: { method: 'token', reason: 'UNAUTHENTICATED' },
    })
    expect(JSON.stringify(entry)).not.toContain('not-a-token-0123')
  })

  it('is a line each for what differs, and one for all that is alike', async () => {
    const count = (await attempts()).length
    for (let again = 0; again < 20; again += 1)
      await fetch(`${server.url}/api/tasks`, { headers: { authorization: `Bearer wrong-${again}` } })
    const socket = await openSocket(server)
    socket.send({ type: 'connection_init', payload: { token: 'wrong' } })
    await socket.closed
    await fetch(`${server.url}/api/tasks`, { headers: { 'x-request-id': 'stranger-2' } })
    expect((await attemptOf('stranger-2'))?.data).toMatchObject({ method: 'none' })
    expect((await attempts()).length).toBe(count + 1)
  })

  it.each([
    ['password', 'POST', '/api/auth/admin/login', { email: 'nobody@example.com', password: 'my-secret-password' }],
    ['refresh', 'POST', '/api/auth/refresh', { refresh_token: 'sbr_not-a-refresh-token' }],
  ])('names the %s that did not prove it, not what it was', async (method, verb, path, body) => {
    const requestId = `stranger-${method}`
    await fetch(`${server.url}${path}`, {
      method: verb,
      headers: { 'content-type': 'application/json', 'x-request-id': requestId },
      body: JSON.stringify(body),
    })
    const entry = await attemptOf(requestId)
    expect(entry?.data).toMatchObject({ method, reason: 'UNAUTHENTICATED' })
    for (const value of Object.values(body)) expect(JSON.stringify(entry)).not.toContain(value)
  })

  it('with an expired token is reported to its account', async () => {
    // A process of its own: the shared one has reported such attempts from this address within this minute.
    const fresh = await startTestServer({ database: server.database, env: { LOG_LEVEL: 'silent', ROLES: 'api' } })
    const other = await addToken(server)
    const old = await addToken(server, { accountId: other.accountId })
    await server.database.query('UPDATE application_token SET revoked_at = now() WHERE id = $1', [old.id])
    await graphql(fresh, '{ viewer { id } }', {}, old.token)
    const as = { url: server.url, token: other.token }
    const [entry] = await auditEntriesOnce(as, { types: ['auth.attempt_failed'] })
    expect(entry?.data).toEqual({
      method: 'token',
      reason: 'UNAUTHENTICATED',
      token: { id: old.id, name: 'other', ended: 'REVOKED' },
    })
    // Of a rotated token it is said that it was rotated, and to which one; it isn't lost among other wrong tokens.
    const rotate = `mutation ($id: ID!) { rotateApplicationToken(input: { id: $id }) {
      ... on RotateApplicationTokenPayload { applicationToken { id } } } }`
    const rotated = await addToken(server, { accountId: other.accountId })
    const { rotateApplicationToken: result } = await graphqlData<{
      rotateApplicationToken: { applicationToken: { id: string } }
    }>(as, rotate, { id: rotated.id })
    const refused = await fetch(`${fresh.url}/api/tasks`, { headers: { authorization: `Bearer ${rotated.token}` } })
    expect(await refused.json()).toMatchObject({ message: expect.stringContaining('This token was rotated') })
    const [reuse] = await auditEntriesOnce(as, { types: ['auth.attempt_failed'] }, 2)
    expect(reuse?.data['token']).toEqual({
      id: rotated.id,
      name: 'other',
      ended: 'ROTATED',
      successor: result.applicationToken.id,
    })
    await fresh.close()
  })
})

describe('a person’s password', () => {
  const email = 'guessed@example.com'
  const password = 'the right password'
  const signIn = (with_: string) =>
    graphql<{ signIn: { accessToken: string } }>(
      server,
      'mutation ($with: String!) { signIn(input: { email: "guessed@example.com", password: $with }) { ... on SignInPayload { accessToken } } }',
      { with: with_ },
    )
  const failures = () => auditEntries(server, { actor: email, types: ['auth.user_sign_in_failed'] })

  it('that is guessed, also by somebody signed in as them, is reported to their account', async () => {
    await graphqlData(
      server,
      `mutation { createUser(input: { email: "${email}" }) { __typename }
         setPassword(input: { who: "${email}", password: "${password}" }) { __typename } }`,
    )
    await signIn('a wrong password')
    const { data } = await signIn(password)
    await graphql(
      server,
      `mutation { setPassword(input: { who: "${email}", password: "another password", presentPassword: "guess" }) { __typename } }`,
      {},
      data!.signIn.accessToken,
    )
    const told = await until(async () => (await failures()).length === 2 && (await failures()))
    expect(told.map(({ outcome, credential }) => [outcome, credential?.kind])).toEqual([
      ['FAILED', 'session'],
      ['FAILED', 'session'],
    ])
    expect(told[0]?.credential?.id).not.toBe('none')
    expect(JSON.stringify(told)).not.toMatch(/guess"|wrong password/)
  })

  it('that is guessed too often is reported to the operator', async () => {
    for (let attempt = 0; attempt < 11; attempt += 1) await signIn('a wrong password')
    const entries = await until(async () => {
      const found = await auditEntries(server, { types: ['auth.attempt_failed'] })
      return found.some(({ data }) => data['reason'] === 'RATE_LIMITED') && found
    })
    expect(entries.find(({ data }) => data['reason'] === 'RATE_LIMITED')?.data['method']).toBe('password')
  })
})

describe('incidents in a minute', () => {
  const minute = 60_000

  it('are reported at most ten times for each caller, and the others counted at its end', () => {
    const windows = new IncidentWindows<number>(100)
    for (let index = 0; index < 1_000; index += 1) windows.add('a', `key ${index}`, index, 0)
    windows.add('b', 'key', -1, 0)
    expect(windows.take(0).map(({ incident }) => incident)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, -1])
    expect(windows.take(minute - 1)).toEqual([])
    expect(windows.take(minute)).toEqual([{ incident: 999, suppressed: 990 }])
    windows.add('a', 'key', 7, minute)
    expect(windows.take(minute)).toEqual([{ incident: 7, suppressed: 0 }])
  })

  it('are bounded however many callers there are', () => {
    const windows = new IncidentWindows<string>(20)
    for (let caller = 0; caller < 100_000; caller += 1) windows.add(`caller ${caller}`, 'key', `${caller}`, 0)
    const told = [...windows.take(0), ...windows.take(minute)]
    expect(told).toHaveLength(22)
    expect(told.at(-1)).toEqual({ incident: '99999', suppressed: 99_979 })
  })
})

describe('a token that is used far more than usual', () => {
  // What is counted by the hour must not fall into two.
  beforeAll(() => until(() => Date.now() % 3_600_000 < 3_540_000, 90_000), 100_000)

  async function hours(id: string, ...calls: number[]): Promise<void> {
    for (const [index, count] of calls.entries())
      await server.database.query(
        `INSERT INTO token_hour (account_id, token_id, hour, calls)
         VALUES ($1, $2, date_trunc('hour', now(), 'UTC') - $3 * interval '1 hour', $4)
         ON CONFLICT (account_id, token_id, hour) DO UPDATE SET calls = EXCLUDED.calls`,
        [accountId, id, index, count],
      )
  }
  const told = (id: string) => auditEntries(server, { subject: `token:${id}`, types: ['auth.token_used_unusually'] })
  const callsOf = async (id: string) => {
    const rows = await server.database.query<{ calls: number }>(
      'SELECT calls::int AS calls FROM token_hour WHERE token_id = $1 ORDER BY hour DESC LIMIT 1',
      [id],
    )
    return rows[0]?.calls
  }

  it('is reported once in that hour', async () => {
    const { token, id } = await newToken('tasks:read')
    await hours(id, 1_000, 90, 100, 110)
    await graphql(server, users, {}, token)
    const [entry] = await auditEntriesOnce(server, { subject: `token:${id}`, types: ['auth.token_used_unusually'] })
    expect(entry?.data).toEqual({ name: 'other', calls: 1_001, usualCalls: 100 })
    await graphql(server, users, {}, token)
    await until(async () => (await callsOf(id)) === 1_002)
    expect(await told(id)).toHaveLength(1)
  })

  it.each([
    ['it has always been used that much', [1_000, 900, 1_000, 1_100]],
    ['it is little all the same', [900, 1, 1, 1]],
    ['it is too new for anything to be usual', [5_000, 1, 1]],
  ])('is not reported when %s', async (_why, calls) => {
    const { token, id } = await newToken('tasks:read')
    await hours(id, ...calls)
    await graphql(server, users, {}, token)
    await until(async () => (await callsOf(id)) === calls[0]! + 1)
    expect(await told(id)).toEqual([])
  })
})

describe('the first token', () => {
  it('is the log’s first entry', async () => {
    const [entry] = await auditEntries(server, {}, 'OLDEST_FIRST')
    const [owner] = await server.database.query<{ id: string }>('SELECT id FROM application_token WHERE hash = $1', [
      createHash('sha256').update(server.token).digest(),
    ])
    expect(entry).toMatchObject({
      seq: 1,
      type: 'auth.token_created',
      subject: `token:${owner!.id}`,
      actor: { kind: 'system', id: 'bootstrap' },
    })
  })
})
