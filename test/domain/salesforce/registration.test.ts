import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { authUrlOf, callSalesforce, jwtApp, listOrgs, newRsaKey } from '#test/support/salesforce/orgs.ts'
import { type FakeSalesforce, startFakeSalesforce } from '#test/support/salesforce/server.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'

let salesforce: FakeSalesforce
let server: TestServer
beforeAll(async () => {
  salesforce = await startFakeSalesforce()
  server = await startTestServer({ env: { ...salesforce.env, LOG_LEVEL: 'silent' } })
})
afterAll(async () => {
  await server.close()
  await salesforce.close()
})

let count = 0
function newOrg(given: Partial<Parameters<FakeSalesforce['model']['addOrg']>[0]> = {}) {
  count += 1
  return salesforce.model.addOrg({ domain: `acme${count}`, username: `ci${count}@acme.example`, ...given })
}

const register = (input: object) => callSalesforce(server, 'RegisterSalesforceOrg', input)

describe('an org is registered', () => {
  it('by JWT bearer, with what Salesforce says of it', async () => {
    const org = newOrg({ isDevHub: true })
    const { app, input } = jwtApp(salesforce, org)
    const { org: told, warnings } = await register({
      ...input,
      isDefault: true,
      metadata: { team: 'billing', tier: 2 },
    })
    expect(told).toMatchObject({
      username: org.users[0]?.username,
      orgId: org.id,
      kind: 'PRODUCTION',
      edition: 'Enterprise Edition',
      instanceUrl: salesforce.urlOf(org),
      isDevHub: true,
      isDefault: true,
      metadata: { team: 'billing', tier: 2 },
      method: 'JWT_BEARER',
      state: 'ACTIVE',
      newestApiVersion: '67.0',
    })
    expect(warnings).toEqual([])
    // The configured maximum, although the org offers more.
    const queried = salesforce.requests.filter(({ path }) => path.endsWith('/query')).map(({ path }) => path)
    expect(queried.at(-1)).toBe('/services/data/v66.0/query')
    expect(salesforce.model.grants.filter((grant) => grant.app === app)).toHaveLength(1)
  })

  it('by client credentials at its My Domain', async () => {
    const org = newOrg()
    const app = salesforce.model.addApp({ runAs: org.users[0]?.username })
    const clientCredentials = { clientId: app.clientId, clientSecret: app.clientSecret }
    const { org: told } = await register({ clientCredentials, loginUrl: salesforce.urlOf(org) })
    expect(told).toMatchObject({ orgId: org.id, method: 'CLIENT_CREDENTIALS', isDevHub: false })
  })

  it('by SFDX auth URL, whose replaced refresh token is stored, with a warning', async () => {
    const org = newOrg()
    const app = salesforce.model.addApp({ rotates: true })
    const { org: told, warnings } = await register({ authUrl: authUrlOf(salesforce, org, app) })
    expect(told).toMatchObject({ orgId: org.id, method: 'AUTH_URL' })
    expect(warnings.join()).toContain('refresh token')
    salesforce.model.expireAccessTokens(org)
    expect(await callSalesforce(server, 'TestSalesforceOrg', { org: told.id })).toMatchObject({ isConnected: true })
    expect(salesforce.model.reuses).toBe(0)
  })

  it.each([
    ['SANDBOX', 'sandbox'],
    ['SCRATCH', 'scratch'],
    ['DEVELOPER', 'developer'],
  ] as const)('as %s', async (kind, fakeKind) => {
    const org = newOrg({ kind: fakeKind })
    const { org: told } = await register(jwtApp(salesforce, org).input)
    expect(told).toMatchObject({ kind, orgId: org.id })
    expect(told.expiresAt !== null).toBe(kind === 'SCRATCH')
  })

  it('again under its username, and keeps its id, its metadata and being the default', async () => {
    const org = newOrg()
    const { input } = jwtApp(salesforce, org)
    const first = await register({ ...input, isDefault: true, metadata: { team: 'a' } })
    const other = jwtApp(salesforce, org)
    const second = await register({ ...other.input, username: org.users[0]?.username.toUpperCase() })
    expect(second.org).toMatchObject({ id: first.org.id, isDefault: true, metadata: { team: 'a' } })
    const [last] = salesforce.requests.filter(({ path }) => path === '/services/oauth2/token').slice(-1)
    expect(last?.body).toContain('jwt-bearer')
  })

  it('as the default instead of the one that was', async () => {
    const [one, two] = [newOrg(), newOrg()]
    await register({ ...jwtApp(salesforce, one).input, isDefault: true })
    await register({ ...jwtApp(salesforce, two).input, isDefault: true })
    const defaults = (await listOrgs(server)).filter(({ isDefault }) => isDefault)
    expect(defaults.map(({ orgId }) => orgId)).toEqual([two.id])
  })

  it('as a sandbox through its production org, with the same app', async () => {
    const production = newOrg()
    const sandbox = newOrg({ kind: 'sandbox', parent: production, sandboxName: 'dev1' })
    const { app, input } = jwtApp(salesforce, production)
    app.approved.add(sandbox.users[0]?.username ?? '')
    const { org: parent } = await register(input)
    const asked = { sandboxName: 'dev1', production: parent.username }
    const { org } = await callSalesforce(server, 'RegisterSalesforceSandbox', asked)
    expect(org).toMatchObject({
      orgId: sandbox.id,
      kind: 'SANDBOX',
      parentUsername: parent.username,
      method: 'JWT_BEARER',
    })
  })

  it('as a sandbox of a production org that was registered with a refresh token', async () => {
    const production = newOrg()
    const sandbox = newOrg({ kind: 'sandbox', parent: production, sandboxName: 'qa' })
    const app = salesforce.model.addApp()
    const { org: parent } = await register({ authUrl: authUrlOf(salesforce, production, app) })
    const { org } = await callSalesforce(server, 'RegisterSalesforceSandbox', {
      sandboxName: 'qa',
      production: parent.id,
    })
    expect(org).toMatchObject({ orgId: sandbox.id, method: 'WEB', parentUsername: parent.username })
  })
})

