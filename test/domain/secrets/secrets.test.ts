import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { auditEntriesOnce } from '#test/support/audit.ts'
import { toldEvents } from '#test/support/events.ts'
import { submitTask } from '#test/support/follower.ts'
import { graphql, graphqlData } from '#test/support/graphql.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'
import { addToken, ownAccount } from '#test/support/tokens.ts'
import { until } from '#test/support/until.ts'

const configFile = fileURLToPath(new URL('../../fixtures/secrets/signalbox.config.ts', import.meta.url))

const token = `s3cr3t+of/${randomUUID()}`
const key = `-----BEGIN PRIVATE KEY-----\nMIIEvgIBADAN${randomUUID()}\nBgkqhkiG9w0B${randomUUID()}\n-----END PRIVATE KEY-----\n`

let server: TestServer
beforeAll(async () => {
  server = await startTestServer({ configFile, env: { LOG_LEVEL: 'silent' } })
  await put('SHOWN_TOKEN', token)
  await put('SHOWN_KEY', key)
})
afterAll(() => server.close())

interface Put {
  readonly isNew?: boolean
  readonly secret?: { readonly name: string; readonly lastUsedAt: string | null }
  readonly code?: string
  readonly message?: string
}

async function put(name: string, value: string, as?: string): Promise<Put> {
  const query = `mutation ($input: PutSecretInput!) { putSecret(input: $input) {
    ... on PutSecretPayload { isNew secret { name lastUsedAt } } ... on Failure { code message } } }`
  const { data, errors } = await graphql<{ putSecret: Put }>(server, query, { input: { name, value } }, as)
  return data?.putSecret ?? { code: String(errors?.[0]?.extensions?.['code']) }
}

async function remove(name: string): Promise<Put> {
  const query = `mutation ($name: String!) { deleteSecret(input: { name: $name }) {
    ... on DeleteSecretPayload { secret { name lastUsedAt } } ... on Failure { code message } } }`
  return (await graphqlData<{ deleteSecret: Put }>(server, query, { name })).deleteSecret
}

interface Ended {
  readonly id: string
  readonly status: string
  readonly result: unknown
  readonly currentStep: string | null
  readonly error: { readonly code: string; readonly message: string } | null
  readonly logs: { readonly nodes: readonly { readonly message: string }[] }
}

async function ended(id: string, as?: string): Promise<Ended> {
  const query = `query ($id: ID!) { task(id: $id) { id status result currentStep error { code message }
    logs(first: 50) { nodes { message } } } }`
  return until(async () => {
    const { data } = await graphql<{ task: Ended | null }>(server, query, { id }, as)
    const { task } = data ?? {}
    return task != null && ['COMPLETED', 'FAILED'].includes(task.status) && task
  })
}

const run = async (type: string, input?: object) => ended(await submitTask(server, { type, ...(input && { input }) }))
const linesOf = ({ logs }: Ended) => logs.nodes.map(({ message }) => message)

/** Every text of the database that holds this one. */
async function placesOf(text: string): Promise<string[]> {
  const tables = await server.database.query<{ name: string }>(
    "SELECT table_schema || '.' || table_name AS name FROM information_schema.tables WHERE table_schema IN ('public', 'pgboss') AND table_type = 'BASE TABLE'",
  )
  const found = await Promise.all(
    tables.map(async ({ name }) => {
      const query = `SELECT 1 FROM ${name} AS row WHERE strpos(row::text, $1) > 0 LIMIT 1`
      return (await server.database.query(query, [text])).length > 0 ? [name] : []
    }),
  )
  return found.flat()
}

describe.each(['secrets.says', 'secrets.says-within'])('an attempt of %s', (type) => {
  it('has its secrets, and shows them to nobody', async () => {
    const task = await run(type)
    expect(task.result).toEqual({
      '***': ['***', { basic: expect.stringMatching(/^\w{10,14}\*\*\*/) }],
      length: token.length,
      mode: '600',
      lines: 5,
    })
    expect(task.currentStep).toBe('half of ***')
    const [line, ...more] = linesOf(task)
    expect(line).toMatch(/^token \*\*\*, \w+\*\*\*[\w=]*, \*\*\*, \{"token":"\*\*\*"\}$/)
    expect(more).toEqual(['***', `${'x'.repeat(8_190)}** … [1 more bytes cut]`])
    expect(await partOf(task.id)).toBe('the token is ***')
  })
})

async function partOf(id: string): Promise<string | null | undefined> {
  const query = 'query ($id: ID!) { task(id: $id) { parts { text } } }'
  return (await graphqlData<{ task: { parts: { text: string | null }[] } }>(server, query, { id })).task.parts[0]?.text
}

