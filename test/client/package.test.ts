import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort } from '#platform/system/free-port.ts'
import { buildClient } from '#src/bundle/build-client.ts'
import { graphqlData } from '#test/support/graphql.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'
import { topicExample } from '#test/support/topic-example.ts'
import { until } from '#test/support/until.ts'
import { loopbackAllowed } from '#test/support/webhooks.ts'

const execute = promisify(execFile)
const packageDirectory = join(import.meta.dirname, '../..')
const hookSecret = 'a secret of more than 16 characters'

let directory: string
let server: TestServer
beforeAll(async () => {
  await buildClient()
  directory = await realpath(await mkdtemp(join(tmpdir(), 'signalbox-client-')))
  // Tasks run as users of their own where this one is root.
  await chmod(directory, 0o755)
  await mkdir(join(directory, 'node_modules'))
  await symlink(packageDirectory, join(directory, 'node_modules/signalbox'))
  await symlink(join(packageDirectory, 'node_modules/@types'), join(directory, 'node_modules/@types'))
  await writeFile(join(directory, 'package.json'), '{"type":"module"}')
  await writeFile(join(directory, 'deploy.sh'), '#!/bin/sh\necho "deploys $1"\n', { mode: 0o755 })
  await writeFile(join(directory, 'signalbox.config.ts'), topicExample('webhooks', 'hooks: {'))
  server = await startTestServer({
    configFile: join(directory, 'signalbox.config.ts'),
    env: { ...loopbackAllowed, GITHUB_HOOK_SECRET: hookSecret },
  })
}, 60_000)
afterAll(async () => {
  await server.close()
  await rm(directory, { recursive: true, force: true })
})

const environment = () => ({
  SIGNALBOX_URL: server.url,
  SIGNALBOX_TOKEN: server.token,
  GITHUB_HOOK_SECRET: hookSecret,
  PATH: process.env['PATH'],
})

/** Runs a script of the documentation, for the server of this test. */
async function bash(script: string): Promise<string> {
  const here = script.replaceAll('localhost:4000', server.url.replace('http://', ''))
  return (await execute('bash', ['-e', '-c', here], { cwd: directory, env: environment() })).stdout
}

describe('the client, installed in another package', () => {
  it('runs the script of the documentation, and needs no stripping of types', async () => {
    await writeFile(join(directory, 'deploy.mjs'), topicExample('client', 'createClient({'))
    const { stdout } = await execute(process.execPath, ['--no-experimental-strip-types', 'deploy.mjs'], {
      cwd: directory,
      env: environment(),
    })
    expect(stdout.trim().split('\n').at(-1)).toBe('STATUS COMPLETED')
  })

  it('verifies deliveries in the receiver of the documentation', async () => {
    const port = await freePort()
    const { createWebhook } = await graphqlData<{ createWebhook: { secret: string } }>(
      server,
      `mutation ($url: String!) { createWebhook(input: { name: "here", url: $url, events: ["release.*"] }) {
         ... on CreateWebhookPayload { secret } } }`,
      { url: `http://127.0.0.1:${port}/` },
    )
    await writeFile(
      join(directory, 'receiver.mjs'),
      topicExample('webhooks', 'verifyWebhook').replace('4010', String(port)),
    )
    const receiver = spawn(process.execPath, ['--no-experimental-strip-types', 'receiver.mjs'], {
      cwd: directory,
      env: { ...environment(), WEBHOOK_SECRET: createWebhook.secret },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let said = ''
    receiver.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
    try {
      await graphqlData(
        server,
        'mutation { triggerEvent(input: { type: "release.published", subject: "release:v1.4" }) { __typename } }',
      )
      await until(() => said.includes('release.published release:v1.4'))
    } finally {
      receiver.kill()
      await once(receiver, 'close')
    }
  }, 60_000)

  it('has types that a strict project can use', async () => {
    await writeFile(
      join(directory, 'use.ts'),
      `import { createClient, followTask, payloadOf, SubmitTaskDocument, verifyWebhook } from 'signalbox/client'
const client = createClient({ url: 'http://127.0.0.1', token: 'token' })
const { submitTask } = await client.request(SubmitTaskDocument, { input: { type: 'probe' } })
const id: string = payloadOf(submitTask).task.id
// @ts-expect-error the input has a type
await client.request(SubmitTaskDocument, { input: { typ: 'probe' } })
for await (const update of followTask(client, id)) console.log(update.kind)
const verified: Date = verifyWebhook({}, '', { secret: 'whsec_' }).at
console.log(verified)
`,
    )
    const compiler = join(packageDirectory, 'node_modules/typescript/bin/tsc')
    const options = '--ignoreConfig --noEmit --strict --module nodenext --target es2023 --types node use.ts'
    const { stdout } = await execute(process.execPath, [compiler, ...options.split(' ')], { cwd: directory })
    expect(stdout).toBe('')
  }, 60_000)
})

describe('the scripts of the documentation', () => {
  it('run the pipeline over REST', async () => {
    const said = await bash(topicExample('rest', 'set -euo pipefail'))
    const [, id = ''] = /^deployed by task (\S+)\n$/.exec(said) ?? []
    const { document } = await graphqlData<{ document: { data: unknown } }>(
      server,
      '{ document(collection: "default", key: "shop") { data } }',
    )
    expect(document.data).toEqual({ task: id })
  }, 60_000)

  it('call a hook as GitHub does, which runs the command', async () => {
    const answer = JSON.parse(await bash(topicExample('webhooks', 'openssl dgst'))) as { tasks: string[] }
    expect(answer).toMatchObject({ accepted: true, duplicate: false })
    const [id = ''] = answer.tasks
    await until(async () => {
      const { task } = await graphqlData<{ task: { status: string } }>(
        server,
        'query ($id: ID!) { task(id: $id) { status } }',
        { id },
      )
      return task.status === 'COMPLETED'
    })
  }, 60_000)

  it('submit a first task over REST', async () => {
    const said = await bash(topicExample('quickstart', 'Prefer: wait=10'))
    expect(JSON.parse(said)).toMatchObject({ type: 'probe', status: 'completed', result: { steps: 5 } })
  })
})