describe('nothing is stored', () => {
  async function refused(input: object) {
    const before = await listOrgs(server)
    const answer = await register(input)
    expect(await listOrgs(server)).toEqual(before)
    return answer
  }

  it('for a key that does not fit the app, with Salesforce’s own words', async () => {
    const { input } = jwtApp(salesforce, newOrg())
    const jwtBearer = { ...(input['jwtBearer'] as object), privateKey: newRsaKey().privateKey }
    expect(await refused({ ...input, jwtBearer })).toMatchObject({
      code: 'SALESFORCE_CONNECTION_FAILED',
      reason: 'invalid_grant',
      message: "Salesforce can't be connected to. invalid_grant: invalid assertion",
    })
  })

  it('for a user whom nobody has approved for the app', async () => {
    const { app, input } = jwtApp(salesforce, newOrg())
    app.approved.clear()
    expect((await refused(input)).message).toContain("user hasn't approved this consumer")
  })

  it.each([
    ['is not a key', 'nonsense', 'must be a private key in PEM'],
    ['is too short', newRsaKey(1_024).privateKey, 'must have at least 2048 bits; this one has 1024'],
  ])('for a private key that %s, which is not repeated', async (_, privateKey, fault) => {
    const { input } = jwtApp(salesforce, newOrg())
    const answer = await refused({ ...input, jwtBearer: { ...(input['jwtBearer'] as object), privateKey } })
    expect(answer).toMatchObject({ code: 'INVALID_INPUT', issues: [{ path: 'jwtBearer.privateKey' }] })
    expect(answer.message).toContain(fault)
    expect(JSON.stringify(answer)).not.toContain(privateKey.split('\n')[1] ?? privateKey)
  })

  it.each([
    ['is cut off', 'force://PlatformCLI::5Aep861secret', 'was it cut off?'],
    ['has another scheme', 'https://PlatformCLI::5Aep861secret@acme.my.salesforce.com', 'must start with force://'],
    ['is of another host', 'force://PlatformCLI::5Aep861secret@salesforce.example.com', 'salesforce.example.com'],
    [
      'only looks like a host of Salesforce',
      'force://PlatformCLI::5Aep861secret@evilsalesforce.com',
      'evilsalesforce.com',
    ],
  ])('for an auth URL that %s, which is not repeated', async (_, authUrl, fault) => {
    const answer = await refused({ authUrl })
    expect(answer).toMatchObject({ code: 'INVALID_INPUT', issues: [{ path: 'authUrl' }] })
    expect(answer.message).toContain(fault)
    expect(JSON.stringify(answer)).not.toContain('5Aep861secret')
  })

  it('for an auth URL whose refresh token is used up', async () => {
    const org = newOrg()
    const app = salesforce.model.addApp({ rotates: true })
    const authUrl = authUrlOf(salesforce, org, app)
    await register({ authUrl })
    const answer = await register({ authUrl })
    expect(answer).toMatchObject({ reason: 'invalid_grant' })
    expect(answer.message).toContain('expired access/refresh token')
    expect(JSON.stringify(answer)).not.toContain(authUrl.split(':')[3]?.split('@')[0])
  })

  it.each([
    ['maintenance', { kind: 'maintenance' }, 'a page instead of data'],
    ['a broken connection', { kind: 'break' }, 'can’t be reached'],
    ['an answer in HTML', { kind: 'answer', status: 200, body: '<html>login</html>' }, 'a page instead of data'],
  ] as const)('in case of %s', async (_, fault, words) => {
    salesforce.faults.arm(/oauth2\/token/, fault)
    expect((await refused(jwtApp(salesforce, newOrg()).input)).message).toContain(words)
  })

  it('when Salesforce refers to a host that is not its own', async () => {
    const { input } = jwtApp(salesforce, newOrg())
    const body = {
      access_token: 'a',
      instance_url: 'https://evil.example.com',
      id: `https://x/id/${'0'.repeat(18)}/${'0'.repeat(18)}`,
    }
    salesforce.faults.arm(/oauth2\/token/, { kind: 'answer', status: 200, body })
    expect(await refused(input)).toMatchObject({ reason: 'FOREIGN_HOST' })
  })

  it('for an org that is locked, or whose app is blocked', async () => {
    const org = newOrg({ status: 'locked' })
    expect((await refused(jwtApp(salesforce, org).input)).message).toContain('organization is locked')
    const other = jwtApp(salesforce, newOrg())
    other.app.isBlocked = true
    expect((await refused(other.input)).message).toContain('this app is blocked by admin')
  })

  it('for an authorization of another user than was named', async () => {
    const org = newOrg()
    const app = salesforce.model.addApp()
    const answer = await refused({ authUrl: authUrlOf(salesforce, org, app), username: 'other@acme.example' })
    expect(answer).toMatchObject({ reason: 'OTHER_USERNAME' })
  })

  it('for two ways at once, for none, and for client credentials without an address', async () => {
    const { input } = jwtApp(salesforce, newOrg())
    const clientCredentials = { clientId: 'x', clientSecret: 'y' }
    expect((await refused({ ...input, clientCredentials })).message).toContain('exactly one of')
    expect((await refused({})).message).toContain('exactly one of')
    expect((await refused({ clientCredentials })).issues?.map(({ path }) => path)).toEqual(['loginUrl'])
  })

  it('for a sandbox that there is not', async () => {
    const { org } = await register(jwtApp(salesforce, newOrg()).input)
    const ask = (sandboxName: string) =>
      callSalesforce(server, 'RegisterSalesforceSandbox', { sandboxName, production: org.id })
    expect(await ask('none')).toMatchObject({ code: 'SALESFORCE_CONNECTION_FAILED', reason: 'NO_SANDBOX' })
    expect(await ask("x' OR Id != '")).toMatchObject({ code: 'INVALID_INPUT' })
  })
})

describe('a list of orgs', () => {
  it('is filtered by kind, Dev Hub and metadata', async () => {
    const org = newOrg({ kind: 'developer', isDevHub: true })
    await register({ ...jwtApp(salesforce, org).input, metadata: { team: 'filtered', tier: 3 } })
    const ids = async (args: string) => (await listOrgs(server, args)).map(({ orgId }) => orgId)
    expect(await ids('(metadata: { team: "filtered", tier: 3 })')).toEqual([org.id])
    expect(await ids('(metadata: { team: "filtered", tier: "3" })')).toEqual([])
    expect(await ids('(kind: [DEVELOPER], isDevHub: true)')).toEqual([org.id])
    expect(await ids('(kind: [DEVELOPER], isDevHub: false)')).not.toContain(org.id)
  })
})
