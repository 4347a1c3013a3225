import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { Follower, submitTask, taskFeed } from '#test/support/follower.ts'
import { graphqlData } from '#test/support/graphql.ts'
import { startReceiver } from '#test/support/receiver.ts'
import type { FakeOrg } from '#test/support/salesforce/model.ts'
import { callSalesforce, jwtApp } from '#test/support/salesforce/orgs.ts'
import { type FakeSalesforce, startFakeSalesforce } from '#test/support/salesforce/server.ts'
import { certificateEnv, ended, readPart, runTask } from '#test/support/salesforce/tasks.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'
import { until } from '#test/support/until.ts'
import { createWebhook } from '#test/support/webhooks.ts'
import { type ZipMember, zipOf } from '#test/support/zip.ts'

let salesforce: FakeSalesforce
let server: TestServer
let root: string
beforeAll(async () => {
  salesforce = await startFakeSalesforce()
  root = mkdtempSync(join(tmpdir(), 'signalbox-projects-'))
  writeFileSync(join(root, 'signalbox.config.ts'), 'export default { roots: [import.meta.dirname] }')
  server = await startTestServer({
    env: { ...salesforce.env, ...certificateEnv(), LOG_LEVEL: 'silent' },
    configFile: join(root, 'signalbox.config.ts'),
  })
})
afterAll(async () => {
  await server.close()
  await salesforce.close()
  rmSync(root, { recursive: true, force: true })
})
afterEach(() => salesforce.faults.clear())

let count = 0
async function newOrg(): Promise<{ org: FakeOrg; username: string; id: string }> {
  count += 1
  const username = `deploys${count}@acme.example`
  const org = salesforce.model.addOrg({ domain: `deploys${count}`, username })
  const { org: told } = await callSalesforce(server, 'RegisterSalesforceOrg', jwtApp(salesforce, org).input)
  return { org, username, id: told.id }
}

const manifest = `<?xml version="1.0" encoding="UTF-8"?>
<Package xmlns="http://soap.sforce.com/2006/04/metadata"><types><members>*</members><name>ApexClass</name></types><version>66.0</version></Package>`
const meta = '<ApexClass xmlns="http://soap.sforce.com/2006/04/metadata"><apiVersion>66.0</apiVersion></ApexClass>'

/** A package of classes, by their names. */
function packageOf(classes: Readonly<Record<string, string>>): ZipMember[] {
  return [
    { name: 'package.xml', data: manifest },
    ...Object.entries(classes).flatMap(([name, data]) => [
      { name: `classes/${name}.cls`, data },
      { name: `classes/${name}.cls-meta.xml`, data: meta },
    ]),
  ]
}

const small = () => zipOf(packageOf({ Invoices: 'public class Invoices {}' }))
const base64 = (zip: Buffer) => ({ zipBase64: zip.toString('base64') })
const run = (type: string, input: object, more?: object) => runTask(server, type, input, more)

/** A git repository below the root with these files; returns its path from there. */
function repositoryOf(files: Readonly<Record<string, string>>): string {
  const directory = mkdtempSync(join(root, 'repository-'))
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true })
    writeFileSync(join(directory, name), content)
  }
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', ...args], { cwd: directory })
  git('init', '--quiet')
  git('add', '.')
  git('commit', '--quiet', '--message', 'all')
  return directory
}

async function cancel(id: string): Promise<void> {
  await graphqlData(server, 'mutation ($id: ID!) { cancelTask(input: { id: $id }) { __typename } }', { id })
}

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

