import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { run } from '#test/support/command-line.ts'
import { submitTask } from '#test/support/follower.ts'
import { graphqlData } from '#test/support/graphql.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'
import { addToken, ownAccount } from '#test/support/tokens.ts'
import { topicExample } from '#test/support/topic-example.ts'
import { until } from '#test/support/until.ts'

let directory: string
let server: TestServer
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'signalbox-durable-example-'))
  // As in an installation of the package.
  const root = join(import.meta.dirname, '../..')
  await mkdir(join(directory, 'node_modules'))
  await symlink(root, join(directory, 'node_modules/signalbox'))
  await symlink(join(root, 'node_modules/zod'), join(directory, 'node_modules/zod'))
  const configFile = join(directory, 'signalbox.config.ts')
  await writeFile(configFile, topicExample('durable-tasks', 'waitFor({ approval'))
  server = await startTestServer({ configFile, env: { LOG_LEVEL: 'silent' } })
})
afterAll(async () => {
  await server.close()
  await rm(directory, { recursive: true })
})

it('deploys once somebody else has approved, as the page about durable tasks shows it', async () => {
  const id = await submitTask(server, { type: 'release', input: { version: 'v1.4' } })
  const find = async () => {
    const query = 'query ($id: ID!) { task(id: $id) { status result waiting { reason } steps { name } } }'
    const data = await graphqlData<{ task: { status: string; waiting: { reason: string } | null } }>(server, query, {
      id,
    })
    return data.task
  }
  await until(async () => (await find()).waiting?.reason === 'APPROVAL', 30_000)
  const { token } = await addToken(server, {
    accountId: await ownAccount(server),
    scopes: ['tasks:approve:type=release'],
  })
  const approve = (as: string) =>
    run(['task', 'approve', id], { env: { SIGNALBOX_URL: server.url, SIGNALBOX_TOKEN: as } })
  expect((await approve(server.token)).code).toBe(3)
  expect((await approve(token)).code).toBe(0)
  const task = await until(async () => {
    const found = await find()
    return found.status === 'COMPLETED' && found
  }, 30_000)
  expect(task).toMatchObject({
    result: { image: 'shop:v1.4', approvedBy: 'other' },
    steps: [{ name: 'build' }, { name: 'deploy' }],
  })
})
