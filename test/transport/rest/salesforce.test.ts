import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { clientOf, type RestClient } from '#test/support/rest.ts'
import type { FakeOrg } from '#test/support/salesforce/model.ts'
import { authUrlOf, jwtApp } from '#test/support/salesforce/orgs.ts'
import { type FakeSalesforce, startFakeSalesforce } from '#test/support/salesforce/server.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'

let salesforce: FakeSalesforce
let server: TestServer
let rest: RestClient
beforeAll(async () => {
  salesforce = await startFakeSalesforce()
  server = await startTestServer({ env: { ...salesforce.env, LOG_LEVEL: 'silent' } })
  rest = clientOf(server)
})
afterAll(async () => {
  await server.close()
  await salesforce.close()
})

let count = 0
function newOrg(given: Partial<Parameters<FakeSalesforce['model']['addOrg']>[0]> = {}): FakeOrg {
  count += 1
  return salesforce.model.addOrg({ domain: `rest${count}`, username: `rest${count}@acme.example`, ...given })
}

function register(org: FakeOrg, more: object = {}) {
  const sfdxAuthUrl = authUrlOf(salesforce, org, salesforce.model.addApp())
  return rest.ask('POST /api/auth/salesforce/register', { body: { sfdxAuthUrl, ...more } })
}

const username = (org: FakeOrg) => org.users[0]?.username ?? ''

describe('POST /api/auth/salesforce/register', () => {
  it('answers as documented', async () => {
    const org = newOrg({ isDevHub: true })
    const { status, body } = await register(org, {
      isDefault: true,
      metadata: { team: 'billing' },
      username: username(org),
    })
    expect(status).toBe(201)
    expect(body).toMatchObject({
      username: username(org),
      instanceUrl: salesforce.urlOf(org),
      orgId: org.id,
      organizationType: 'production',
      instanceName: 'NA42',
      parentProductionUsername: null,
      isJitRegistration: false,
      isDevHub: true,
      isDefault: true,
      metadata: { team: 'billing' },
      createdAt: expect.stringMatching(/^\d{4}-/),
    })
    const shown = JSON.stringify(body)
    expect([...salesforce.model.secrets].filter((secret) => shown.includes(secret))).toEqual([])
  })

  it('takes the parts of the JWT bearer flow and of client credentials, too', async () => {
    const org = newOrg()
    const { input } = jwtApp(salesforce, org)
    const body = { ...(input['jwtBearer'] as object), instanceUrl: salesforce.urlOf(org) }
    expect((await rest.ask('POST /api/auth/salesforce/register', { body })).body).toMatchObject({
      method: 'jwt-bearer',
    })
    const { clientId, clientSecret } = salesforce.model.addApp({ runAs: username(org) })
    const credentials = { clientId, clientSecret, instanceUrl: salesforce.urlOf(org) }
    const answer = await rest.ask('POST /sfp/api/auth/salesforce/register', { body: credentials })
    expect([answer.status, answer.body['method']]).toEqual([201, 'client-credentials'])
  })

  it('answers 400 when the connection fails, and stores nothing', async () => {
    const org = newOrg()
    const app = salesforce.model.addApp()
    const sfdxAuthUrl = authUrlOf(salesforce, org, app)
    app.isBlocked = true
    const { status, body } = await rest.ask('POST /api/auth/salesforce/register', { body: { sfdxAuthUrl } })
    expect([status, body['code']]).toEqual([400, 'SALESFORCE_CONNECTION_FAILED'])
    expect(body['message']).toContain('this app is blocked by admin')
    expect((await rest.ask(`GET /api/auth/salesforce/org?username=${username(org)}`)).status).toBe(404)
  })

  it('answers 422 for anything but a registration, with this door’s names', async () => {
    const ask = (body: object) =>
      rest.ask<{ issues: { path: string }[] }>('POST /api/auth/salesforce/register', { body })
    const cut = await ask({ sfdxAuthUrl: 'force://PlatformCLI::5Aep861' })
    expect([cut.status, cut.body.issues.map(({ path }) => path)]).toEqual([422, ['sfdxAuthUrl']])
    expect((await ask({})).status).toBe(422)
    expect((await ask({ sfdxAuthURL: 'x' })).status).toBe(422)
    const foreign = await ask({ clientId: 'x', clientSecret: 'y', instanceUrl: 'https://example.com' })
    expect([foreign.status, foreign.body.issues.map(({ path }) => path)]).toEqual([422, ['instanceUrl']])
  })
})

