import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { run, start } from '#test/support/command-line.ts'
import { graphql } from '#test/support/graphql.ts'
import { addPerson, signIn } from '#test/support/people.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'

let server: TestServer
let home: string
let env: Record<string, string>
beforeAll(async () => {
  server = await startTestServer({ env: { LOG_LEVEL: 'silent' } })
})
afterAll(() => server.close())
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'signalbox-home-'))
  env = { SIGNALBOX_URL: server.url, XDG_CONFIG_HOME: home }
  return () => rm(home, { recursive: true, force: true })
})

const signalbox = (...args: string[]) => run(args, { env })

async function decide(name: 'approveDevice' | 'denyDevice', userCode: string, token: string): Promise<void> {
  const type = name === 'approveDevice' ? 'ApproveDeviceInput' : 'DenyDeviceInput'
  const query = `mutation($input: ${type}!) { ${name}(input: $input) { __typename ... on Failure { message } } }`
  const { data, errors } = await graphql<Record<string, object>>(server, query, { input: { userCode } }, token)
  expect([data?.[name], errors]).toEqual([expect.not.objectContaining({ message: expect.any(String) }), undefined])
}

/** Signs in, as a person with a browser would approve it. */
async function login(email: string, ...args: string[]) {
  const { accessToken } = await signIn(server, email)
  const command = start(['login', ...args], { env })
  await command.says('Waiting until', 'stderr')
  const [, userCode = ''] = /^ {2}(\w{4}-\w{4})$/m.exec(command.stderr()) ?? []
  expect(command.stderr()).toContain(`  ${server.url}/device?user_code=${userCode}\n`)
  await decide('approveDevice', userCode, accessToken)
  expect(await command.ended).toBe(0)
  return command
}

async function files(): Promise<string[]> {
  const directory = join(home, 'signalbox', 'sessions')
  return (await readdir(directory)).map((name) => join(directory, name))
}

interface Kept {
  readonly refreshToken: string
  readonly accessToken: string
  readonly accessTokenExpiresAt: string
}

/** Changes what is kept, as time would. */
async function change(changes: Partial<Kept>): Promise<Kept> {
  const [file = ''] = await files()
  const kept = JSON.parse(readFileSync(file, 'utf8')) as Kept
  writeFileSync(file, JSON.stringify({ ...kept, ...changes }))
  return kept
}