describe('a deployment', () => {
  it('of a real project tree is validated, deployed at once, retrieved, and deployed elsewhere from that part', async () => {
    const { org, username, id } = await newOrg()
    org.work.tests.set('InvoicesTest', [{ method: 'adds' }])
    const source = repositoryOf({
      'README.md': 'not deployed',
      'metadata/package.xml': manifest,
      'metadata/classes/Invoices.cls': 'public class Invoices {}',
      'metadata/classes/Invoices.cls-meta.xml': meta,
    })
    const repository = { source, directory: 'metadata' }
    const testLevel = 'RunLocalTests'
    const validated = await run('salesforce.validate', { org: username, repository, testLevel })
    expect(validated).toMatchObject({
      status: 'COMPLETED',
      result: {
        status: 'Succeeded',
        componentsDeployed: 1,
        testsRun: 1,
        parts: ['test-results.json', 'coverage.json', 'junit.xml'],
      },
    })
    expect(org.work.files.size).toBe(0)
    expect(await arrived(id, 'salesforce.validated')).toMatchObject([{ taskId: validated.id, isSuccessful: true }])

    const deployed = await run('salesforce.deploy', { org: username, validation: validated.id })
    expect(deployed).toMatchObject({ status: 'COMPLETED', result: { status: 'Succeeded', testsRun: 0 } })
    expect([...org.work.files.keys()]).toEqual(['classes/Invoices.cls', 'classes/Invoices.cls-meta.xml'])
    expect(await arrived(id, 'salesforce.deployed')).toMatchObject([
      { username, taskId: deployed.id, status: 'Succeeded' },
    ])

    const retrieved = await run('salesforce.retrieve', { org: username, types: { ApexClass: ['Invoices', 'Missing'] } })
    expect(retrieved).toMatchObject({ status: 'COMPLETED', result: { files: 1, parts: ['package.zip', 'files.json'] } })
    expect(retrieved.result?.['problems']).toEqual([expect.stringContaining("named 'Missing' cannot be found")])

    const other = await newOrg()
    const again = await run('salesforce.deploy', { org: other.username, part: { taskId: retrieved.id } })
    expect(again).toMatchObject({ status: 'COMPLETED' })
    expect(other.org.work.files).toEqual(org.work.files)
  }, 90_000)

  it('of a project in source format is converted first', async () => {
    const { org, username } = await newOrg()
    const source = repositoryOf({
      'sfdx-project.json': JSON.stringify({
        packageDirectories: [{ path: 'force-app', default: true }],
        sourceApiVersion: '66.0',
      }),
      'force-app/main/default/classes/Invoices.cls': 'public class Invoices {}',
      'force-app/main/default/classes/Invoices.cls-meta.xml': meta,
    })
    const deployed = await run('salesforce.deploy', { org: username, repository: { source } })
    expect(deployed.error).toBeNull()
    expect([...org.work.files.keys()].toSorted()).toEqual(['classes/Invoices.cls', 'classes/Invoices.cls-meta.xml'])
  }, 60_000)

  it('fails with component problems and failed tests, which are parts', async () => {
    const { org, username, id: orgId } = await newOrg()
    org.work.tests.set('InvoicesTest', [{ method: 'adds', failure: 'Expected 1' }, { method: 'subtracts' }])
    const zip = zipOf(
      packageOf({ Bad: 'public class Bad {\n#error Variable does not exist: x\n}', Good: 'public class Good {}' }),
    )
    const { id, error } = await run('salesforce.deploy', { org: username, ...base64(zip), testLevel: 'RunLocalTests' })
    expect(error).toMatchObject({ code: 'DEPLOY_FAILED', retryable: false })
    expect(error?.message).toBe(
      'Salesforce reports Failed: classes/Bad.cls:2: Variable does not exist: x; InvoicesTest.adds: Expected 1.',
    )
    expect(JSON.parse(String(await readPart(server, id, 'component-problems.json')))).toEqual([
      {
        type: 'ApexClass',
        name: 'Bad',
        file: 'classes/Bad.cls',
        line: 2,
        column: 1,
        severity: 'Error',
        message: 'Variable does not exist: x',
      },
    ])
    expect(String(await readPart(server, id, 'junit.xml'))).toContain('<failure message="Expected 1">')
    expect(JSON.parse(String(await readPart(server, id, 'coverage.json')))).toContainEqual({
      name: 'Good',
      type: 'Class',
      lines: 10,
      uncovered: 2,
      percent: 80,
    })
    expect(org.work.files.size).toBe(0)
    expect(await arrived(orgId, 'salesforce.deployed')).toMatchObject([
      { isSuccessful: false, componentErrors: 1, testErrors: 1 },
    ])
  })

  it('is cancelled in the org when its task is, and watched live until then', async () => {
    const { org, username, id: orgId } = await newOrg()
    org.work.isHeld = true
    const follower = await Follower.open(server, taskFeed)
    const id = await submitTask(server, { type: 'salesforce.deploy', input: { org: username, ...base64(small()) } })
    await until(() => [...org.work.deployments.values()].some(({ status }) => status === 'InProgress'))
    await cancel(id)
    expect(await ended(server, id)).toMatchObject({ status: 'CANCELLED' })
    expect([...org.work.deployments.values()].map(({ status }) => status)).toEqual(['Canceled'])
    const steps = () => follower.history.flatMap(({ taskId, step }) => (taskId === id && step) || [])
    await until(() => steps().includes('cancelling in the org'))
    expect(steps()).toEqual(expect.arrayContaining(['package', 'upload', 'components', 'cancelling in the org']))
    await follower.close()
    expect(await arrived(orgId, 'salesforce.deployed')).toMatchObject([{ status: 'Canceled', isSuccessful: false }])
  })

  it('shares its limit with all tasks of the same org, however its username is written, and with no others', async () => {
    const { username } = await newOrg()
    const other = await newOrg()
    const runAt = new Date(Date.now() + 3_600_000)
    const keyOf = async (type: string, org: string) => {
      const input = type === 'salesforce.deploy' ? { org, ...base64(small()) } : { org }
      const id = await submitTask(server, { type, input, runAt })
      const query = 'query ($id: ID!) { task(id: $id) { concurrencyKey } }'
      return (await graphqlData<{ task: { concurrencyKey: string } }>(server, query, { id })).task.concurrencyKey
    }
    const key = await keyOf('salesforce.deploy', username)
    expect(key).not.toBe('')
    expect(await keyOf('salesforce.limits', username.toUpperCase())).toBe(key)
    expect(await keyOf('salesforce.deploy', other.username)).not.toBe(key)
  })

  it('waits out maintenance, and goes on with an access token that was replaced', async () => {
    const { org, username } = await newOrg()
    salesforce.faults.arm(/deployRequest\/\w+$/, { kind: 'maintenance' }, 2)
    org.work.isHeld = true
    const id = await submitTask(server, { type: 'salesforce.deploy', input: { org: username, ...base64(small()) } })
    await until(() => [...org.work.deployments.values()].some(({ status }) => status === 'InProgress'))
    salesforce.model.expireAccessTokens(org)
    org.work.isHeld = false
    expect(await ended(server, id)).toMatchObject({ status: 'COMPLETED' })
    expect(org.work.deployments.size).toBe(1)
  })
})

