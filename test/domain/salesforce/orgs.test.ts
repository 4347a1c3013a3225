import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { freePort } from '#platform/system/free-port.ts'
import type { FakeOrg } from '#test/support/salesforce/model.ts'
import { authUrlOf, callSalesforce, jwtApp, listOrgs, type ToldOrg } from '#test/support/salesforce/orgs.ts'
import { type FakeSalesforce, startFakeSalesforce } from '#test/support/salesforce/server.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'
import { addToken, ownAccount } from '#test/support/tokens.ts'

let salesforce: FakeSalesforce
let server: TestServer
/** The callback URL that follows from PUBLIC_URL. */
let callback: string
beforeAll(async () => {
  salesforce = await startFakeSalesforce()
  const port = String(await freePort())
  callback = `http://127.0.0.1:${port}/api/auth/salesforce/callback`
  const env = { ...salesforce.env, LOG_LEVEL: 'silent', PORT: port, PUBLIC_URL: `http://127.0.0.1:${port}` }
  server = await startTestServer({ env })
})
afterAll(async () => {
  await server.close()
  await salesforce.close()
})
afterEach(() => salesforce.faults.clear())

const call = (name: string, input: object, token?: string) => callSalesforce(server, name, input, token)

let count = 0
function newOrg(): FakeOrg {
  count += 1
  return salesforce.model.addOrg({ domain: `orgs${count}`, username: `orgs${count}@acme.example` })
}

async function registered(org = newOrg()): Promise<ToldOrg> {
  return (await call('RegisterSalesforceOrg', jwtApp(salesforce, org).input)).org
}

describe('a front door', () => {
  it('is a one-time link of the org', async () => {
    const org = newOrg()
    const { username } = await registered(org)
    const door = await call('OpenSalesforceOrg', { org: username.toUpperCase(), path: '/lightning/page/home' })
    expect(door.isOneTime).toBe(true)
    const url = new URL(door.url)
    expect(url.origin).toBe(salesforce.urlOf(org))
    expect(url.searchParams.get('startURL')).toBe('/lightning/page/home')
    expect(salesforce.model.frontDoors.has(url.searchParams.get('otp') ?? '')).toBe(true)
  })

  it('holds the session itself only where the app lacks the scope `web`, and says so', async () => {
    const org = newOrg()
    const { app, input } = jwtApp(salesforce, org)
    app.scopes = 'api'
    const { org: told } = await call('RegisterSalesforceOrg', input)
    const door = await call('OpenSalesforceOrg', { org: told.id, path: '/home' })
    expect(door).toMatchObject({ isOneTime: false })
    const { origin, searchParams } = new URL(door.url)
    expect([origin, searchParams.get('retURL')]).toEqual([salesforce.urlOf(org), '/home'])
    expect(salesforce.model.grantOf(searchParams.get('sid') ?? '')?.org).toBe(org)
  })

  it.each(['https://evil.example', '//evil.example', '/\\evil.example', 'home'])(
    'does not lead to %s',
    async (path) => {
      const { id } = await registered()
      expect(await call('OpenSalesforceOrg', { org: id, path })).toMatchObject({
        code: 'INVALID_INPUT',
        issues: [{ path: 'path' }],
      })
    },
  )

  it('is refused in Salesforce’s words where the call fails', async () => {
    const { id } = await registered()
    const body = [{ errorCode: 'REQUEST_LIMIT_EXCEEDED', message: 'TotalRequests Limit exceeded.' }]
    salesforce.faults.arm(/singleaccess/, { kind: 'answer', status: 403, body })
    expect(await call('OpenSalesforceOrg', { org: id })).toMatchObject({
      code: 'UPSTREAM_FAILED',
      message: 'REQUEST_LIMIT_EXCEEDED: TotalRequests Limit exceeded.',
    })
  })
})

describe('an org that is removed', () => {
  it('is gone with its credential, and revoked at Salesforce', async () => {
    const org = newOrg()
    const app = salesforce.model.addApp()
    const { org: told } = await call('RegisterSalesforceOrg', { authUrl: authUrlOf(salesforce, org, app) })
    const removed = await call('RemoveSalesforceOrg', { org: told.id })
    expect(removed).toEqual({ isRevoked: true, revocationError: null })
    expect(salesforce.model.grants.find((grant) => grant.app === app)?.isRevoked).toBe(true)
    expect(await call('TestSalesforceOrg', { org: told.id })).toMatchObject({ code: 'NOT_FOUND' })
    expect((await listOrgs(server)).map(({ id }) => id)).not.toContain(told.id)
  })

  it('is gone although it can’t be revoked, and the answer says why', async () => {
    const { id } = await registered()
    salesforce.faults.arm(/revoke/, { kind: 'maintenance' })
    const removed = await call('RemoveSalesforceOrg', { org: id })
    expect(removed.isRevoked).toBe(false)
    expect(removed.revocationError).toContain('under maintenance')
    expect(await call('RemoveSalesforceOrg', { org: id })).toMatchObject({ code: 'NOT_FOUND' })
  })

  it('keeps its authorization when asked to', async () => {
    const org = newOrg()
    const app = salesforce.model.addApp()
    const { org: told } = await call('RegisterSalesforceOrg', { authUrl: authUrlOf(salesforce, org, app) })
    expect(await call('RemoveSalesforceOrg', { org: told.id, revoke: false })).toMatchObject({ isRevoked: false })
    expect(salesforce.model.grants.find((grant) => grant.app === app)?.isRevoked).toBe(false)
  })
})

