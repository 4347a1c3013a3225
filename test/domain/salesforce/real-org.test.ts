import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { callSalesforce } from '#test/support/salesforce/orgs.ts'
import { runTask } from '#test/support/salesforce/tasks.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'
import { zipOf } from '#test/support/zip.ts'

/** An SFDX auth URL of an org that may be used for this; see src/docs/salesforce.md. */
const authUrl = process.env['SALESFORCE_TEST_AUTH_URL']

describe.runIf(authUrl)('a real org', () => {
  let server: TestServer
  let org = ''
  beforeAll(async () => {
    server = await startTestServer()
    const { org: told, message } = await callSalesforce(server, 'RegisterSalesforceOrg', { authUrl, isDefault: true })
    expect(message).toBeUndefined()
    org = told.username
  })
  afterAll(async () => {
    // The authorization is the CLI's, and stays.
    await callSalesforce(server, 'RemoveSalesforceOrg', { org, revoke: false })
    await server.close()
  })

  it('is connected to, and opened', async () => {
    expect(await callSalesforce(server, 'TestSalesforceOrg', { org })).toMatchObject({ isConnected: true, error: null })
    expect((await callSalesforce(server, 'OpenSalesforceOrg', { org })).url).toMatch(/^https:\/\//)
  })

  it('is asked for its limits and its records', async () => {
    expect(await runTask(server, 'salesforce.limits', {})).toMatchObject({ error: null, status: 'COMPLETED' })
    const soql = 'SELECT Id, Name FROM Organization'
    expect(await runTask(server, 'salesforce.query', { soql })).toMatchObject({ error: null, result: { totalSize: 1 } })
    const users = { soql: 'SELECT Id, Username FROM User', bulk: 'always' }
    expect(await runTask(server, 'salesforce.query', users)).toMatchObject({ error: null, status: 'COMPLETED' })
  }, 120_000)

  it('validates a class, and lets metadata be retrieved', async () => {
    const xmlns = 'xmlns="http://soap.sforce.com/2006/04/metadata"'
    const types = '<types><members>SignalboxTrial</members><name>ApexClass</name></types>'
    const zip = zipOf([
      { name: 'package.xml', data: `<?xml version="1.0"?><Package ${xmlns}>${types}<version>60.0</version></Package>` },
      { name: 'classes/SignalboxTrial.cls', data: 'public class SignalboxTrial {}' },
      {
        name: 'classes/SignalboxTrial.cls-meta.xml',
        data: `<?xml version="1.0"?><ApexClass ${xmlns}><apiVersion>60.0</apiVersion></ApexClass>`,
      },
    ])
    const validated = await runTask(server, 'salesforce.validate', { zipBase64: zip.toString('base64') })
    expect(validated).toMatchObject({ error: null, status: 'COMPLETED' })
    const retrieved = await runTask(server, 'salesforce.retrieve', { types: { ApexClass: ['*'] } })
    expect(retrieved).toMatchObject({ error: null, status: 'COMPLETED' })
  }, 600_000)
})
