import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { submitTask } from '#test/support/follower.ts'
import { graphqlData } from '#test/support/graphql.ts'
import type { FakeOrg } from '#test/support/salesforce/model.ts'
import { callSalesforce, jwtApp } from '#test/support/salesforce/orgs.ts'
import { type FakeSalesforce, startFakeSalesforce } from '#test/support/salesforce/server.ts'
import { certificateEnv, ended, readPart, runTask } from '#test/support/salesforce/tasks.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'
import { addToken, ownAccount } from '#test/support/tokens.ts'
import { until } from '#test/support/until.ts'

let salesforce: FakeSalesforce
let server: TestServer
beforeAll(async () => {
  salesforce = await startFakeSalesforce()
  server = await startTestServer({ env: { ...salesforce.env, ...certificateEnv(), LOG_LEVEL: 'silent' } })
})
afterAll(async () => {
  await server.close()
  await salesforce.close()
})
afterEach(() => salesforce.faults.clear())

let count = 0
/** A registered org. */
async function newOrg(): Promise<{ org: FakeOrg; username: string; id: string }> {
  count += 1
  const username = `types${count}@acme.example`
  const org = salesforce.model.addOrg({ domain: `types${count}`, username })
  const { org: told } = await callSalesforce(server, 'RegisterSalesforceOrg', jwtApp(salesforce, org).input)
  return { org, username, id: told.id }
}

const run = (type: string, input: object, more?: object) => runTask(server, type, input, more)

/** The events of a type about an org, once there are some. */
function arrived(id: string, type: string) {
  const query =
    'query ($subject: String, $types: [String!]) { events(subject: $subject, types: $types) { nodes { data } } }'
  return until(async () => {
    const variables = { subject: `salesforce-org:${id}`, types: [type] }
    const { events } = await graphqlData<{ events: { nodes: { data: Record<string, unknown> }[] } }>(
      server,
      query,
      variables,
    )
    return events.nodes.length > 0 && events.nodes.map(({ data }) => data)
  })
}

