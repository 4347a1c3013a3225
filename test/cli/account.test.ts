import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { accountTables, deleteAccount } from '#domain/access/account-deletion.ts'
import { systemClock } from '#lib/clock.ts'
import { createTransact } from '#platform/database/transaction.ts'
import { auditEntriesOnce } from '#test/support/audit.ts'
import { run } from '#test/support/command-line.ts'
import { graphql, graphqlData } from '#test/support/graphql.ts'
import { password } from '#test/support/people.ts'
import {
  createTestDatabase,
  secretKey,
  startTestServer,
  type TestDatabase,
  type TestServer,
} from '#test/support/server.ts'
import { until } from '#test/support/until.ts'
import { createWebhook, loopbackAllowed, trigger } from '#test/support/webhooks.ts'

let database: TestDatabase
let server: TestServer
let dataDir: string
beforeAll(async () => {
  database = await createTestDatabase()
  dataDir = await mkdtemp(join(tmpdir(), 'signalbox-account-'))
  server = await startTestServer({ database, env: loopbackAllowed })
})
afterAll(async () => {
  await server.close()
  await database.drop()
  await rm(dataDir, { recursive: true, force: true })
})

const account = (...args: string[]) =>
  run(['account', ...args], { env: { DATABASE_URL: database.url, DATA_DIR: dataDir, SECRET_KEY: secretKey } })

interface Answer {
  readonly account: { readonly id: string; readonly name: string }
  readonly ownerToken: string
}

async function create(name: string): Promise<Answer> {
  const { code, stdout, stderr } = await account('create', name, '--json')
  expect([code, stderr]).toEqual([0, ''])
  return JSON.parse(stdout) as Answer
}

const as = (token: string) => ({ url: server.url, token })

async function refusal(token: string): Promise<string | undefined> {
  return (await graphql(server, '{ viewer { role } }', {}, token)).errors?.[0]?.message
}

async function submit(token: string, runAt?: string): Promise<string> {
  const mutation = `mutation($runAt: DateTime) { submitTask(input: { type: "probe", input: {}, runAt: $runAt }) {
    ... on SubmitTaskPayload { task { id } } } }`
  return (await graphqlData<{ submitTask: { task: { id: string } } }>(as(token), mutation, { runAt })).submitTask.task
    .id
}

async function statusOf(id: string): Promise<string | undefined> {
  const [row] = await server.database.query<{ status: string }>('SELECT status FROM task WHERE id = $1', [id])
  return row?.status
}

describe('account create', () => {
  it('creates an account whose owner sees nothing of the others', async () => {
    const { stdout, stderr } = await account('create', 'research')
    expect(stderr).toContain('research')
    const owner = as(stdout.trim())
    const { viewer } = await graphqlData<{ viewer: object }>(owner, '{ viewer { role account { name } } }')
    expect(viewer).toEqual({ role: 'OWNER', account: { name: 'research' } })
    const own = await auditEntriesOnce(owner, { types: ['auth.account_created'] })
    expect(own).toMatchObject([{ actor: { name: 'operator' }, address: null }])
    const all = await auditEntriesOnce(server, { types: ['auth.account_created'] })
    expect(all[0]).toMatchObject({ actor: { name: expect.stringMatching(/^operator ./) } })
  })

  it('refuses a name that another account has, and an invalid one', async () => {
    expect(await account('create', 'main')).toMatchObject({ code: 5, stderr: 'An account "main" already exists.\n' })
    expect(await account('create', ' ')).toMatchObject({ code: 2 })
    expect(await account('create', '01a20d99-0000-7000-8000-000000000000')).toMatchObject({ code: 2 })
  })
})