describe('login', () => {
  it('lets other commands go on without a token, and logout ends that', async () => {
    const email = await addPerson(server)
    const { stdout } = await login(email)
    expect(stdout()).toBe(`You are signed in at ${server.url} as ${email} (MEMBER).\n`)
    const [file = '', ...more] = await files()
    expect(more).toEqual([])
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect((await signalbox('whoami')).stdout).toContain(`${email} (user)`)
    const { nodes } = JSON.parse((await signalbox('session', 'list', '--json')).stdout) as { nodes: object[] }
    expect(nodes[0]).toMatchObject({ isCurrent: true, userAgent: expect.stringMatching(/^signalbox\/\d.* \(\w+\)$/) })
    const { accessToken } = await change({})
    expect((await signalbox('logout')).stdout).toBe(`You are signed out at ${server.url}.\n`)
    expect(await files()).toEqual([])
    const { code, stderr } = await signalbox('whoami')
    expect([code, stderr]).toEqual([3, expect.stringContaining(`You are not signed in at ${server.url}`)])
    const { errors } = await graphql(server, '{ viewer { id } }', {}, accessToken)
    expect(errors?.[0]?.extensions?.['code']).toBe('UNAUTHENTICATED')
    expect((await signalbox('logout')).stdout).toBe(`You were not signed in at ${server.url}.\n`)
  })

  it('lets its person issue, list, rotate and revoke personal tokens', async () => {
    const email = await addPerson(server)
    await login(email)
    const issued = await signalbox('token', 'issue', 'script', '--scope', 'tasks:read')
    expect([issued.code, issued.stderr]).toEqual([
      0,
      expect.stringMatching(/^Personal token [0-9a-f-]{36} was created: script\./),
    ])
    const token = issued.stdout.trim()
    const whoami = await run(['whoami', '--json'], { env: { ...env, SIGNALBOX_TOKEN: token } })
    expect(JSON.parse(whoami.stdout)).toMatchObject({ kind: 'application', scopes: ['tasks:read'] })
    const list = async () =>
      JSON.parse((await signalbox('token', 'list', '--json')).stdout) as { nodes: { id: string }[] }
    const [own] = (await list()).nodes
    expect((await list()).nodes).toMatchObject([{ name: 'script', owner: { name: email } }])
    expect((await signalbox('token', 'rotate', own?.id ?? '')).code).toBe(0)
    const [successor] = (await list()).nodes
    expect((await signalbox('token', 'revoke', successor?.id ?? '')).code).toBe(0)
    expect((await list()).nodes).toMatchObject([{ status: 'REVOKED' }, { status: 'REVOKED' }])
    const wide = await signalbox('token', 'issue', 'wide', '--scope', 'documents:write')
    expect([wide.code, wide.stderr]).toEqual([3, expect.stringContaining('documents:write')])
  })

  it('asks only for --scope, under --name, and ends the session that it replaces', async () => {
    const email = await addPerson(server)
    await login(email)
    const before = await change({})
    await login(email, '--scope', 'tasks:read', '--name', 'my machine')
    const { scopes } = JSON.parse((await signalbox('whoami', '--json')).stdout) as { scopes: string[] }
    expect(scopes).toEqual(['tasks:read'])
    const { errors } = await graphql(server, '{ viewer { id } }', {}, before.accessToken)
    expect(errors?.[0]?.extensions?.['code']).toBe('UNAUTHENTICATED')
  })

  it('says that it was refused', async () => {
    const { accessToken } = await signIn(server, await addPerson(server))
    const command = start(['login', '--json'], { env })
    await command.says('userCode')
    const { userCode } = JSON.parse(command.stdout()) as { userCode: string }
    await decide('denyDevice', userCode, accessToken)
    expect(await command.ended).toBe(3)
    expect(command.stderr()).toContain('The sign-in was refused on the page.')
  })

  it('gives up at Ctrl-C, and says what is wrong with a scope', async () => {
    const command = start(['login', '--account', 'my account'], { env })
    await command.says('Waiting until', 'stderr')
    expect(command.stderr()).toMatch(/\/device\?user_code=\w{4}-\w{4}&account=my\+account\n/)
    command.child.kill('SIGINT')
    expect(await command.ended).toBe(130)
    const { code, stderr } = await signalbox('login', '--scope', 'nonsense')
    expect([code, stderr]).toEqual([2, expect.stringContaining('"nonsense" is not a scope')])
  })
})

describe('a session that is kept', () => {
  it('is renewed once when several commands need that at the same time', async () => {
    const email = await addPerson(server)
    await login(email)
    const before = await change({ accessTokenExpiresAt: new Date().toISOString() })
    const answers = await Promise.all(Array.from({ length: 4 }, () => signalbox('whoami', '--json')))
    expect(answers.map(({ code, stderr }) => [code, stderr])).toEqual(Array(4).fill([0, '']))
    const after = await change({})
    expect(after.refreshToken).not.toBe(before.refreshToken)
    const used =
      'SELECT count(*)::int AS count FROM refresh_token WHERE used_at IS NOT NULL AND session_id = (SELECT max(id::text)::uuid FROM session)'
    expect(await server.database.query(used)).toEqual([{ count: 1 }])
  })

  it('that has ended says so, and leaves no file behind', async () => {
    const email = await addPerson(server)
    await login(email)
    await change({ accessTokenExpiresAt: new Date().toISOString() })
    await graphql(server, 'mutation($who: String!) { endSessions(input: { who: $who }) { __typename } }', {
      who: email,
    })
    const { code, stderr } = await signalbox('task', 'list')
    expect([code, stderr]).toEqual([3, expect.stringContaining('You are no longer signed in')])
    expect(await files()).toEqual([])
  })

  it.each(['', 'nonsense', '{}'])('is none when the file holds %j', async (content) => {
    await login(await addPerson(server))
    writeFileSync((await files())[0] ?? '', content)
    const { code, stderr } = await signalbox('whoami')
    expect([code, stderr]).toEqual([3, expect.stringContaining('You are not signed in')])
  })

  it('gives way to SIGNALBOX_TOKEN and --token', async () => {
    await login(await addPerson(server))
    const { stdout } = await run(['whoami'], { env: { ...env, SIGNALBOX_TOKEN: server.token } })
    expect(stdout).toContain('owner (application)')
  })
})