it('a pipeline validates in whichever of three sandboxes is free, watches live, and a webhook reports the deployment', async () => {
  const receiver = await startReceiver()
  await createWebhook(server, { name: 'chat', url: receiver.url, events: ['salesforce.deployed'] })
  const orgs = [await newOrg(), await newOrg(), await newOrg()]
  for (const [index, { org, username }] of orgs.entries()) {
    org.work.tests.set('InvoicesTest', [{ method: 'adds' }])
    await change('CreateEnvironment', {
      name: `qa${index}`,
      category: 'TEST',
      orgUsername: username,
      tags: ['pipeline'],
    })
  }
  const wish = { where: { tags: ['pipeline'] }, ttlMs: 60_000 }
  const taken = [await change('AcquireEnvironment', wish), await change('AcquireEnvironment', wish)]
  const mine = await change('AcquireEnvironment', { ...wish, waitMs: 60_000, reason: 'PR 42' })
  expect(new Set([...taken, mine].map(({ id }) => id)).size).toBe(3)
  const follower = await Follower.open(server, taskFeed)
  const org = mine.orgUsername
  const validated = await run('salesforce.validate', { org, ...base64(small()), testLevel: 'RunLocalTests' })
  expect(validated).toMatchObject({ status: 'COMPLETED', result: { username: org, testsRun: 1 } })
  await follower.find(({ taskId, status }) => taskId === validated.id && status === 'COMPLETED')
  await follower.close()
  await change('ReleaseEnvironment', { id: mine.id, fence: mine.lease.fence })
  const deployed = await run('salesforce.deploy', { org, validation: validated.id })
  // Deployments of the examples before this one may end meanwhile.
  const delivery = await until(() => {
    return receiver.received.map(({ body }) => JSON.parse(body)).find(({ data }) => data.taskId === deployed.id)
  })
  expect(delivery).toMatchObject({
    type: 'salesforce.deployed',
    data: { taskId: deployed.id, username: org, isSuccessful: true, componentErrors: 0 },
  })
  await receiver.close()
}, 60_000)