describe('salesforce.query', () => {
  it('has a small result in the task, without what Salesforce adds to records', async () => {
    const { org, username } = await newOrg()
    org.records.set('Account', [{ Id: '001', Name: 'Acme', Owner: { attributes: { type: 'User' }, Name: 'Ada' } }])
    const { status, result } = await run('salesforce.query', {
      org: username,
      soql: 'SELECT Id, Name, Owner.Name FROM Account',
    })
    expect({ status, result }).toEqual({
      status: 'COMPLETED',
      result: { username, totalSize: 1, done: true, records: [{ Id: '001', Name: 'Acme', Owner: { Name: 'Ada' } }] },
    })
  })

  it('streams a large result of several pages into a part, and deletes the job', async () => {
    const { org, username } = await newOrg()
    const many = 45_000
    org.work.rows.set('Contact', {
      columns: ['Id', 'Note'],
      count: many,
      row: (index) => [`003${index}`, index % 2 === 0 ? `a "quoted", note\nof two lines ${index} ✓` : ''],
    })
    const soql = 'SELECT Id, Note FROM Contact'
    const { id, status, result } = await run('salesforce.query', { org: username, soql, bulk: 'always' })
    expect({ status, result }).toMatchObject({
      status: 'COMPLETED',
      result: { totalSize: many, parts: ['records-001.ndjson'] },
    })
    const lines = (await readPart(server, id, 'records-001.ndjson')).toString().trimEnd().split('\n')
    expect(lines).toHaveLength(many)
    expect(JSON.parse(lines[0] ?? '')).toEqual({ Id: '0030', Note: 'a "quoted", note\nof two lines 0 ✓' })
    expect(JSON.parse(lines.at(-1) ?? '')).toEqual({ Id: `003${many - 1}`, Note: null })
    expect(org.work.bulkJobs.size).toBe(0)
    const csv = await run('salesforce.query', { org: username, soql, bulk: 'always', format: 'csv' })
    const text = (await readPart(server, csv.id, 'records-001.csv')).toString()
    expect(text.startsWith('"Id","Note"\n"0030","a ""quoted"", note\nof two lines 0 ✓"\n"0031",""\n')).toBe(true)
    expect(text.match(/"Id","Note"/g)).toHaveLength(1)
  })

  it('aborts the bulk job when the task is cancelled', async () => {
    const { org, username } = await newOrg()
    org.work.isHeld = true
    org.work.rows.set('Lead', { columns: ['Id'], count: 1, row: () => ['00Q1'] })
    const id = await submitTask(server, {
      type: 'salesforce.query',
      input: { org: username, soql: 'SELECT Id FROM Lead', bulk: 'always' },
    })
    await until(() => [...org.work.bulkJobs.values()].some(({ state }) => state === 'InProgress'))
    await graphqlData(server, 'mutation ($id: ID!) { cancelTask(input: { id: $id }) { __typename } }', { id })
    expect(await ended(server, id)).toMatchObject({ status: 'CANCELLED' })
    expect(org.work.bulkJobs.size).toBe(0)
  })

  it('fails with Salesforce’s words for a query that it does not understand', async () => {
    const { username } = await newOrg()
    const { error } = await run('salesforce.query', { org: username, soql: 'SELEKT 1' })
    expect(error).toMatchObject({ code: 'MALFORMED_QUERY', retryable: false })
    expect(error?.message).toContain('unexpected token')
  })

  it('uses a new access token when Salesforce takes the stored one no longer, and each use is on record', async () => {
    const { org, username, id } = await newOrg()
    org.records.set('Account', [])
    salesforce.model.expireAccessTokens(org)
    const task = await run('salesforce.query', { org: username, soql: 'SELECT Id FROM Account' })
    expect(task).toMatchObject({ status: 'COMPLETED', result: { totalSize: 0 } })
    expect(await arrived(id, 'salesforce.credential_used')).toMatchObject([
      { username, taskId: task.id, taskType: 'salesforce.query' },
    ])
  })

  it('tries again after a fault that passes', async () => {
    const { org, username } = await newOrg()
    org.records.set('Account', [])
    const busy = [{ errorCode: 'REQUEST_LIMIT_EXCEEDED', message: 'ConcurrentRequests limit exceeded.' }]
    salesforce.faults.arm(/\/query$/, { kind: 'answer', status: 403, body: busy })
    const retry = { delayMs: 1 }
    expect(await run('salesforce.query', { org: username, soql: 'SELECT Id FROM Account' }, { retry })).toMatchObject({
      status: 'COMPLETED',
    })
  })

  it('needs an org that exists', async () => {
    const { error } = await run('salesforce.query', { org: 'nobody@acme.example', soql: 'SELECT Id FROM Account' })
    expect(error).toMatchObject({ code: 'SALESFORCE_ORG_NOT_FOUND', retryable: false })
    const byDefault = await run('salesforce.query', { soql: 'SELECT Id FROM Account' })
    expect(byDefault.error?.message).toBe(
      'The account has no default Salesforce org: name one, or make one the default.',
    )
  })
})

it('salesforce.limits has all limits, and announces those that are near', async () => {
  const { org, username, id } = await newOrg()
  org.limits['DailyApiRequests'] = { Max: 1_000, Remaining: 100 }
  const { result } = await run('salesforce.limits', { org: username })
  expect(result).toMatchObject({ username, near: ['DailyApiRequests'] })
  expect(result?.['limits']).toContainEqual({ name: 'DailyApiRequests', max: 1_000, remaining: 100, usedPercent: 90 })
  expect(await arrived(id, 'salesforce.limit_near')).toMatchObject([
    { limits: [{ name: 'DailyApiRequests', max: 1_000, remaining: 100 }] },
  ])
})

