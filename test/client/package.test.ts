import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildClient } from '#src/bundle/build-client.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'
import { topicExample } from '#test/support/topic-example.ts'

const execute = promisify(execFile)
const packageDirectory = join(import.meta.dirname, '../..')

let directory: string
let server: TestServer
beforeAll(async () => {
  await buildClient()
  server = await startTestServer()
  directory = await realpath(await mkdtemp(join(tmpdir(), 'signalbox-client-')))
  await mkdir(join(directory, 'node_modules'))
  await symlink(packageDirectory, join(directory, 'node_modules/signalbox'))
  await symlink(join(packageDirectory, 'node_modules/@types'), join(directory, 'node_modules/@types'))
  await writeFile(join(directory, 'package.json'), '{"type":"module"}')
}, 60_000)
afterAll(async () => {
  await server.close()
  await rm(directory, { recursive: true, force: true })
})

describe('the client, installed in another package', () => {
  it('is plain JavaScript, which needs no stripping of types', async () => {
    await writeFile(join(directory, 'deploy.mjs'), topicExample('client', 'createClient({'))
    const env = { SIGNALBOX_URL: server.url, SIGNALBOX_TOKEN: server.token, PATH: process.env['PATH'] }
    const { stdout } = await execute(process.execPath, ['--no-experimental-strip-types', 'deploy.mjs'], {
      cwd: directory,
      env,
    })
    expect(stdout.trim().split('\n').at(-1)).toBe('STATUS COMPLETED')
  })

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
