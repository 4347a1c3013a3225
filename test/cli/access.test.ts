import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { run } from '#test/support/command-line.ts'
import { password, signIn } from '#test/support/people.ts'
import { mainFile } from '#test/support/process.ts'
import type { TestServer } from '#test/support/server.ts'
import { sharedServer } from '#test/support/shared-server.ts'
import { addToken, ownAccount } from '#test/support/tokens.ts'

let server: TestServer
let env: Record<string, string>
beforeAll(async () => {
  server = await sharedServer()
  env = { SIGNALBOX_URL: server.url, SIGNALBOX_TOKEN: server.token }
})
afterAll(() => server.close())

function signalbox(...args: readonly string[]) {
  return run(args, { env })
}

/** What a command answers with `--json`. */
async function json<Answer>(...args: readonly string[]): Promise<Answer> {
  const { code, stdout, stderr } = await signalbox(...args, '--json')
  expect(stderr).toBe('')
  expect(code).toBe(0)
  return JSON.parse(stdout) as Answer
}

interface Token {
  readonly id: string
  readonly name: string
  readonly scopes: string[]
  readonly status: string
  readonly createdAt: string
  readonly expiresAt: string
  readonly endReason: string | null
}

interface Issued {
  readonly token: string
  readonly applicationToken: Token
}

interface Page<Node> {
  readonly nodes: Node[]
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string }
}

const make = (name: string, ...more: string[]) =>
  json<Issued>('token', 'create', name, '--scope', 'tasks:read', ...more)

const daysOf = ({ createdAt, expiresAt }: Token) =>
  Math.round((Date.parse(expiresAt) - Date.parse(createdAt)) / 86_400_000)

/** Whether a token is accepted. */
async function works(token: string): Promise<boolean> {
  const { code } = await run(['task', 'list'], { env: { ...env, SIGNALBOX_TOKEN: token } })
  return code === 0
}

describe('token create', () => {
  it('has the token alone on standard output, and what it is on standard error', async () => {
    const { code, stdout, stderr } = await signalbox(
      'token',
      'create',
      'pipeline',
      '--scope',
      'tasks:write:type=deploy.*',
      '--scope',
      'events:read',
      '--expires-in',
      '90d',
    )
    expect(code).toBe(0)
    expect(stdout).toMatch(/^sbx_[0-9A-Za-z]{46}\n$/)
    expect(stderr).toMatch(/^Application token [0-9a-f-]{36} was created: pipeline\.\n/)
    expect(stderr).toMatch(/It expires \d{4}-.* Scopes: tasks:write:type=deploy\.\*, events:read\./)
    expect(stderr).not.toContain(stdout.trim())
  })

  it('can be taken into a variable of a shell', async () => {
    const script = 'TOKEN=$("$0" "$1" token create nightly --scope tasks:read 2>/dev/null); printf "<%s>" "$TOKEN"'
    const { stdout } = await promisify(execFile)('sh', ['-c', script, process.execPath, mainFile], { env })
    expect(stdout).toMatch(/^<sbx_[0-9A-Za-z]{46}>$/)
  })

  it('makes one that ends after 30 days, or when it is asked to', async () => {
    expect(daysOf((await make('a')).applicationToken)).toBe(30)
    expect(daysOf((await make('b', '--expires-in', '7')).applicationToken)).toBe(7)
  })

  it.each([
    [['x'], 'A token needs a scope'],
    [['x', '--scope', 'tasks:fly'], 'scopes.0: "tasks:fly" is not a scope'],
    [['x', '--scope', 'tasks:read', '--expires-in', '12h'], 'It must be whole days, such as 30d.'],
    [['x', '--scope', 'tasks:read', '--expires-in', '400d'], '  expiresInDays: must be 1 to 365 days'],
    [[' ', '--scope', 'tasks:read'], '  name: must not be empty'],
    [[], "missing required argument 'name'"],
  ])('refuses %j', async (args, message) => {
    const { code, stdout, stderr } = await signalbox('token', 'create', ...args)
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toContain(message)
  })

  it('says what its maker may not give away', async () => {
    const { token } = await addToken(server, { accountId: await ownAccount(server), scopes: ['access:admin'] })
    const { code, stderr } = await signalbox('token', 'create', 'x', '--scope', 'tasks:read', '--token', token)
    expect([code, stderr]).toEqual([
      3,
      'You must hold every scope that this grants, changes or revokes; you lack: tasks:read.\n',
    ])
  })
})

