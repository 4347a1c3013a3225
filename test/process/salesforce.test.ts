import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { submitTask } from '#test/support/follower.ts'
import { graphqlData } from '#test/support/graphql.ts'
import { type ServerProcess, startServerProcess } from '#test/support/process.ts'
import { salesforceCertificate } from '#test/support/salesforce/certificate.ts'
import { authUrlOf, callSalesforce, jwtApp } from '#test/support/salesforce/orgs.ts'
import { type FakeSalesforce, startFakeSalesforce } from '#test/support/salesforce/server.ts'
import { ended, runTask } from '#test/support/salesforce/tasks.ts'
import { createTestDatabase, type TestDatabase } from '#test/support/server.ts'
import { until } from '#test/support/until.ts'
import { zipOf } from '#test/support/zip.ts'

let salesforce: FakeSalesforce
let database: TestDatabase
let directory: string
const processes: ServerProcess[] = []
beforeAll(async () => {
  salesforce = await startFakeSalesforce()
  directory = await mkdtemp(join(tmpdir(), 'signalbox-salesforce-'))
  await writeFile(join(directory, 'ca.pem'), salesforceCertificate.cert)
})
afterAll(async () => {
  await salesforce.close()
  await rm(directory, { recursive: true, force: true })
})
beforeEach(async () => {
  database = await createTestDatabase()
})
afterEach(async () => {
  salesforce.faults.clear()
  for (const one of processes.splice(0)) await one.end('SIGKILL')
  await database.drop()
})

async function start(roles = 'api'): Promise<ServerProcess> {
  const dataDir = join(directory, String(processes.length))
  const env = { ...salesforce.env, NODE_EXTRA_CA_CERTS: join(directory, 'ca.pem'), LOG_LEVEL: 'trace', ROLES: roles }
  const server = await startServerProcess({ dataDir, databaseUrl: database.url, env })
  processes.push(server)
  return server
}

const tokenRequests = () => salesforce.requests.filter(({ path }) => path === '/services/oauth2/token')

it('a process that is killed between Salesforce’s answer and the commit never has the old refresh token used again', async () => {
  const server = await start()
  const org = salesforce.model.addOrg({ domain: 'killed', username: 'killed@acme.example' })
  const app = salesforce.model.addApp({ rotates: true })
  const { org: told } = await callSalesforce(server, 'RegisterSalesforceOrg', {
    authUrl: authUrlOf(salesforce, org, app),
  })
  const before = tokenRequests().length
  salesforce.model.expireAccessTokens(org)
  const { promise: held, resolve: release } = Promise.withResolvers<void>()
  salesforce.faults.arm(/oauth2\/token/, { kind: 'hold', held })
  const refreshes = salesforce.model.refreshes
  const lost = callSalesforce(server, 'TestSalesforceOrg', { org: told.id }).catch(() => undefined)
  // Salesforce has replaced the token, and its answer is on the way.
  await until(async () => salesforce.model.refreshes > refreshes)
  await server.end('SIGKILL')
  release()
  await lost
  const next = await start()
  const answer = await callSalesforce(next, 'TestSalesforceOrg', { org: told.id })
  expect(answer).toMatchObject({ isConnected: false, org: { state: 'NEEDS_REAUTHORIZATION' } })
  expect(answer.error).toContain('Register the org again')
  expect(tokenRequests().length - before).toBe(1)
  expect(salesforce.model.reuses).toBe(0)
}, 120_000)

/** A deployment that is under way in an org, of a task whose worker was killed. */
async function leaveDeployment(domain: string) {
  const worker = await start('api,worker')
  const username = `${domain}@acme.example`
  const org = salesforce.model.addOrg({ domain, username })
  await callSalesforce(worker, 'RegisterSalesforceOrg', jwtApp(salesforce, org).input)
  org.work.isHeld = true
  const zip = zipOf([
    { name: 'package.xml', data: '<Package/>' },
    { name: 'classes/A.cls', data: 'class A {}' },
  ])
  const input = { org: username, zipBase64: zip.toString('base64') }
  const id = await submitTask(worker, { type: 'salesforce.deploy', input })
  const statuses = () => [...org.work.deployments.values()].map(({ status }) => status)
  await until(() => statuses().includes('InProgress'))
  await until(async () => (await database.query('SELECT 1 FROM salesforce_deployment')).length === 1)
  await worker.end('SIGKILL')
  return { id, org, statuses }
}

it('a deployment whose worker is killed is not started again: the next attempt watches it', async () => {
  const { id, org, statuses } = await leaveDeployment('left')
  const next = await start('api,worker')
  await until(async () => (await database.query('SELECT 1 FROM task_attempt')).length === 1)
  org.work.isHeld = false
  expect(await ended(next, id)).toMatchObject({ status: 'COMPLETED' })
  expect(statuses()).toEqual(['Succeeded'])
}, 120_000)

