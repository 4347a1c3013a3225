import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { graphqlData } from '#test/support/graphql.ts'
import type { FakeGrant, FakeOrg } from '#test/support/salesforce/model.ts'
import { authUrlOf, callSalesforce, jwtApp, type Told } from '#test/support/salesforce/orgs.ts'
import { type FakeSalesforce, startFakeSalesforce } from '#test/support/salesforce/server.ts'
import { createTestDatabase, startTestServer, type TestDatabase, type TestServer } from '#test/support/server.ts'
import { until } from '#test/support/until.ts'

/** Two processes' worth of a server, on one database. */
let salesforce: FakeSalesforce
let database: TestDatabase
let servers: readonly [TestServer, TestServer]
beforeAll(async () => {
  salesforce = await startFakeSalesforce()
  database = await createTestDatabase()
  const env = { ...salesforce.env, LOG_LEVEL: 'silent' }
  servers = [await startTestServer({ env, database }), await startTestServer({ env, database })]
})
afterAll(async () => {
  for (const server of servers) await server.close()
  await database.drop()
  await salesforce.close()
})
afterEach(() => salesforce.faults.clear())

let count = 0
function newOrg(): FakeOrg {
  count += 1
  return salesforce.model.addOrg({ domain: `tokens${count}`, username: `tokens${count}@acme.example` })
}

/** An org with a refresh token that each use replaces. */
async function rotatingOrg(): Promise<{ org: FakeOrg; id: string; grant: FakeGrant }> {
  const org = newOrg()
  const app = salesforce.model.addApp({ rotates: true })
  const authUrl = authUrlOf(salesforce, org, app)
  const { org: told } = await callSalesforce(servers[0], 'RegisterSalesforceOrg', { authUrl })
  const grant = salesforce.model.grants.find((one) => one.app === app)
  if (grant === undefined) throw new Error('Nothing was granted.')
  return { org, id: told.id, grant }
}

const test = (org: string, server = servers[0]): Promise<Told> => callSalesforce(server, 'TestSalesforceOrg', { org })

async function eventsOf(id: string, type: string): Promise<{ type: string; data: Record<string, unknown> }[]> {
  const query = `query ($subject: String, $types: [String!]) {
    events(subject: $subject, types: $types) { nodes { type data } } }`
  const variables = { subject: `salesforce-org:${id}`, types: [type] }
  return (await graphqlData<{ events: { nodes: never[] } }>(servers[0], query, variables)).events.nodes
}

/** The events of a type, once there are some: an entry is shown when no older transaction is open any more. */
async function arrived(id: string, type: string) {
  return until(async () => {
    const events = await eventsOf(id, type)
    return events.length > 0 && events
  })
}

const tokenRequests = () => salesforce.requests.filter(({ path }) => path === '/services/oauth2/token').length

describe('an access token that Salesforce takes no longer', () => {
  it('is replaced, and the call made again', async () => {
    const { org, id, grant } = await rotatingOrg()
    const before = grant.refreshToken
    salesforce.model.expireAccessTokens(org)
    expect(await test(id)).toMatchObject({ isConnected: true, error: null, org: { state: 'ACTIVE' } })
    expect(grant.refreshToken).not.toBe(before)
  })

  it('is replaced once by two processes that meet it at the same moment', async () => {
    const { org, id } = await rotatingOrg()
    for (let round = 0; round < 3; round += 1) {
      salesforce.model.expireAccessTokens(org)
      const before = tokenRequests()
      const calls = servers.flatMap((server) => [test(id, server), test(id, server), test(id, server)])
      for (const answer of await Promise.all(calls)) expect(answer).toMatchObject({ isConnected: true })
      expect(tokenRequests() - before).toBe(1)
    }
    expect(salesforce.model.reuses).toBe(0)
  })

  it('is replaced by JWT bearer, which has no refresh token', async () => {
    const org = newOrg()
    const { org: told } = await callSalesforce(servers[0], 'RegisterSalesforceOrg', jwtApp(salesforce, org).input)
    salesforce.model.expireAccessTokens(org)
    const before = tokenRequests()
    const answers = await Promise.all(servers.map((server) => test(told.id, server)))
    expect(answers.map(({ isConnected }) => isConnected)).toEqual([true, true])
    expect(tokenRequests() - before).toBe(1)
  })
})