describe('token list', () => {
  it('shows each with its status, newest first, page by page', async () => {
    const { applicationToken: older } = await make('older')
    const { applicationToken: newer } = await make('newer')
    await signalbox('token', 'revoke', older.id)
    const { stdout } = await signalbox('token', 'list', '--first', '200')
    expect(stdout).toMatch(/^ID +NAME +STATUS +ENDS IN +LAST USED +SCOPES$/m)
    expect(stdout).toMatch(new RegExp(`^${newer.id} +newer +ACTIVE +(29 d 23|30 d 0) h +never +tasks:read$`, 'm'))
    expect(stdout).toMatch(new RegExp(`^${older.id} +older +REVOKED +never +tasks:read$`, 'm'))
    const page = await json<Page<Token>>('token', 'list', '--status', 'active', '--first', '1')
    expect(page).toMatchObject({ nodes: [{ status: 'ACTIVE' }], pageInfo: { hasNextPage: true } })
    const after = ['--after', page.pageInfo.endCursor]
    const next = await json<Page<Token>>('token', 'list', '--status', 'active', '--first', '1', ...after)
    expect(next.nodes[0]?.id).not.toBe(page.nodes[0]?.id)
  })

  it('says so when there are none', async () => {
    expect(await signalbox('token', 'list', '--status', 'expired')).toEqual({
      code: 0,
      stdout: '',
      stderr: 'No application tokens.\n',
    })
  })
})

describe('token rotate', () => {
  it('prints the successor alone, and ends the old one at once', async () => {
    const old = await make('rotated')
    const { code, stdout, stderr } = await signalbox('token', 'rotate', old.applicationToken.id)
    expect(code).toBe(0)
    expect(stdout).toMatch(/^sbx_[0-9A-Za-z]{46}\n$/)
    expect(stderr).toContain(`Application token ${old.applicationToken.id} is not accepted from now on.\n`)
    expect(stderr).toMatch(/^Its successor is [0-9a-f-]{36}: rotated\.$/m)
    expect([await works(stdout.trim()), await works(old.token)]).toEqual([true, false])
  })

  it('lets the old one work during the overlap', async () => {
    const old = await make('overlapping')
    const args = [old.applicationToken.id, '--overlap', '1h', '--expires-in', '3d']
    const { stderr, stdout } = await signalbox('token', 'rotate', ...args)
    expect(stderr).toContain(`Application token ${old.applicationToken.id} ends within 1 h 0 min.\n`)
    expect([await works(stdout.trim()), await works(old.token)]).toEqual([true, true])
  })

  it('renews the token that it is called with', async () => {
    const scopes = ['--scope', 'access:admin']
    const { token, applicationToken } = await make('self', ...scopes)
    const { code, stdout } = await signalbox('token', 'rotate', applicationToken.id, '--token', token)
    expect(code).toBe(0)
    expect(await works(stdout.trim())).toBe(true)
  })

  it('refuses what is too long, has ended or is not there', async () => {
    const { applicationToken } = await make('refused')
    const rotate = (...args: string[]) => signalbox('token', 'rotate', ...args)
    expect(await rotate(applicationToken.id, '--overlap', '8d')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('at most seven days'),
    })
    expect(await rotate(applicationToken.id, '--overlap', 'soon')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('It must be a duration such as 30s, 10m, 2h or 1d.'),
    })
    await signalbox('token', 'revoke', applicationToken.id)
    expect(await rotate(applicationToken.id)).toMatchObject({ code: 5 })
    expect(await rotate('0197e2c4-0000-7000-8000-000000000000')).toMatchObject({ code: 4 })
  })
})

describe('token revoke', () => {
  it('ends a token by its id or by itself, and keeps the reason', async () => {
    const { applicationToken } = await make('lost')
    const { id } = applicationToken
    expect(await signalbox('token', 'revoke', id, '--reason', 'was in a log')).toEqual({
      code: 0,
      stdout: `Application token ${id} was revoked: lost.\n`,
      stderr: '',
    })
    expect(await signalbox('token', 'revoke', id)).toMatchObject({
      code: 5,
      stderr: expect.stringContaining('no longer valid'),
    })
    const { token } = await make('spilt')
    expect(await json<Token>('token', 'revoke', token, '--reason', 'spilt')).toMatchObject({
      status: 'REVOKED',
      endReason: 'spilt',
    })
  })
})