describe('account create --owner', () => {
  const email = 'ada@owned.example'

  async function signIn(secret: string) {
    const response = await fetch(`${server.url}/api/auth/admin/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email, password: secret, account: 'owned' }),
    })
    return { status: response.status, body: (await response.json()) as { access_token: string } }
  }

  it('adds a person who signs in with the password that is shown, owns the account and changes the password', async () => {
    const { code, stdout, stderr } = await account('create', 'owned', '--owner', ' Ada@owned.example')
    expect([code, stderr]).toEqual([0, expect.stringContaining(email)])
    const [token = '', secret = ''] = stdout.trim().split('\n')
    expect(secret).toMatch(/^[a-z2-9]{5}(-[a-z2-9]{5}){4}$/)
    const { status, body } = await signIn(secret)
    expect(status).toBe(200)
    const { viewer } = await graphqlData<{ viewer: object }>(
      as(body.access_token),
      '{ viewer { kind role name account { name } } }',
    )
    expect(viewer).toEqual({ kind: 'user', role: 'OWNER', name: email, account: { name: 'owned' } })
    const change = `mutation($old: String!) { setPassword(input: { who: "${email}", password: "${password}", presentPassword: $old }) { __typename } }`
    const changed = await graphqlData<object>(as(body.access_token), change, { old: secret })
    expect(changed).toEqual({ setPassword: { __typename: 'SetPasswordPayload' } })
    expect([(await signIn(secret)).status, (await signIn(password)).status]).toEqual([401, 200])
    const types = ['auth.user_created', 'auth.user_password_set']
    const entries = await auditEntriesOnce(as(token), { types }, 3)
    expect(entries.at(-1)).toMatchObject({ type: 'auth.user_created', actor: { name: 'operator' }, data: { email } })
    expect(JSON.stringify(entries)).not.toContain(secret)
  })

  it('refuses what is not an address, and creates nothing', async () => {
    const refused = await account('create', 'unowned', '--owner', 'ada')
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('must be an e-mail address') })
    expect((await account('list')).stdout).not.toContain('unowned')
  })

  it('is the same over the API', async () => {
    const operator = as((await account('token')).stdout.trim())
    const createAccount = `mutation { createAccount(input: { name: "owned-by-api", ownerEmail: "bob@owned.example" }) {
      ... on CreateAccountPayload { owner { id email password } ownerToken } } }`
    const { createAccount: made } = await graphqlData<{
      createAccount: { ownerToken: string; owner: { id: string; email: string; password: string } }
    }>(operator, createAccount)
    const { user } = await graphqlData<{ user: object }>(
      as(made.ownerToken),
      '{ user(who: "bob@owned.example") { id role } }',
    )
    expect(user).toEqual({ id: made.owner.id, role: 'OWNER' })
    const wrong = createAccount.replace('owned-by-api', 'other').replace('bob@owned.example', 'bob')
    expect(await graphqlData(operator, wrong.replace('... on', '__typename ... on'))).toEqual({
      createAccount: { __typename: 'InvalidInput' },
    })
  })
})

describe('account list', () => {
  it('lists all accounts, oldest first', async () => {
    const { account: made } = await create('listed')
    const { stdout } = await account('list', '--json')
    const accounts = JSON.parse(stdout) as { id: string; name: string }[]
    expect(accounts[0]).toMatchObject({ name: 'main', suspendedAt: null })
    expect(accounts.at(-1)).toMatchObject({ id: made.id, name: 'listed' })
    expect((await account('list')).stdout).toMatch(/listed +ACTIVE/)
  })
})

describe('account suspend', () => {
  it('refuses tokens, sessions and sign-in until the account is resumed', async () => {
    const { ownerToken: token } = await create('rest')
    const email = 'owner@rest.example'
    const person = `mutation { createUser(input: { email: "${email}", role: OWNER }) { __typename }
      setPassword(input: { who: "${email}", password: "${password}" }) { __typename } }`
    await graphqlData(as(token), person)
    const signIn = async () => {
      const response = await fetch(`${server.url}/api/auth/admin/login`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ email, password }),
      })
      return (await response.json()) as { access_token: string; refresh_token: string; code?: string }
    }
    const refresh = async (value: string) => {
      const mutation = 'mutation($token: String!) { refreshSession(input: { refreshToken: $token }) { __typename } }'
      return JSON.stringify(await graphql(server, mutation, { token: value }, ''))
    }
    const session = await signIn()
    expect(await refusal(session.access_token)).toBeUndefined()
    expect(await account('suspend', 'rest', '--reason', 'unpaid')).toMatchObject({ code: 0 })
    for (const one of [token, session.access_token])
      await until(async () => (await refusal(one))?.includes('The account of this token is suspended.') === true)
    expect(await signIn()).toMatchObject({ code: 'UNAUTHENTICATED' })
    expect(await refresh(session.refresh_token)).not.toContain('RefreshSessionPayload')
    expect(await refusal(server.token)).toBeUndefined()
    expect((await account('suspend', 'rest')).code).toBe(5)
    expect((await account('resume', 'rest')).code).toBe(0)
    for (const one of [token, session.access_token]) await until(async () => (await refusal(one)) === undefined)
    const entries = await auditEntriesOnce(as(token), { types: ['auth.account_suspended', 'auth.account_resumed'] }, 2)
    expect(entries).toHaveLength(2)
  })

  it('ends streams that are open', async () => {
    const { ownerToken: token } = await create('stream')
    const response = await fetch(`${server.url}/graphql`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'text/event-stream',
        authorization: `Bearer ${token}`,
      },
      body: JSON.stringify({ query: 'subscription { events { __typename } }' }),
    })
    expect(response.status).toBe(200)
    expect((await account('suspend', 'stream')).code).toBe(0)
    await response.text().catch(() => undefined)
  })

  it('lets tasks wait, and go on when it is resumed', async () => {
    const { ownerToken: token } = await create('queue')
    const inAnHour = new Date(Date.now() + 3_600_000).toISOString()
    const waiting = await submit(token, inAnHour)
    expect((await account('suspend', 'queue')).code).toBe(0)
    await server.database.query('UPDATE task SET run_at = now() WHERE id = $1', [waiting])
    const fallDue =
      'UPDATE pgboss.job SET start_after = now() WHERE id = (SELECT job_id FROM task WHERE id = $1) RETURNING start_after'
    const [due] = await server.database.query<{ start_after: Date }>(fallDue, [waiting])
    // The server has met it, and put it off.
    const isDeferred =
      'SELECT id FROM pgboss.job WHERE id = (SELECT job_id FROM task WHERE id = $1) AND start_after > $2'
    await until(async () => (await server.database.query(isDeferred, [waiting, due?.start_after])).length > 0)
    expect(await statusOf(waiting)).toMatch(/PENDING|SCHEDULED/)
    expect((await account('resume', 'queue')).code).toBe(0)
    await until(async () => (await statusOf(waiting)) === 'COMPLETED')
  })

  it('lets deliveries wait, and go on when it is resumed', async () => {
    const { ownerToken: token, account: made } = await create('senders')
    let calls = 0
    let isDown = true
    const receiver = createServer((_request, response) => {
      calls += 1
      response.writeHead(isDown ? 503 : 204).end()
    }).listen(0, '127.0.0.1')
    await once(receiver, 'listening')
    const { port } = receiver.address() as AddressInfo
    const retry = { backoff: 'FIXED', delayMs: 1_000, maxDelayMs: 1_000, maxAttempts: 50 }
    await createWebhook(as(token), { url: `http://127.0.0.1:${port}/`, retry })
    await trigger(as(token), { type: 'test.made', data: {} })
    await until(() => calls > 0)
    expect((await account('suspend', 'senders')).code).toBe(0)
    const isLate = `SELECT id FROM delivery WHERE account_id = $1 AND status = 'PENDING' AND due_at < now() - interval '2 seconds'`
    await until(async () => (await server.database.query(isLate, [made.id])).length > 0)
    isDown = false
    expect((await account('resume', 'senders')).code).toBe(0)
    const isDelivered = `SELECT id FROM delivery WHERE account_id = $1 AND status = 'DELIVERED'`
    await until(async () => (await server.database.query(isDelivered, [made.id])).length > 0)
    receiver.close()
  })

  it('is refused for the first account, and for one that is not there', async () => {
    expect(await account('suspend', 'main')).toMatchObject({ code: 5 })
    expect(await account('suspend', 'nobody')).toMatchObject({ code: 4, stderr: 'There is no account "nobody".\n' })
  })
})