describe('the state of an org', () => {
  it.each([
    ['BLOCKED', (org: FakeOrg) => blockApps(org, true), (org: FakeOrg) => blockApps(org, false), 'blocked by admin'],
    ['BLOCKED', (org: FakeOrg) => restrict(org, true), (org: FakeOrg) => restrict(org, false), 'ip restricted'],
    ['LOCKED', (org: FakeOrg) => lock(org, 'locked'), (org: FakeOrg) => lock(org, 'active'), 'organization is locked'],
  ] as const)('is %s for as long as Salesforce says so, with its words', async (state, begin, end, words) => {
    const { org, id } = await rotatingOrg()
    begin(org)
    salesforce.model.expireAccessTokens(org)
    const answer = await test(id)
    expect(answer).toMatchObject({ isConnected: false, org: { state } })
    expect(answer.error).toContain(words)
    expect(answer.org.stateMessage).toContain(words)
    await test(id)
    expect(await arrived(id, 'salesforce.auth_failed')).toMatchObject([{ data: { state } }])
    end(org)
    expect(await test(id)).toMatchObject({ isConnected: true, org: { state: 'ACTIVE', stateMessage: null } })
    expect(await arrived(id, 'salesforce.org_recovered')).toHaveLength(1)
  })

  it.each([
    ['a maintenance page', { kind: 'maintenance' }],
    ['a broken connection', { kind: 'break' }],
    ['a rate limit', { kind: 'answer', status: 400, body: { error: 'rate_limit_exceeded' } }],
    ['status 420', { kind: 'answer', status: 420, body: 'Enhance your calm' }],
  ] as const)('is MAINTENANCE after %s, which ends nothing', async (_, fault) => {
    const { org, id } = await rotatingOrg()
    salesforce.model.expireAccessTokens(org)
    salesforce.faults.arm(/oauth2\/token/, fault)
    expect(await test(id)).toMatchObject({ isConnected: false, org: { state: 'MAINTENANCE' } })
    expect(await arrived(id, 'salesforce.org_unavailable')).toHaveLength(1)
    expect(await eventsOf(id, 'salesforce.auth_failed')).toEqual([])
    expect(await test(id)).toMatchObject({ isConnected: true, org: { state: 'ACTIVE' } })
  })

  it('is NEEDS_REAUTHORIZATION once the authorization has ended, and the token endpoint is asked no more', async () => {
    const { id, grant } = await rotatingOrg()
    salesforce.model.revoke(grant)
    const answer = await test(id)
    expect(answer).toMatchObject({ isConnected: false, org: { state: 'NEEDS_REAUTHORIZATION' } })
    expect(answer.error).toContain('expired access/refresh token')
    const before = salesforce.requests.length
    expect(await test(id)).toMatchObject({ isConnected: false })
    const opened = await callSalesforce(servers[0], 'OpenSalesforceOrg', { org: id })
    expect(opened).toMatchObject({ code: 'SALESFORCE_ORG_UNUSABLE', state: 'NEEDS_REAUTHORIZATION' })
    expect(salesforce.requests.length).toBe(before)
    expect(await arrived(id, 'salesforce.auth_failed')).toHaveLength(1)
  })

  it('is ACTIVE again when the org is registered again', async () => {
    const { org, id, grant } = await rotatingOrg()
    salesforce.model.revoke(grant)
    await test(id)
    const { org: told } = await callSalesforce(servers[0], 'RegisterSalesforceOrg', jwtApp(salesforce, org).input)
    expect(told).toMatchObject({ id, state: 'ACTIVE', method: 'JWT_BEARER' })
    expect(await test(id)).toMatchObject({ isConnected: true })
  })
})

describe('an authorization that nobody uses', () => {
  it('is used when its time has come, and announced when that fails for too long', async () => {
    const { id, grant } = await rotatingOrg()
    const before = grant.refreshToken
    await database.query('UPDATE salesforce_org SET refresh_due_at = now() WHERE id = $1', [id])
    const third = await startTestServer({ env: { ...salesforce.env, LOG_LEVEL: 'silent' }, database })
    try {
      await until(async () => grant.refreshToken !== before)
      await arrived(id, 'salesforce.token_refreshed')
      expect(await eventsOf(id, 'salesforce.auth_expiring')).toEqual([])
    } finally {
      await third.close()
    }
    await database.query("UPDATE salesforce_org SET refreshed_at = now() - interval '21 days' WHERE id = $1", [id])
    const fourth = await startTestServer({ env: { ...salesforce.env, LOG_LEVEL: 'silent' }, database })
    try {
      expect(await arrived(id, 'salesforce.auth_expiring')).toMatchObject([{ data: { reason: 'UNUSED' } }])
    } finally {
      await fourth.close()
    }
  })
})

function blockApps(org: FakeOrg, isBlocked: boolean): void {
  for (const { org: of, app } of salesforce.model.grants) if (of === org) app.isBlocked = isBlocked
}

function restrict(org: FakeOrg, isIpRestricted: boolean): void {
  for (const { org: of, app } of salesforce.model.grants) if (of === org) app.isIpRestricted = isIpRestricted
}

function lock(org: FakeOrg, status: FakeOrg['status']): void {
  org.status = status
}
