import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { graphql, graphqlData } from '#test/support/graphql.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'
import { addToken, ownAccount } from '#test/support/tokens.ts'

const configFile = join(import.meta.dirname, '../../fixtures/config/full.ts')

let server: TestServer
let token: string
beforeAll(async () => {
  server = await startTestServer({ env: { SIGNALBOX_CONFIG: configFile } })
  token = (await addToken(server, { accountId: await ownAccount(server), scopes: ['tasks:write:type=command.lint'] }))
    .token
})
afterAll(() => server.close())

const submit = (type: string, input: object) =>
  graphql<{ submitTask: { task: { type: string; priority: string } } }>(
    server,
    `mutation ($input: SubmitTaskInput!) {
       submitTask(input: $input) { ... on SubmitTaskPayload { task { type priority } } ... on Failure { code message } }
     }`,
    { input: { type, input, runAt: new Date(Date.now() + 3_600_000).toISOString() } },
    token,
  )

it('a scope narrows to one command, with its settings and its arguments', async () => {
  expect((await submit('command.lint', { path: 'src' })).data).toEqual({
    submitTask: { task: { type: 'command.lint', priority: 'BATCH' } },
  })
  const refused = await submit('command', { command: 'lint', args: { path: 'src' } })
  expect(refused.errors).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }])
  expect((await submit('command.lint', { path: 7 })).data).toMatchObject({ submitTask: { code: 'INVALID_INPUT' } })
})

it('task types tell each command’s arguments', async () => {
  const { taskTypes } = await graphqlData<{ taskTypes: { name: string; input: object }[] }>(
    { ...server, token },
    '{ taskTypes { name input } }',
  )
  expect(taskTypes).toMatchObject([{ name: 'command.lint', input: { properties: { path: { type: 'string' } } } }])
})