describe('account token', () => {
  const accounts = '{ installationAccounts(first: 200) { nodes { name } } }'
  const codeOf = async (query: string, token: string) =>
    (await graphql(server, query, {}, token)).errors?.[0]?.extensions?.['code']

  it('creates a token that manages accounts over the API, and can do nothing else', async () => {
    const token = (await account('token')).stdout.trim()
    const createAccount = `mutation { createAccount(input: { name: "by-api" }) {
      ... on CreateAccountPayload { account { id } ownerToken } } }`
    const { createAccount: made } = await graphqlData<{ createAccount: Answer }>(as(token), createAccount)
    expect(await codeOf('{ viewer { role } }', made.ownerToken)).toBeUndefined()
    const { installationAccounts } = await graphqlData<{ installationAccounts: { nodes: object[] } }>(
      as(token),
      accounts,
    )
    expect(installationAccounts.nodes).toContainEqual({ name: 'by-api' })
    for (const query of [
      '{ tasks { nodes { id } } }',
      '{ applicationTokens { nodes { id } } }',
      '{ users { nodes { id } } }',
    ])
      expect(await codeOf(query, token)).toBe('FORBIDDEN')
    const suspend = `mutation { suspendAccount(input: { account: "by-api" }) { ... on SuspendAccountPayload { account { name } } } }`
    await graphqlData(as(token), suspend)
    await until(async () => (await codeOf('{ viewer { role } }', made.ownerToken)) === 'UNAUTHENTICATED')
  })

  it('gives a right that no owner has, nor can hand on', async () => {
    const { ownerToken } = await create('ambitious')
    const grant = `mutation { createApplicationToken(input: { name: "more", scopes: ["installation:admin"] }) { __typename } }`
    for (const token of [ownerToken, server.token]) {
      expect(await codeOf(accounts, token)).toBe('FORBIDDEN')
      expect((await graphql<object>(server, grant, {}, token)).data).toEqual({
        createApplicationToken: { __typename: 'ScopeNotHeld' },
      })
    }
  })

  it('can rotate itself, without the right to manage tokens', async () => {
    const token = (await account('token')).stdout.trim()
    const { viewer } = await graphqlData<{ viewer: { id: string } }>(as(token), '{ viewer { id } }')
    const rotate = `mutation($id: ID!) { rotateApplicationToken(input: { id: $id }) {
      ... on RotateApplicationTokenPayload { token } } }`
    const first = await graphqlData<{ rotateApplicationToken: { token: string } }>(as(token), rotate, viewer)
    const successor = first.rotateApplicationToken.token
    expect(await codeOf(accounts, successor)).toBeUndefined()
    await until(async () => (await codeOf(accounts, token)) === 'UNAUTHENTICATED')
    const others = await graphql(server, rotate, viewer, successor)
    expect(others.errors?.[0]?.extensions?.['code']).toBe('FORBIDDEN')
    // By its text: what is handed on is the token itself.
    const again = await graphqlData<{ rotateApplicationToken: { token: string } }>(as(successor), rotate, {
      id: successor,
    })
    expect(await codeOf(accounts, again.rotateApplicationToken.token)).toBeUndefined()
  })
})