interface HeldEnvironment {
  readonly id: string
  readonly orgUsername: string
  readonly lease: { readonly fence: number }
}

/** Calls a mutation of environments, by the name of its input without "Input". */
async function change(name: string, input: object): Promise<HeldEnvironment> {
  const field = `${name.charAt(0).toLowerCase()}${name.slice(1)}`
  const query = `mutation ($input: ${name}Input!) { outcome: ${field}(input: $input) {
    ... on ${name}Payload { environment { id orgUsername lease { fence } } } ... on Failure { message } } }`
  type Outcome = { outcome: { environment?: HeldEnvironment; message?: string } }
  const { outcome } = await graphqlData<Outcome>(server, query, { input })
  if (outcome.environment === undefined) throw new Error(outcome.message)
  return outcome.environment
}

describe('a quick deployment', () => {
  it('needs a validation of the same org that has succeeded', async () => {
    const { org, username } = await newOrg()
    org.work.tests.set('InvoicesTest', [{ method: 'adds' }])
    const input = { org: username, ...base64(small()) }
    const validated = await run('salesforce.validate', { ...input, testLevel: 'RunLocalTests' })
    const other = await newOrg()
    const elsewhere = await run('salesforce.deploy', { org: other.username, validation: validated.id })
    expect(elsewhere.error).toMatchObject({ code: 'NOT_VALIDATED', retryable: false })
    await server.database.query(
      "UPDATE salesforce_deployment SET started_at = now() - interval '11 days' WHERE task_id = $1",
      [validated.id],
    )
    const late = await run('salesforce.deploy', { org: username, validation: validated.id })
    expect(late.error?.message).toContain('more than ten days old')
  })
})