let count = 0
async function person(...more: string[]): Promise<string> {
  count += 1
  const email = `person-${count}@example.com`
  await json('user', 'create', email, ...more)
  return email
}

describe('user', () => {
  it('is let in, shown, changed and let go', async () => {
    const args = ['ada@example.com', '--first-name', 'Ada', '--last-name', 'Byron']
    expect(await signalbox('user', 'create', ...args)).toEqual({
      code: 0,
      stdout: 'ada@example.com was added to the account: MEMBER.\n',
      stderr: '',
    })
    const { stdout } = await signalbox('user', 'show', 'Ada@example.com')
    expect(stdout).toMatch(/^email +ada@example\.com$/m)
    expect(stdout).toMatch(/^name +Ada Byron$/m)
    expect(stdout).toMatch(/^signed in +never$/m)
    expect(await signalbox('user', 'update', 'ada@example.com', '--last-name', 'Lovelace', '--role', 'owner')).toEqual({
      code: 0,
      stdout: 'ada@example.com was updated: Ada Lovelace, OWNER.\n',
      stderr: '',
    })
    await person('--role', 'owner')
    expect(await signalbox('user', 'remove', 'ada@example.com')).toEqual({
      code: 0,
      stdout: 'ada@example.com was removed from the account.\n',
      stderr: '',
    })
    expect(await signalbox('user', 'show', 'ada@example.com')).toMatchObject({
      code: 4,
      stderr: 'There is no user ada@example.com in this account.\n',
    })
  })

  it('is listed, by role and by team', async () => {
    const [owner, member] = [await person('--role', 'owner'), await person('--first-name', 'Grace')]
    await json('team', 'create', 'listed')
    for (const email of [owner, member]) await json('team', 'add-member', 'listed', email)
    const { stdout } = await signalbox('user', 'list', '--team', 'listed')
    expect(stdout).toMatch(new RegExp(`^${owner} +OWNER +listed +never$`, 'm'))
    expect(stdout).toMatch(new RegExp(`^${member} +Grace +MEMBER +listed +never$`, 'm'))
    const page = await json<Page<{ email: string }>>('user', 'list', '--team', 'listed', '--role', 'owner')
    expect(page.nodes.map(({ email }) => email)).toEqual([owner])
    expect(await signalbox('user', 'list', '--team', 'nowhere')).toEqual({ code: 0, stdout: '', stderr: 'No users.\n' })
  })

  it.each([
    [['create', 'nobody'], 2, 'The user is not valid.\n  email: must be an e-mail address\n'],
    [['create', 'x@example.com', '--role', 'boss'], 2, 'It must be one of OWNER, MEMBER.'],
    [['update', 'x@example.com'], 2, 'There is nothing to change: give --first-name, --last-name or --role.\n'],
    [['update', 'x@example.com', '--role', 'owner'], 4, 'There is no user x@example.com.\n'],
    [['remove', 'x@example.com'], 4, 'There is no user x@example.com.\n'],
  ])('is refused: %j', async (args, code, message) => {
    const answer = await signalbox('user', ...args)
    expect(answer).toMatchObject({ code, stdout: '' })
    expect(answer.stderr).toContain(message)
  })

  it('gets a password from the standard input, and changes it with the current one', async () => {
    const email = await person('--role', 'owner')
    const set = (input: string, token = env['SIGNALBOX_TOKEN']) =>
      run(['user', 'password', email], { env: { ...env, SIGNALBOX_TOKEN: token ?? '' }, input })
    expect(await set(`${password}\n`)).toEqual({
      code: 0,
      stdout: `The password of ${email} was changed.\n`,
      stderr: '',
    })
    const { accessToken } = await signIn(server, email)
    expect(await set('wrong\nanother good password\n', accessToken)).toMatchObject({ code: 3, stdout: '' })
    expect(await set(`${password}\nanother good password\n`, accessToken)).toMatchObject({ code: 0 })
    expect(await set('short\n')).toMatchObject({ code: 2, stderr: expect.stringContaining('password') })
    expect(await set('')).toEqual({ code: 2, stdout: '', stderr: 'The new password: nothing was given.\n' })
  })

  it('is there once', async () => {
    const email = await person()
    expect(await signalbox('user', 'create', email)).toMatchObject({ code: 5, stderr: expect.stringContaining(email) })
  })
})