describe('account delete', () => {
  it('knows every table that holds rows of accounts', async () => {
    const columns = `SELECT DISTINCT table_name AS name FROM information_schema.columns JOIN information_schema.tables
      USING (table_schema, table_name)
      WHERE table_schema = 'public' AND column_name = 'account_id' AND table_type = 'BASE TABLE'`
    const tables = (await server.database.query<{ name: string }>(columns)).map(({ name }) => name)
    expect(tables.toSorted()).toEqual([...accountTables].toSorted())
  })

  it('deletes everything that a suspended account holds, and nothing else', async () => {
    const { ownerToken: token, account: made } = await create('gone')
    const done = await submit(token)
    await until(async () => (await statusOf(done)) === 'COMPLETED')
    await graphqlData(
      as(token),
      `mutation { createUser(input: { email: "gone@gone.example", role: OWNER }) { __typename }
        setEntry(input: { key: "a", value: 1 }) { __typename }
        putDocument(input: { key: "a", data: { a: 1 } }) { __typename } }`,
    )
    await createWebhook(as(token), { url: 'http://127.0.0.1:1/' })
    await auditEntriesOnce(as(token), { types: ['auth.user_created'] })
    const kept = await submit(server.token)
    expect(await account('delete', 'gone', '--confirm', 'gone')).toMatchObject({ code: 5 })
    expect((await account('suspend', 'gone')).code).toBe(0)
    await until(async () => (await refusal(token)) !== undefined)
    const longAgo = "UPDATE account SET suspended_at = now() - interval '1 minute' WHERE id = $1"
    await server.database.query(longAgo, [made.id])
    expect(await account('delete', 'gone')).toMatchObject({ code: 2, stderr: expect.stringContaining('--confirm') })
    const preview = JSON.parse((await account('delete', 'gone', '--dry-run', '--json')).stdout) as { rows: object[] }
    for (const table of ['task', 'users', 'entry', 'document', 'webhook', 'audit_entry', 'journal'])
      expect(preview.rows).toContainEqual({ table, count: expect.any(Number) })
    expect(await account('delete', 'gone', '--confirm', 'gone')).toMatchObject({ code: 0, stderr: '' })
    for (const table of accountTables)
      expect(await server.database.query(`SELECT FROM ${table} WHERE account_id = $1`, [made.id]), table).toEqual([])
    expect((await account('list')).stdout).not.toContain(made.id)
    expect(await refusal(token)).toContain('not known')
    expect(await statusOf(kept)).toBeDefined()
    const told = await auditEntriesOnce(server, { types: ['auth.account_deleted'] })
    expect(told[0]).toMatchObject({ subject: `account:${made.id}`, actor: { kind: 'system' } })
  })
})