describe('a package that Salesforce would not take is refused before anything is sent', () => {
  const lie = { name: 'classes/Bomb.cls', data: Buffer.alloc(1_000_000), claimedBytes: 10 }
  it.each([
    ['no zip file', 'NOT_A_ZIP', () => Buffer.from('PK, but no zip')],
    ['a zip file that is cut', 'NOT_A_ZIP', () => small().subarray(0, 200)],
    [
      'a path out of its directory',
      'ZIP_ESCAPES',
      () => zipOf([...packageOf({}), { name: '../../etc/passwd', data: 'x' }]),
    ],
    ['an absolute path', 'ZIP_ESCAPES', () => zipOf([...packageOf({}), { name: '/etc/passwd', data: 'x' }])],
    [
      'a symbolic link',
      'ZIP_ESCAPES',
      () => zipOf([...packageOf({}), { name: 'classes/a', data: '/etc/passwd', mode: 0o120777 }]),
    ],
    ['more than it claims to hold', 'ZIP_BOMB', () => zipOf([...packageOf({}), lie])],
    [
      'more than 600 MB unpacked',
      'PACKAGE_TOO_LARGE',
      () => zipOf([...packageOf({}), { name: 'staticresources/Huge.resource', data: 'x', claimedBytes: 700_000_000 }]),
    ],
    ['no package.xml', 'NO_MANIFEST', () => zipOf([{ name: 'classes/A.cls', data: 'class A {}' }])],
  ] as const)('%s', async (_, code, zip) => {
    const { org, username } = await orgForRefusals()
    const { error } = await run('salesforce.deploy', { org: username, ...base64(zip()) })
    expect(error).toMatchObject({ code, retryable: false })
    if (code === 'PACKAGE_TOO_LARGE') expect(error?.message).toContain('Huge.resource (700000000 bytes)')
    expect(org.work.deployments.size).toBe(0)
  })

  it.each([
    [
      'more than 10,000 files',
      () => Array.from({ length: 10_000 }, (_, n) => ({ name: `c/${n}`, data: '' })),
      'Most are in: c (10000)',
    ],
    [
      'more than 39 MB',
      () => [{ name: 'staticresources/Noise.resource', data: randomBytes(41_000_000) }],
      'Noise.resource (',
    ],
  ] as const)(
    '%s, in a part of another task',
    async (_, files, words) => {
      const { org, username } = await orgForRefusals()
      const zip = zipOf([...packageOf({}), ...files()])
      const file = createServer((_request, response) => response.end(zip)).listen(0, '127.0.0.1')
      await once(file, 'listening')
      const url = `http://127.0.0.1:${(file.address() as AddressInfo).port}/package.zip`
      const fetched = await run('http.request', { url, response: 'part' })
      file.close()
      const part = { taskId: fetched.id, taskType: 'http.request', name: 'body' }
      const { error } = await run('salesforce.deploy', { org: username, part })
      expect(error).toMatchObject({ code: 'PACKAGE_TOO_LARGE', retryable: false })
      expect(error?.message).toContain(words)
      const wrong = await run('salesforce.deploy', {
        org: username,
        part: { ...part, taskType: 'salesforce.retrieve' },
      })
      expect(wrong.error?.code).toBe('PART_NOT_FOUND')
      expect(org.work.deployments.size).toBe(0)
    },
    60_000,
  )

  let shared: ReturnType<typeof newOrg> | undefined
  function orgForRefusals() {
    shared ??= newOrg()
    return shared
  }
})

describe('salesforce.sourceCheck', () => {
  const project = (directories: string[]) =>
    JSON.stringify({ packageDirectories: directories.map((path) => ({ path })) })

  it('lists components and writes their manifest', async () => {
    const source = repositoryOf({
      'sfdx-project.json': project(['force-app']),
      'force-app/classes/Invoices.cls': 'public class Invoices {}',
      'force-app/classes/Invoices.cls-meta.xml': meta,
    })
    const { id, status, result, error } = await run('salesforce.sourceCheck', { repository: { source } })
    expect({ status, error, result }).toMatchObject({
      status: 'COMPLETED',
      error: null,
      result: { components: 1, types: { ApexClass: 1 } },
    })
    const xml = String(await readPart(server, id, 'package.xml'))
    expect(xml).toContain('<members>Invoices</members>')
    expect(xml).toContain('<name>ApexClass</name>')
  })

  it('finds malformed metadata, duplicates and missing package directories', async () => {
    const source = repositoryOf({
      'sfdx-project.json': project(['one', 'two', 'three']),
      'one/classes/Invoices.cls': 'public class Invoices {}',
      'one/classes/Invoices.cls-meta.xml': meta,
      'one/classes/Broken.cls': 'public class Broken {}',
      'one/classes/Broken.cls-meta.xml': '<ApexClass>\n<apiVersion>66.0</ApexClass>',
      'two/classes/Invoices.cls': 'public class Invoices {}',
      'two/classes/Invoices.cls-meta.xml': meta,
    })
    const { id, error } = await run('salesforce.sourceCheck', { repository: { source } })
    expect(error).toMatchObject({ code: 'SOURCE_INVALID', retryable: false })
    const problems = JSON.parse(String(await readPart(server, id, 'problems.json'))) as Record<string, unknown>[]
    expect(problems).toContainEqual(expect.objectContaining({ kind: 'MISSING_PACKAGE_DIRECTORY', file: 'three' }))
    expect(problems).toContainEqual(
      expect.objectContaining({ kind: 'MALFORMED_XML', file: 'one/classes/Broken.cls-meta.xml', line: 2 }),
    )
    expect(problems).toContainEqual(
      expect.objectContaining({ kind: 'DUPLICATE', message: expect.stringContaining('ApexClass Invoices') }),
    )
  })
})