describe('a secret', () => {
  it('is in no argument and no inherited environment, and is masked when it is printed in pieces', async () => {
    const task = await run('secrets.prints')
    expect(task).toMatchObject({ status: 'COMPLETED', result: { isSet: true, isSeen: false } })
    expect(linesOf(task)).toEqual(['printed *** in two pieces', 'inherited ***'])
  })

  it.each([
    ['secrets.fails', { code: 'REFUSED', message: '401 for ***' }],
    ['secrets.strays', { code: 'HANDLER_FAILED', message: 'nobody awaited ***' }],
  ])('is masked in the error of %s', async (type, error) => {
    expect((await run(type)).error).toMatchObject(error)
  })

  it('is given to a command in its environment and in a file, and only its own', async () => {
    const task = await run('command', { command: 'deploy' })
    expect(task.error).toEqual({ code: 'EXITED', message: 'It exited with code 3.\nas ***' })
    const lines = linesOf(task)
    expect(lines).toEqual(
      expect.arrayContaining(['as ***', '600', '-----BEGIN PRIVATE KEY-----', '***', 'SHOWN_TOKEN=***']),
    )
    expect(lines.filter((line) => line.startsWith('OTHER_TOKEN'))).toEqual([])
    expect((await run('command.deploy', {})).error?.message).toContain('as ***')
  })

  it('is in the clear nowhere in the database, and encrypted in one place', async () => {
    expect((await run('secrets.says')).status).toBe('COMPLETED')
    await auditEntriesOnce(server, { types: ['secret.created'] }, 2)
    const forms = [token, key.slice(40, 70), Buffer.from(token).toString('base64').slice(0, 30)]
    expect(await Promise.all(forms.map(placesOf))).toEqual([[], [], []])
    expect(await placesOf('SHOWN_TOKEN')).toContain('public.secret')
  })

  it('that is missing fails the attempt before it starts; the task can be retried once it is set', async () => {
    const failed = await run('secrets.chosen', { name: 'LATE_TOKEN' })
    expect(failed).toMatchObject({
      status: 'FAILED',
      error: {
        code: 'SECRET_MISSING',
        message: 'It needs the secret LATE_TOKEN, which the account does not have; retry the task once it is set.',
      },
    })
    expect(await put('LATE_TOKEN', 'in time')).toMatchObject({ isNew: true })
    await graphqlData(server, 'mutation ($id: ID!) { retryTask(input: { id: $id }) { __typename } }', { id: failed.id })
    expect(await ended(failed.id)).toMatchObject({ status: 'COMPLETED', result: ['LATE_TOKEN'] })
  })

  it('is on record for each use, in the audit log as well', async () => {
    const task = await run('secrets.says-within')
    const isOfTask = ({ data }: { data: Readonly<Record<string, unknown>> }) => data['taskId'] === task.id
    const used = await toldEvents(server, ['secret.used'], isOfTask, 2)
    const data = { taskId: task.id, taskType: 'secrets.says-within', attempt: 1 }
    expect(
      used.map((event) => event.data).toSorted((a, b) => (String(a['name']) < String(b['name']) ? -1 : 1)),
    ).toEqual([
      { name: 'SHOWN_KEY', ...data },
      { name: 'SHOWN_TOKEN', ...data },
    ])
    await until(async () => (await auditEntriesOnce(server, { types: ['secret.used'] })).filter(isOfTask).length === 2)
  })

  it('belongs to its account', async () => {
    const { token: other, accountId } = await addToken(server)
    const submit = `mutation { submitTask(input: { type: "secrets.chosen", input: { name: "SHOWN_TOKEN" } }) {
      ... on SubmitTaskPayload { task { id } } } }`
    const { data } = await graphql<{ submitTask: { task: { id: string } } }>(server, submit, {}, other)
    expect((await ended(data?.submitTask.task.id ?? '', other)).error?.code).toBe('SECRET_MISSING')
    expect(await put('SHOWN_TOKEN', 'their own', other)).toMatchObject({ isNew: true })
    expect(accountId).not.toBe(await ownAccount(server))
    expect((await run('secrets.says')).result).toMatchObject({ length: token.length })
  })
})

describe('secrets', () => {
  it('are listed in pages by name, without their values, for secrets:read', async () => {
    for (const name of ['LIST_C', 'LIST_A', 'LIST_B']) await put(name, `value of ${name}`)
    const { token: reader } = await addToken(server, { accountId: await ownAccount(server), scopes: ['secrets:read'] })
    const query = `query ($after: String) { secrets(first: 2, after: $after) {
      nodes { name createdBy { name } updatedBy { name } } pageInfo { endCursor hasNextPage } } }`
    type Page = { secrets: { nodes: { name: string }[]; pageInfo: { endCursor: string; hasNextPage: boolean } } }
    const names: string[] = []
    for (let after: string | undefined, isMore = true; isMore; ) {
      const { data } = await graphql<Page>(server, query, { after }, reader)
      const page = data?.secrets
      names.push(...(page?.nodes.map(({ name }) => name) ?? []))
      isMore = page?.pageInfo.hasNextPage ?? false
      after = page?.pageInfo.endCursor
    }
    expect(names).toEqual(names.toSorted())
    expect(names).toEqual(expect.arrayContaining(['LIST_A', 'LIST_B', 'LIST_C', 'SHOWN_KEY', 'SHOWN_TOKEN']))
    expect(await put('LIST_A', 'another', reader)).toEqual({ code: 'FORBIDDEN' })
  })

  it('are replaced and deleted', async () => {
    expect(await put('REPLACED', 'first value')).toMatchObject({ isNew: true })
    expect(await put('REPLACED', 'second value')).toMatchObject({ isNew: false, secret: { lastUsedAt: null } })
    expect(await remove('REPLACED')).toMatchObject({ secret: { name: 'REPLACED' } })
    expect(await remove('REPLACED')).toEqual({ code: 'NOT_FOUND', message: 'There is no secret "REPLACED".' })
  })

  it.each([
    [
      'lower',
      'a value',
      'The name must be 1 to 64 upper-case letters, digits and underscores, beginning with a letter.',
    ],
    ['LD_PRELOAD', 'a value', 'The name is reserved for the environment of programs.'],
    ['PATH', 'a value', 'The name is reserved for the environment of programs.'],
    ['SHORT', ' abc\n', 'The value must have at least 4 characters, or it could not be masked.'],
    ['LARGE', 'x'.repeat(32_769), 'The value may have at most 32,768 bytes.'],
    ['NUL', 'with\0nul', 'The value holds a NUL character or half of a surrogate pair.'],
  ])('are not set when something is wrong with them: %s', async (name, value, message) => {
    expect(await put(name, value)).toEqual({ code: 'INVALID_INPUT', message })
  })
})