describe('salesforce.apexTests', () => {
  it('has results of each method as JSON and JUnit, and coverage', async () => {
    const { org, username } = await newOrg()
    org.work.tests.set('InvoicesTest', [{ method: 'adds' }, { method: 'subtracts' }])
    const { id, status, result } = await run('salesforce.apexTests', {
      org: username,
      classes: ['InvoicesTest'],
      coverage: true,
    })
    expect({ status, result }).toMatchObject({
      status: 'COMPLETED',
      result: { username, passed: 2, skipped: 0, parts: ['test-results.json', 'junit.xml', 'coverage.json'] },
    })
    expect(JSON.parse(String(await readPart(server, id, 'coverage.json')))).toEqual([
      { name: 'Invoices', lines: 10, uncovered: 2, percent: 80 },
    ])
    expect(String(await readPart(server, id, 'junit.xml'))).toContain(
      '<testcase classname="InvoicesTest" name="adds" time="0.012"/>',
    )
  })

  it('fails when a test does, which the JUnit part names', async () => {
    const { org, username } = await newOrg()
    org.work.tests.set('BadTest', [{ method: 'breaks', failure: 'Expected: <1>, "actual": 2' }, { method: 'works' }])
    const { id, error } = await run('salesforce.apexTests', { org: username, testLevel: 'RunLocalTests' })
    expect(error).toMatchObject({ code: 'TESTS_FAILED', retryable: false })
    expect(error?.message).toBe('1 of 2 tests failed: BadTest.breaks: Expected: <1>, "actual": 2.')
    const report = String(await readPart(server, id, 'junit.xml'))
    expect(report).toContain('<testsuites tests="2" failures="1" errors="0" skipped="0" time="0.024">')
    expect(report).toContain('<failure message="Expected: &lt;1&gt;, &quot;actual&quot;: 2">')
  })

  it('aborts the tests in the org when the task is cancelled', async () => {
    const { org, username } = await newOrg()
    org.work.isHeld = true
    org.work.tests.set('SlowTest', [{ method: 'waits' }])
    const id = await submitTask(server, {
      type: 'salesforce.apexTests',
      input: { org: username, classes: ['SlowTest'] },
    })
    await until(() => [...org.work.testRuns.values()].some(({ status }) => status === 'Processing'))
    await graphqlData(server, 'mutation ($id: ID!) { cancelTask(input: { id: $id }) { __typename } }', { id })
    expect(await ended(server, id)).toMatchObject({ status: 'CANCELLED' })
    expect([...org.work.testRuns.values()].map(({ status }) => status)).toEqual(['Aborted'])
  })
})

describe('the right to submit', () => {
  const query = `mutation ($input: SubmitTaskInput!) { submitTask(input: $input) {
    ... on SubmitTaskPayload { task { id } } ... on Failure { code message } } }`
  async function refusal(scopes: string[], type: string, input: object): Promise<string | undefined> {
    const { token } = await addToken(server, { accountId: await ownAccount(server), scopes })
    const response = await fetch(`${server.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify({ query, variables: { input: { type, input } } }),
    })
    const { errors } = (await response.json()) as { errors?: { message: string }[] }
    return errors?.[0]?.message
  }
  const soql = { soql: 'SELECT Id FROM Account' }
  const part = { taskId: '019e7c3a-5b1e-7c3a-8a51-3f5d0c9a4b11', taskType: 'build' }

  it.each([
    ['tasks:write alone does not reach an org', ['tasks:write'], 'salesforce.query', soql, /salesforce:use/],
    [
      'salesforce:use does not deploy',
      ['tasks:write', 'salesforce:use'],
      'salesforce.deploy',
      { zipBase64: 'UEs=' },
      /salesforce:deploy/,
    ],
    [
      'a part needs the right to read its task',
      ['tasks:write:type=salesforce.deploy', 'salesforce:deploy'],
      'salesforce.deploy',
      { part },
      /tasks:read/,
    ],
  ] as const)('%s', async (_, scopes, type, input, refused) => {
    expect(await refusal([...scopes], type, input)).toMatch(refused)
  })

  it('salesforce:deploy includes salesforce:use', async () => {
    expect(await refusal(['tasks:write', 'salesforce:deploy'], 'salesforce.query', soql)).toBeUndefined()
  })
})