describe('deleteAccount', () => {
  const mutation = `mutation ($input: DeleteAccountInput!) { deleteAccount(input: $input) {
    ... on DeleteAccountPayload { isDone account { name } rows { table count } } ... on Failure { code message } } }`

  it('deletes a suspended account by an operator’s token alone, once its name is given again', async () => {
    const { account: made, ownerToken } = await create('gone-by-api')
    await graphqlData(as(ownerToken), 'mutation { createUser(input: { email: "a@gone.example" }) { __typename } }')
    const operator = (await account('token')).stdout.trim()
    const remove = async (input: object, token = operator) => {
      const { data, errors } = await graphql<{ deleteAccount: Record<string, unknown> }>(
        server,
        mutation,
        { input: { account: 'gone-by-api', ...input } },
        token,
      )
      return data?.deleteAccount ?? { code: errors?.[0]?.extensions?.['code'] }
    }
    const confirm = 'gone-by-api'
    expect(await remove({ confirm }, ownerToken)).toEqual({ code: 'FORBIDDEN' })
    expect(await remove({ confirm })).toMatchObject({ code: 'ACCOUNT_STATE' })
    expect((await account('suspend', 'gone-by-api')).code).toBe(0)
    expect(await remove({ confirm })).toMatchObject({ code: 'ACCOUNT_STATE' })
    const longAgo = "UPDATE account SET suspended_at = now() - interval '1 minute' WHERE id = $1"
    await server.database.query(longAgo, [made.id])
    expect(await remove({})).toMatchObject({ code: 'INVALID_INPUT' })
    expect(await remove({ confirm: 'gone' })).toMatchObject({ code: 'INVALID_INPUT' })
    const preview = await remove({ dryRun: true })
    expect(preview).toMatchObject({ isDone: false, account: { name: 'gone-by-api' } })
    expect(preview['rows']).toContainEqual({ table: 'users', count: 1 })
    const done = await remove({ confirm })
    expect(done).toMatchObject({ isDone: true, account: { name: 'gone-by-api' } })
    expect(done['rows']).toContainEqual({ table: 'users', count: 1 })
    for (const table of accountTables)
      expect(await server.database.query(`SELECT FROM ${table} WHERE account_id = $1`, [made.id]), table).toEqual([])
    expect(await remove({ confirm })).toMatchObject({ code: 'NOT_FOUND' })
    expect(await remove({ account: 'main', confirm: 'main' })).toMatchObject({ code: 'ACCOUNT_STATE' })
    const [told] = await auditEntriesOnce(server, { types: ['auth.account_deleted'], subject: `account:${made.id}` })
    expect(told).toMatchObject({ actor: { kind: 'application', name: 'installation' } })
  })

  it('stops when its time is over, and continues', async () => {
    const { account: made } = await create('large')
    await server.database.query(
      `INSERT INTO idempotent_request (account_id, principal_id, key, request_hash, outcome)
       SELECT $1, 'nobody', number::text, '', '' FROM generate_series(1, 5000) AS number`,
      [made.id],
    )
    await server.database.query("UPDATE account SET suspended_at = now() - interval '1 minute' WHERE id = $1", [
      made.id,
    ])
    const by = { actor: { kind: 'system', id: 'test', name: 'test' } } as const
    const pool = new pg.Pool({ connectionString: database.url, max: 1 })
    const deps = { transact: createTransact(pool, () => {}), clock: systemClock }
    const first = await deleteAccount(deps, by, made.id, 0)
    expect([first.isDone, first.account.name]).toEqual([false, 'large'])
    expect((await account('list')).stdout).toMatch(/large +DELETING/)
    const rest = await deleteAccount(deps, by, made.id)
    expect([rest.isDone, rest.rows]).toEqual([
      true,
      expect.arrayContaining([{ table: 'idempotent_request', count: 5_000 }]),
    ])
    await pool.end()
  })
})
