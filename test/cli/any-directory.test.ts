import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { run } from '#test/support/command-line.ts'
import { mainFile } from '#test/support/process.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'

const packageDirectory = join(dirname(mainFile), '..')

let server: TestServer
let env: Record<string, string>
let cwd: string
let linked: string
beforeAll(async () => {
  server = await startTestServer()
  env = { SIGNALBOX_URL: server.url, SIGNALBOX_TOKEN: server.token }
  cwd = await mkdtemp(join(tmpdir(), 'signalbox-anywhere-'))
  linked = join(cwd, 'signalbox')
  await symlink(join(dirname(mainFile), 'signalbox.js'), linked)
  await writeFile(join(cwd, 'input.json'), '{"steps": 1}')
  await writeFile(join(cwd, 'hello.sh'), '#!/bin/sh\necho "hello $1"\n', { mode: 0o755 })
})
afterAll(async () => {
  await rm(cwd, { recursive: true, force: true })
  await server.close()
})

/** The ways to call the command line from a directory that is not the package's. */
const ways: Record<string, (args: readonly string[]) => Parameters<typeof run>> = {
  'by its link': (args) => [args, { cwd, env, program: linked }],
  'by its link and a Node that is too old': (args) => {
    const older = "Object.defineProperty(process.versions, 'node', { value: '20.0.0' })"
    const preload = `data:text/javascript,if (process.argv[2] === '--as-old') { ${older}; process.argv.splice(2, 1) }`
    const options = ['--import', preload, linked, '--as-old']
    return [[...options, ...args], { cwd, env, program: process.execPath }]
  },
  'by npm': (args) => {
    const options = ['--prefix', packageDirectory, 'run', '-s', 'signalbox', '--']
    return [[...options, ...args], { cwd, env, program: 'npm' }]
  },
}

describe.each(Object.entries(ways))('called %s', (_, call) => {
  it('finds files where its user is', async () => {
    const { code, stderr } = await run(...call(['task', 'submit', 'probe', '--input-file', 'input.json', '--json']))
    expect(stderr).toBe('')
    expect(code).toBe(0)
  })

  it('runs programs where its user is, and ends as they do', async () => {
    const { code, stdout } = await run(...call(['lock', 'acquire', 'anywhere', '--', './hello.sh', 'there']))
    expect([code, stdout]).toEqual([0, 'hello there\n'])
    const failed = await run(...call(['lock', 'acquire', 'anywhere', '--', 'sh', '-c', 'exit 7']))
    expect(failed.code).toBe(7)
  })
})

it('names itself as it was called', async () => {
  const { stdout } = await run(['--help'], { cwd, env, program: linked })
  expect(stdout).toContain('$ signalbox task types\n')
})