describe('team', () => {
  it('is created, shown with its members, and deleted', async () => {
    const [owner, email] = [await person(), await person('--first-name', 'Grace', '--last-name', 'Hopper')]
    const said = async (...args: string[]) => (await signalbox('team', ...args)).stdout
    expect(await said('create', 'engine', '--name', 'The engine', '--description', 'They build it.')).toBe(
      'Created team engine.\n',
    )
    expect(await said('add-member', 'engine', owner, '--role', 'owner')).toBe(`Added ${owner} to engine: OWNER.\n`)
    expect(await said('add-member', 'engine', email)).toBe(`Added ${email} to engine: MEMBER.\n`)
    expect(await said('set-role', 'engine', email, 'owner')).toBe(`${email} is now OWNER of engine.\n`)
    expect(await said('remove-member', 'engine', owner)).toBe(`Removed ${owner} from engine.\n`)
    const shown = await said('show', 'engine')
    expect(shown).toMatch(/^name +The engine$/m)
    expect(shown).toMatch(new RegExp(`^${email} +Grace Hopper +OWNER +\\d{4}-`, 'm'))
    expect(await said('list')).toMatch(/^engine +The engine +They build it\. +\d{4}-/m)
    await json('team', 'create', 'another')
    expect(await json('team', 'show', 'another')).toMatchObject({
      slug: 'another',
      name: 'another',
      members: { nodes: [] },
    })
    expect(await said('delete', 'engine')).toBe('The team engine was deleted.\n')
    expect(await signalbox('team', 'show', 'engine')).toMatchObject({
      code: 4,
      stderr: 'There is no team engine in this account.\n',
    })
  })

  it('keeps an owner, and the account a team', async () => {
    const email = await person()
    await json('team', 'create', 'guarded')
    await json('team', 'add-member', 'guarded', email, '--role', 'owner')
    for (const args of [
      ['set-role', 'guarded', email, 'member'],
      ['remove-member', 'guarded', email],
    ])
      expect(await signalbox('team', ...args)).toMatchObject({ code: 5, stderr: expect.stringContaining('last owner') })
    const { token } = await addToken(server)
    expect((await signalbox('team', 'create', 'only', '--token', token)).code).toBe(0)
    expect(await signalbox('team', 'delete', 'only', '--token', token)).toMatchObject({
      code: 5,
      stderr: expect.stringContaining('last team'),
    })
  })

  it.each([
    [['create', 'A B'], 2, 'slug: must be 1 to 63 of a-z'],
    [['add-member', 'nowhere', 'x@example.com'], 4, 'There is no team nowhere.'],
    [['set-role', 'nowhere', 'x@example.com', 'boss'], 2, 'It must be one of OWNER, MEMBER.'],
    [['set-role', 'nowhere', 'x@example.com'], 2, "missing required argument 'role'"],
    [['delete', 'nowhere'], 4, 'There is no team nowhere.'],
  ])('is refused: %j', async (args, code, message) => {
    const answer = await signalbox('team', ...args)
    expect(answer).toMatchObject({ code, stdout: '' })
    expect(answer.stderr).toContain(message)
  })
})

describe('who may not administer access', () => {
  it.each([
    ['token', 'list'],
    ['token', 'create', 'x', '--scope', 'tasks:read'],
    ['user', 'list'],
    ['user', 'create', 'x@example.com'],
    ['team', 'create', 'x'],
  ])('gets an error that says so: %s %s', async (...args) => {
    const { token } = await addToken(server, { accountId: await ownAccount(server), scopes: ['tasks:admin'] })
    expect(await signalbox(...args, '--token', token)).toEqual({
      code: 3,
      stdout: '',
      stderr: 'This needs the scope access:admin.\n',
    })
    const { stderr } = await signalbox(...args, '--token', token, '--json')
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'FORBIDDEN' } })
  })
})
