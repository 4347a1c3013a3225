import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { run } from '#test/support/command-line.ts'
import { addPerson, signIn } from '#test/support/people.ts'
import type { TestServer } from '#test/support/server.ts'
import { sharedServer } from '#test/support/shared-server.ts'

let server: TestServer
beforeAll(async () => {
  server = await sharedServer()
})
afterAll(() => server.close())

const signalbox = (token: string, ...args: string[]) =>
  run(args, { env: { SIGNALBOX_URL: server.url, SIGNALBOX_TOKEN: token } })

describe('session', () => {
  it('lists what one is signed in with, and ends one and all others', async () => {
    const email = await addPerson(server)
    const { accessToken: token } = await signIn(server, email, undefined, 'a laptop')
    await signIn(server, email, undefined, 'a telephone')
    await signIn(server, email, ['tasks:read'], 'a tablet')
    const { stdout } = await signalbox(token, 'session', 'list')
    expect(stdout).toContain(`${email} (this one)`)
    expect(stdout).toMatch(/by password .* a telephone/)
    const { nodes } = JSON.parse((await signalbox(token, 'session', 'ls', '--json')).stdout) as {
      nodes: { id: string; scopes: string[] }[]
    }
    expect(nodes[0]?.scopes).toEqual(['tasks:read'])
    const id = nodes[0]?.id ?? ''
    expect(await signalbox(token, 'session', 'end', id)).toEqual({
      code: 0,
      stdout: `Session ${id} has ended.\n`,
      stderr: '',
    })
    expect((await signalbox(token, 'session', 'end', id)).code).toBe(4)
    expect((await signalbox(token, 'session', 'end', '--others')).stdout).toBe('One session has ended.\n')
    expect((await signalbox(server.token, 'session', 'end', '--user', email)).stdout).toBe('One session has ended.\n')
    expect((await signalbox(token, 'session', 'list')).code).toBe(3)
  })

  it.each([[[]], [['--others', '--user', 'a@example.com']], [['x', '--others']]])('wants one of %j', async (args) => {
    const { code, stderr } = await signalbox(server.token, 'session', 'end', ...args)
    expect([code, stderr]).toEqual([2, 'Say which: an id, --others or --user.\n'])
  })
})