describe('settings of an org', () => {
  it('are changed, with what is left out kept', async () => {
    const { id } = await registered()
    const { org } = await call('UpdateSalesforceOrg', { org: id, metadata: { team: 'x' }, isDefault: true })
    expect(org).toMatchObject({ metadata: { team: 'x' }, isDefault: true, isDevHub: false })
    const again = await call('UpdateSalesforceOrg', { org: id, isDevHub: true })
    expect(again.org).toMatchObject({ metadata: { team: 'x' }, isDefault: true, isDevHub: true })
  })

  it('are refused when they are no metadata', async () => {
    const { id } = await registered()
    for (const metadata of [[1], 'text', { nested: { a: 1 } }, { a: 'x'.repeat(20_000) }])
      expect(await call('UpdateSalesforceOrg', { org: id, metadata })).toMatchObject({ code: 'INVALID_INPUT' })
  })
})

describe('the web flow', () => {
  async function begin(more: object = {}, token?: string) {
    const org = newOrg()
    const app = salesforce.model.addApp({ callbackUrls: [callback], needsSecret: true })
    const input = { clientId: app.clientId, clientSecret: app.clientSecret, loginUrl: salesforce.urlOf(org), ...more }
    const { url, code } = await call('BeginSalesforceLogin', input, token)
    return { org, app, url, code }
  }

  async function comeBack(parameters: URLSearchParams): Promise<{ status: number; body: Record<string, string> }> {
    const response = await fetch(`${callback}?${parameters}`)
    return { status: response.status, body: (await response.json()) as Record<string, string> }
  }

  it('registers the org that a person approves, with PKCE, without a token of ours', async () => {
    const { org, url } = await begin({ isDefault: true, metadata: { by: 'web' } })
    const asked = new URL(url).searchParams
    expect(asked.get('code_challenge_method')).toBe('S256')
    expect(asked.get('redirect_uri')).toBe(callback)
    const { status, body } = await comeBack(await salesforce.approve(url))
    expect([status, body['username']]).toEqual([200, org.users[0]?.username])
    const told = (await listOrgs(server)).find(({ orgId }) => orgId === org.id)
    expect(told).toMatchObject({ method: 'WEB', isDefault: true, metadata: { by: 'web' } })
    salesforce.model.expireAccessTokens(org)
    expect(await call('TestSalesforceOrg', { org: told?.id })).toMatchObject({ isConnected: true })
  })

  it('works once', async () => {
    const { url } = await begin()
    const parameters = await salesforce.approve(url)
    expect((await comeBack(parameters)).status).toBe(200)
    const again = await comeBack(parameters)
    expect([again.status, again.body['code']]).toEqual([400, 'SALESFORCE_CONNECTION_FAILED'])
    expect(again.body['message']).toContain('was not started here')
  })

  it('ends after ten minutes', async () => {
    const { url } = await begin()
    const parameters = await salesforce.approve(url)
    await server.database.query("UPDATE salesforce_login SET expires_at = now() - interval '1 second'")
    expect((await comeBack(parameters)).status).toBe(400)
  })

  it('stores nothing when the person refuses, and says what Salesforce says', async () => {
    const { url } = await begin({ username: 'nobody' })
    const { status, body } = await comeBack(await salesforce.approve(url))
    expect(status).toBe(400)
    expect(body['message']).toContain('access_denied: end-user denied authorization')
  })

  it('is refused when those who started it have lost the right meanwhile', async () => {
    const { token, id } = await addToken(server, { accountId: await ownAccount(server), scopes: ['salesforce:admin'] })
    const { org, url } = await begin({}, token)
    await server.database.query('UPDATE application_token SET revoked_at = now() WHERE id = $1', [id])
    const parameters = await salesforce.approve(url)
    expect((await comeBack(parameters)).status).toBe(403)
    expect((await listOrgs(server)).map(({ orgId }) => orgId)).not.toContain(org.id)
  })
})
