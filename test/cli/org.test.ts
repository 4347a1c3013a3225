import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { run } from '#test/support/command-line.ts'
import { authUrlOf, jwtApp } from '#test/support/salesforce/orgs.ts'
import { type FakeSalesforce, startFakeSalesforce } from '#test/support/salesforce/server.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'

let salesforce: FakeSalesforce
let server: TestServer
let directory: string
beforeAll(async () => {
  salesforce = await startFakeSalesforce()
  server = await startTestServer({ env: { ...salesforce.env, LOG_LEVEL: 'silent' } })
  directory = await mkdtemp(join(tmpdir(), 'signalbox-org-'))
})
afterAll(async () => {
  await server.close()
  await salesforce.close()
  await rm(directory, { recursive: true, force: true })
})

const signalbox = (...args: string[]) =>
  run(['org', ...args], { env: { SIGNALBOX_URL: server.url, SIGNALBOX_TOKEN: server.token } })

async function file(name: string, content: string): Promise<string> {
  await writeFile(join(directory, name), content)
  return join(directory, name)
}

describe('org', () => {
  it('adds one by key, lists, shows, tests, opens and removes it', async () => {
    const org = salesforce.model.addOrg({ domain: 'cli', username: 'cli@acme.example' })
    const { input } = jwtApp(salesforce, org)
    const { clientId, privateKey } = input['jwtBearer'] as { clientId: string; privateKey: string }
    const key = ['--key-file', await file('server.key', privateKey)]
    const app = ['--client-id', clientId, '--username', 'cli@acme.example', '--login-url', salesforce.urlOf(org)]
    const added = await signalbox('add', ...app, ...key, '--default', '--metadata', 'team=cli', '--metadata', 'tier=2')
    expect([added.code, added.stderr]).toEqual([0, ''])
    expect(added.stdout).toMatch(/state +ACTIVE[\s\S]*team=cli\n +tier=2/)
    expect((await signalbox('list', '--metadata', 'tier=2')).stdout).toMatch(
      /cli@acme\.example +PRODUCTION +ACTIVE +yes/,
    )
    expect(JSON.parse((await signalbox('show', '--json')).stdout)).toMatchObject({
      orgId: org.id,
      method: 'JWT_BEARER',
    })
    const tested = await signalbox('test', 'cli@acme.example')
    expect([tested.code, tested.stdout]).toEqual([
      0,
      expect.stringMatching(/^cli@acme\.example is connected: API 66\.0/),
    ])
    const opened = await signalbox('open', 'cli@acme.example', '--path', '/home')
    expect(opened.stdout).toMatch(/^https:\/\/cli\.my\.salesforce\.localhost:\d+\/secur\/frontdoor\.jsp\?otp=\S+\n$/)
    expect(opened.stderr).toContain('works once')
    const updated = await signalbox('update', 'cli@acme.example', '--no-default', '--dev-hub')
    expect(updated.stdout).toMatch(/kind +PRODUCTION, Dev Hub/)
    org.status = 'locked'
    const locked = await signalbox('test', 'cli@acme.example')
    expect([locked.code, locked.stdout]).toEqual([1, expect.stringContaining('is not connected (LOCKED)')])
    expect((await signalbox('remove', 'cli@acme.example')).stdout).toContain('is removed')
    expect((await signalbox('test', 'cli@acme.example')).code).toBe(4)
  })

  it('adds one by auth URL with a remark, and by client secret', async () => {
    const org = salesforce.model.addOrg({ domain: 'cli2', username: 'cli2@acme.example' })
    const authUrl = await file('auth-url', `${authUrlOf(salesforce, org, salesforce.model.addApp())}\n`)
    const added = await signalbox('add', '--auth-url-file', authUrl)
    expect([added.code, added.stderr]).toEqual([0, expect.stringContaining('refresh token')])
    const app = salesforce.model.addApp({ runAs: 'cli2@acme.example' })
    const secret = await file('client-secret', app.clientSecret)
    const again = ['--client-id', app.clientId, '--client-secret-file', secret, '--login-url', salesforce.urlOf(org)]
    expect((await signalbox('add', ...again)).stdout).toMatch(/authorized by +CLIENT_CREDENTIALS/)
  })

  it('shows where to approve an app', async () => {
    const flow = ['--web', '--client-id', 'client', '--login-url', salesforce.loginUrl]
    const begun = await signalbox('add', ...flow, '--callback-url', 'https://signalbox.test/callback')
    expect(begun.stdout).toMatch(/^https:\/\/login\.salesforce\.localhost:\d+\/services\/oauth2\/authorize\?\S+\n$/)
    const unknown = await signalbox('add', ...flow)
    expect([unknown.code, unknown.stderr]).toEqual([2, expect.stringContaining('PUBLIC_URL')])
  })

  it('says what is missing', async () => {
    expect((await signalbox('add')).stderr).toContain('Give one of --key-file')
    expect((await signalbox('add', '--sandbox', 'dev')).stderr).toContain('--sandbox needs --production')
    const key = await file('none.key', 'x')
    expect((await signalbox('add', '--key-file', key, '--client-id', 'x')).stderr).toContain(
      '--key-file needs --username',
    )
    expect((await signalbox('update', 'x')).stderr).toContain('There is nothing to change')
  })
})