describe('the other paths of the group', () => {
  it('register a sandbox by its name', async () => {
    const production = newOrg()
    const sandbox = newOrg({ kind: 'sandbox', parent: production, sandboxName: 'uat' })
    await register(production)
    const body = { sandboxName: 'uat', productionUsername: username(production) }
    const answer = await rest.ask('POST /api/auth/salesforce/register-sandbox-by-name', { body })
    expect(answer.status).toBe(201)
    expect(answer.body).toMatchObject({
      orgId: sandbox.id,
      organizationType: 'sandbox',
      parentProductionUsername: username(production),
      isJitRegistration: true,
    })
    const unknown = { sandboxName: 'uat', productionUsername: 'nobody@acme.example' }
    expect((await rest.ask('POST /api/auth/salesforce/register-sandbox-by-name', { body: unknown })).status).toBe(404)
  })

  it('list and show orgs, filtered', async () => {
    const org = newOrg({ kind: 'scratch', isDevHub: true })
    await register(org, { metadata: { team: 'lists', pool: 'a b' } })
    const ids = async (query: string) => {
      const { body } = await rest.ask<{ orgId: string }[]>(`GET /api/auth/salesforce/orgs${query}`)
      return body.map(({ orgId }) => orgId)
    }
    expect(await ids('')).toContain(org.id)
    expect(await ids('?type=scratch')).toEqual([org.id])
    expect(await ids(`?metadata=${encodeURIComponent('team=lists,pool=a b')}&devhub=true`)).toEqual([org.id])
    expect(await ids(`?metadata=${encodeURIComponent('{"team":"lists"}')}`)).toEqual([org.id])
    expect(await ids('?metadata=team=other')).toEqual([])
    expect((await rest.ask('GET /api/auth/salesforce/orgs?metadata=team')).status).toBe(400)
    expect((await rest.ask('GET /api/auth/salesforce/orgs?type=other')).status).toBe(400)
    const one = await rest.ask(`GET /api/auth/salesforce/org?username=${username(org)}`)
    expect([one.status, one.body['orgId']]).toEqual([200, org.id])
  })

  it('test a connection, and say why there is none', async () => {
    const org = newOrg()
    await register(org)
    const ask = () => rest.ask('POST /api/auth/salesforce/test-connection', { body: { username: username(org) } })
    expect(await ask()).toMatchObject({
      status: 200,
      body: {
        success: true,
        username: username(org),
        orgId: org.id,
        instanceUrl: salesforce.urlOf(org),
        apiVersion: '66.0',
      },
    })
    org.status = 'locked'
    expect(await ask()).toMatchObject({
      status: 200,
      body: { success: false, error: expect.stringContaining('locked') },
    })
    const body = { username: 'nobody@acme.example' }
    expect((await rest.ask('POST /api/auth/salesforce/test-connection', { body })).status).toBe(404)
  })

  it('redirect to the front door, or answer with the link', async () => {
    const org = newOrg()
    await register(org)
    const path = `/api/auth/salesforce/frontdoor?target=${username(org)}`
    const headers = { authorization: `Bearer ${server.token}` }
    const redirected = await fetch(`${server.url}${path}`, { headers, redirect: 'manual' })
    expect(redirected.status).toBe(302)
    expect(redirected.headers.get('location')).toContain(`${salesforce.urlOf(org)}/secur/frontdoor.jsp?otp=`)
    expect(redirected.headers.get('cache-control')).toBe('no-store')
    const linked = await rest.ask(`GET ${path}&redirect=false`)
    expect([linked.status, linked.body['oneTime']]).toEqual([200, true])
    expect((await rest.ask('GET /api/auth/salesforce/frontdoor?target=nobody@acme.example')).status).toBe(404)
    org.status = 'locked'
    salesforce.model.expireAccessTokens(org)
    const locked = await rest.ask(`GET ${path}&redirect=false`)
    expect([locked.status, locked.body['code']]).toEqual([409, 'SALESFORCE_ORG_UNUSABLE'])
  })

  it('start the web flow, and complete it', async () => {
    const org = newOrg()
    const callback = `${server.url}/api/auth/salesforce/callback`
    const app = salesforce.model.addApp({ callbackUrls: [callback] })
    const query = new URLSearchParams({ clientId: app.clientId, loginUrl: salesforce.urlOf(org), redirect: 'false' })
    const { body } = await rest.ask<{ url: string }>(`GET /api/auth/salesforce/login?${query}`)
    const back = await rest.ask(`GET /api/auth/salesforce/callback?${await salesforce.approve(body.url)}`, {
      token: null,
    })
    expect([back.status, back.body['username']]).toEqual([200, username(org)])
    query.delete('redirect')
    const headers = { authorization: `Bearer ${server.token}` }
    const redirected = await fetch(`${server.url}/api/auth/salesforce/login?${query}`, { headers, redirect: 'manual' })
    expect([redirected.status, redirected.headers.get('location')?.startsWith(salesforce.urlOf(org))]).toEqual([
      302,
      true,
    ])
    const unknown = await rest.ask('GET /api/auth/salesforce/callback?code=a&state=b', { token: null })
    expect([unknown.status, unknown.body['code']]).toEqual([400, 'SALESFORCE_CONNECTION_FAILED'])
  })

  it('remove an org', async () => {
    const org = newOrg()
    await register(org)
    const call = `DELETE /api/auth/salesforce/org?username=${username(org)}`
    expect(await rest.ask(call)).toMatchObject({ status: 200, body: { username: username(org), revoked: true } })
    expect((await rest.ask(call)).status).toBe(404)
  })
})
