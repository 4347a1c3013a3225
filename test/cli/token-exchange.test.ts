import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CiIssuer, startCiIssuer } from '#test/support/ci-issuer.ts'
import { run } from '#test/support/command-line.ts'
import { graphql } from '#test/support/graphql.ts'
import { mainFile } from '#test/support/process.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'
import { loopbackAllowed } from '#test/support/webhooks.ts'

let issuer: CiIssuer
let server: TestServer
let directory: string
beforeAll(async () => {
  issuer = await startCiIssuer()
  directory = await mkdtemp(join(tmpdir(), 'signalbox-exchange-'))
  const configFile = join(directory, 'signalbox.config.mjs')
  const claims = { repository: 'acme/shop' }
  const scopes = ['tasks:read', 'events:read']
  const trust = { main: { issuer: issuer.url, audience: 'https://signalbox.test', claims, scopes, maxSeconds: 900 } }
  await writeFile(configFile, `export default { trust: ${JSON.stringify(trust)} }`)
  server = await startTestServer({ env: { ...loopbackAllowed, ROLES: 'api', LOG_LEVEL: 'silent' }, configFile })
})
afterAll(async () => {
  await server.close()
  await issuer.close()
  await rm(directory, { recursive: true, force: true })
})

const ciToken = () => issuer.sign({ repository: 'acme/shop' })

async function scopesOf(token: string): Promise<readonly string[] | undefined> {
  const { data } = await graphql<{ viewer: { scopes: string[] } }>(server, '{ viewer { scopes } }', {}, token)
  return data?.viewer.scopes
}

const exchange = (args: readonly string[], options: { input?: string; env?: Record<string, string> } = {}) =>
  run(['token', 'exchange', ...args], { ...options, env: { SIGNALBOX_URL: server.url, ...options.env } })

describe('token exchange', () => {
  it('reads the OIDC token from standard input, a file or a variable, and prints the new one only', async () => {
    const file = join(directory, 'jwt')
    await writeFile(file, `${await ciToken()}\n`)
    const outcomes = [
      await exchange([], { input: `${await ciToken()}\n` }),
      await exchange(['--oidc-token-file', '-'], { input: await ciToken() }),
      await exchange(['--oidc-token-file', file]),
      await exchange(['--oidc-token-env', 'CI_JWT'], { env: { CI_JWT: await ciToken() } }),
    ]
    for (const { code, stdout, stderr } of outcomes) {
      expect([code, stderr]).toEqual([0, expect.stringMatching(/^The trust rule main matches\. It expires .*\n$/)])
      expect(stdout).toMatch(/^sbx_\w+\n$/)
      expect(await scopesOf(stdout.trim())).toEqual(['tasks:read', 'events:read'])
    }
  })

  it('narrows the scopes, and prints everything with --json', async () => {
    const { stdout } = await exchange(['--scope', 'events:read', '--json'], { input: await ciToken() })
    const answer = JSON.parse(stdout) as { token: string }
    expect(answer).toEqual({
      token: expect.stringMatching(/^sbx_/),
      expiresAt: expect.stringMatching(/Z$/),
      scopes: ['events:read'],
      rule: 'main',
    })
    expect(await scopesOf(answer.token)).toEqual(['events:read'])
  })

  it('says why there is none, with the exit code of a refusal', async () => {
    const refused = await exchange([], { input: await issuer.sign({ repository: 'acme/other' }) })
    expect(refused).toMatchObject({ code: 3, stdout: '', stderr: expect.stringContaining('claims') })
    const wide = await exchange(['--scope', 'tasks:write'], { input: await ciToken() })
    expect(wide).toMatchObject({ code: 3, stdout: '', stderr: expect.stringContaining('tasks:write') })
  })

  it('refuses two sources, an empty one and one that is missing', async () => {
    const both = await exchange(['--oidc-token-file', '-', '--oidc-token-env', 'CI_JWT'])
    expect(both).toMatchObject({ code: 2, stderr: expect.stringContaining('not both') })
    expect(await exchange([])).toMatchObject({ code: 2, stderr: expect.stringContaining('standard input') })
    const unset = await exchange(['--oidc-token-env', 'CI_JWT'])
    expect(unset).toMatchObject({ code: 2, stderr: expect.stringContaining('CI_JWT') })
    expect(await exchange(['--oidc-token-file', join(directory, 'none')])).toMatchObject({ code: 2, stdout: '' })
  })
})

describe('the recipes for GitHub Actions in the documentation', () => {
  let github: Server
  let requestUrl: string
  beforeAll(async () => {
    // Where a job requests its OIDC token.
    github = createServer((req, res) => {
      const audience = new URL(req.url ?? '', 'http://localhost').searchParams.get('audience')
      if (req.headers.authorization !== 'Bearer request-token' || audience === null) return res.writeHead(401).end()
      void issuer.sign({ repository: 'acme/shop', aud: audience }).then((value) => res.end(JSON.stringify({ value })))
      return res
    }).listen(0, '127.0.0.1')
    await once(github, 'listening')
    requestUrl = `http://127.0.0.1:${(github.address() as AddressInfo).port}/token?api-version=2.0`
    const shim = join(directory, 'signalbox')
    await writeFile(shim, `#!/bin/sh\nexec "${process.execPath}" "${mainFile}" "$@"\n`)
    await chmod(shim, 0o755)
  })
  afterAll(() => github.close())

  it.each(['curl', 'signalbox'])('give the steps of a job a token: %s', async (program) => {
    const script = await recipeWith(program === 'curl' ? '/api/auth/token' : 'signalbox token exchange')
    const environmentFile = join(directory, `github-env-${program}`)
    const bash = spawn('bash', ['-e', '-o', 'pipefail', '-c', script], {
      env: {
        PATH: `${directory}${delimiter}${process.env['PATH']}`,
        ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'request-token',
        ACTIONS_ID_TOKEN_REQUEST_URL: requestUrl,
        GITHUB_ENV: environmentFile,
      },
    })
    const [stdout, stderr] = await Promise.all([text(bash.stdout), text(bash.stderr), once(bash, 'close')])
    expect([bash.exitCode, stderr]).toEqual([0, expect.any(String)])
    const [, token = ''] = /^SIGNALBOX_TOKEN=(sbx_\w+)\n$/.exec(await readFile(environmentFile, 'utf8')) ?? []
    expect(stdout).toBe(`::add-mask::${token}\n`)
    expect(await scopesOf(token)).toEqual(['tasks:read', 'events:read'])
  })
})

/** The script of the step with this text, for the server of this test. */
async function recipeWith(part: string): Promise<string> {
  const page = await readFile(join(import.meta.dirname, '../../src/docs/access.md'), 'utf8')
  const steps = [...page.matchAll(/^ {2}- run: \|\n((?: {6}.*\n)+)/gm)].map(([, script = '']) => script)
  const script = steps.find((one) => one.includes(part))
  if (script === undefined) throw new Error(`The documentation has no step with ${part}.`)
  return script
    .replaceAll('audience=https://signalbox.example.com', 'audience=https://signalbox.test')
    .replaceAll('https://signalbox.example.com', server.url)
}