it('a deployment whose task is cancelled after its worker was killed is cancelled in the org', async () => {
  const { id, statuses } = await leaveDeployment('cancelled')
  const api = await start('api')
  await graphqlData(api, 'mutation ($id: ID!) { cancelTask(input: { id: $id }) { __typename } }', { id })
  const worker = await start('worker')
  expect(await ended(api, id)).toMatchObject({ status: 'CANCELLED' })
  await until(() => statuses().includes('Canceled'), 60_000)
  const events = () => database.query("SELECT data FROM journal WHERE type = 'salesforce.deployed'")
  await until(async () => (await events()).length > 0, 60_000)
  expect(await events()).toMatchObject([{ data: { taskId: id, status: 'Canceled', isSuccessful: false } }])
  await worker.end('SIGTERM')
}, 180_000)

it('no credential is found in logs, events, the audit log or the database', async () => {
  const server = await start('api,worker')
  const { model } = salesforce
  const secrets: string[] = []
  const rotating = model.addOrg({ domain: 'leaks1', username: 'leaks1@acme.example' })
  const app = model.addApp({ rotates: true, needsSecret: true })
  const authUrl = authUrlOf(salesforce, rotating, app)
  const first = await callSalesforce(server, 'RegisterSalesforceOrg', { authUrl })
  const byKey = model.addOrg({ domain: 'leaks2', username: 'leaks2@acme.example' })
  const { app: keyApp, input } = jwtApp(salesforce, byKey)
  const second = await callSalesforce(server, 'RegisterSalesforceOrg', input)
  secrets.push(...(input['jwtBearer'] as { privateKey: string }).privateKey.split('\n').slice(1, 3))
  const third = model.addApp({ runAs: 'leaks2@acme.example' })
  const clientCredentials = { clientId: third.clientId, clientSecret: third.clientSecret }
  await callSalesforce(server, 'RegisterSalesforceOrg', { clientCredentials, loginUrl: salesforce.urlOf(byKey) })
  for (const id of [first.org.id, second.org.id]) {
    model.expireAccessTokens(rotating)
    model.expireAccessTokens(byKey)
    await callSalesforce(server, 'TestSalesforceOrg', { org: id })
    await callSalesforce(server, 'OpenSalesforceOrg', { org: id })
    await fetch(`${server.url}/api/auth/salesforce/frontdoor?target=${id}`, {
      redirect: 'manual',
      headers: { authorization: `Bearer ${server.token}` },
    })
  }
  byKey.records.set('Account', [])
  for (const input of [{ soql: 'SELECT Id FROM Account' }, { soql: 'SELEKT' }])
    await runTask(server, 'salesforce.query', { org: second.org.id, ...input })
  const zip = zipOf([
    { name: 'package.xml', data: '<Package/>' },
    { name: 'classes/A.cls', data: 'class A {}' },
  ])
  const deployment = { org: second.org.id, zipBase64: zip.toString('base64') }
  expect(await runTask(server, 'salesforce.deploy', deployment)).toMatchObject({ status: 'COMPLETED' })
  await runTask(server, 'salesforce.retrieve', { org: second.org.id, types: { ApexClass: ['*'] } })
  keyApp.approved.clear()
  model.expireAccessTokens(byKey)
  await callSalesforce(server, 'TestSalesforceOrg', { org: second.org.id })
  await callSalesforce(server, 'RegisterSalesforceOrg', { ...input, authUrl })
  await callSalesforce(server, 'RegisterSalesforceOrg', { authUrl })
  await callSalesforce(server, 'RegisterSalesforceOrg', { authUrl: authUrl.slice(0, -20) })
  await callSalesforce(server, 'BeginSalesforceLogin', {
    clientId: app.clientId,
    clientSecret: app.clientSecret,
    loginUrl: salesforce.urlOf(rotating),
    redirectUri: 'https://signalbox.test/callback',
  })
  await callSalesforce(server, 'RemoveSalesforceOrg', { org: first.org.id })
  const shown = await graphqlData(
    server,
    '{ events(types: ["salesforce.*", "salesforce.token_refreshed", "task.*"]) { nodes { type data } } auditEntries { nodes { type data } } }',
  )
  const tables = await database.query<{ name: string }>(
    "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'",
  )
  const dump = await Promise.all(
    tables.map(async ({ name }) =>
      JSON.stringify(await database.query(`SELECT to_jsonb(t)::text AS row FROM "${name}" t`)),
    ),
  )
  await server.end('SIGTERM')
  secrets.push(...model.secrets)
  expect(secrets.length).toBeGreaterThan(15)
  const places = { log: server.output(), shown: JSON.stringify(shown), database: dump.join('\n') }
  for (const [place, text] of Object.entries(places))
    expect([place, secrets.filter((secret) => text.includes(secret))]).toEqual([place, []])
  expect(places.shown).toContain('salesforce.token_refreshed')
}, 120_000)
