import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CiIssuer, startCiIssuer } from '#test/support/ci-issuer.ts'
import { graphql, graphqlData } from '#test/support/graphql.ts'
import { addPerson, anonymously, signIn } from '#test/support/people.ts'
import { createTestDatabase, startTestServer, type TestDatabase, type TestServer } from '#test/support/server.ts'
import { addToken, ownAccount } from '#test/support/tokens.ts'
import { until } from '#test/support/until.ts'
import { loopbackAllowed } from '#test/support/webhooks.ts'

const secret = 'a secret that a hook shares'

let issuer: CiIssuer
let database: TestDatabase
let server: TestServer
let directory: string
/** A token of the account that is suspended, and one of the installation's operator. */
let tenant: { readonly token: string; readonly accountId: string }
let operator: string
beforeAll(async () => {
  issuer = await startCiIssuer()
  database = await createTestDatabase()
  const env = { ...loopbackAllowed, ROLES: 'api', LOG_LEVEL: 'silent', HOOK_SECRET: secret }
  const first = await startTestServer({ database, env })
  tenant = await addToken(first)
  operator = (await addToken(first, { accountId: await ownAccount(first), scopes: ['installation:admin'] })).token
  await first.close()
  directory = await mkdtemp(join(tmpdir(), 'signalbox-suspended-'))
  const configFile = join(directory, 'signalbox.config.mjs')
  const account = tenant.accountId
  const config = {
    hooks: {
      plain: {
        sender: 'shared-secret',
        secretEnv: 'HOOK_SECRET',
        header: 'X-Secret',
        account,
        rules: [{ type: 'probe' }],
      },
    },
    trust: {
      ci: {
        issuer: issuer.url,
        audience: 'https://signalbox.test',
        claims: { a: 'b' },
        scopes: ['tasks:read'],
        account,
      },
    },
  }
  await writeFile(configFile, `export default ${JSON.stringify(config)}`)
  server = await startTestServer({ database, env, configFile })
})
afterAll(async () => {
  await server.close()
  await database.drop()
  await issuer.close()
  await rm(directory, { recursive: true, force: true })
})

async function setState(name: 'suspendAccount' | 'resumeAccount'): Promise<void> {
  const type = `${name.charAt(0).toUpperCase()}${name.slice(1)}`
  const query = `mutation($account: String!) { ${name}(input: { account: $account }) { __typename } }`
  const data = await graphqlData({ url: server.url, token: operator }, query, { account: tenant.accountId })
  expect(data).toEqual({ [name]: { __typename: `${type}Payload` } })
}

/** Runs the checks while the account is active, then while it is suspended, then while it is active again. */
async function whileSuspended(check: (isSuspended: boolean) => Promise<void>): Promise<void> {
  await check(false)
  await setState('suspendAccount')
  try {
    await check(true)
  } finally {
    await setState('resumeAccount')
  }
  await check(false)
}

async function codeOf(token: string): Promise<string | undefined> {
  return (await graphql(server, '{ viewer { name } }', {}, token)).errors?.[0]?.extensions?.['code'] as
    | string
    | undefined
}

describe('a suspended account', () => {
  it('gets no tasks from its hooks, which answer as if they did not exist', async () => {
    let count = 0
    await whileSuspended(async (isSuspended) => {
      count += 1
      const response = await fetch(`${server.url}/hooks/plain`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-secret': secret },
        body: JSON.stringify({ count }),
      })
      expect(response.status).toBe(isSuspended ? 404 : 202)
    })
    const tasks = await database.query('SELECT id FROM task WHERE account_id = $1', [tenant.accountId])
    expect(tasks).toHaveLength(2)
  })

  it('gets no tokens for those of its CI, and refuses those that it got', async () => {
    const tokens: string[] = []
    await whileSuspended(async (isSuspended) => {
      const response = await fetch(`${server.url}/api/auth/token`, {
        method: 'POST',
        body: new URLSearchParams({
          grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
          subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
          subject_token: await issuer.sign({ a: 'b' }),
        }),
      })
      const body = (await response.json()) as { access_token?: string; code?: string }
      expect([response.status, body.code]).toEqual(isSuspended ? [401, 'UNAUTHENTICATED'] : [200, undefined])
      if (body.access_token !== undefined) tokens.push(body.access_token)
      for (const token of tokens)
        await until(async () => (await codeOf(token)) === (isSuspended ? 'UNAUTHENTICATED' : undefined))
    })
    expect(tokens).toHaveLength(2)
  })

  it('signs in no devices, approved before or not', async () => {
    const email = await addPerson({ ...server, token: tenant.token })
    const { accessToken } = await signIn(server, email)
    const begin = () =>
      anonymously<{ deviceCode: string; userCode: string }>(
        server,
        'beginDeviceSignIn',
        { clientName: 'a test' },
        'deviceCode userCode',
      )
    const approve = async (userCode: string) => {
      const query = 'mutation($input: ApproveDeviceInput!) { approveDevice(input: $input) { __typename } }'
      const { data, errors } = await graphql<object>(server, query, { input: { userCode } }, accessToken)
      return errors?.[0]?.extensions?.['code'] ?? data
    }
    const finish = async (deviceCode: string) => {
      await database.query("UPDATE device_sign_in SET asked_at = asked_at - interval '1 minute'")
      return anonymously<{ code?: string; accessToken?: string }>(
        server,
        'finishDeviceSignIn',
        { deviceCode },
        'accessToken',
      )
    }
    const [before, during, after] = [await begin(), await begin(), await begin()]
    const approved = { approveDevice: { __typename: 'ApproveDevicePayload' } }
    expect(await approve(before.userCode)).toEqual(approved)
    await setState('suspendAccount')
    try {
      expect(await finish(before.deviceCode)).toEqual({ code: 'ACCESS_DENIED', message: expect.any(String) })
      await until(async () => (await codeOf(accessToken)) === 'UNAUTHENTICATED')
      expect(await approve(during.userCode)).toBe('UNAUTHENTICATED')
    } finally {
      await setState('resumeAccount')
    }
    await until(async () => (await codeOf(accessToken)) === undefined)
    expect(await approve(after.userCode)).toEqual(approved)
    expect(await finish(after.deviceCode)).toHaveProperty('accessToken')
  })
})
