import { afterAll, beforeAll, expect, it } from 'vitest'
import { run } from '#test/support/command-line.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer({ env: { LOG_LEVEL: 'silent' } })
})
afterAll(() => server.close())

const signalbox = (...args: string[]) =>
  run(['environment', ...args], { env: { SIGNALBOX_URL: server.url, SIGNALBOX_TOKEN: server.token } })

it('environments are created, listed, acquired, shown, extended, released and deleted', async () => {
  const org = ['--org', 'QA1@acme.example', '--tag', 'pool', '--metadata', 'tier=2', '--repository', 'acme/shop']
  const created = await signalbox('create', 'qa1', '--category', 'test', ...org)
  expect([created.code, created.stderr]).toEqual([0, ''])
  expect(created.stdout).toMatch(/org +qa1@acme\.example/)
  const acquired = await signalbox('acquire', '--tag', 'pool', '--reason', 'PR 42', '--ttl', '10m', '--json')
  expect(acquired.stderr).toBe('')
  const { id, lease } = JSON.parse(acquired.stdout) as { id: string; lease: { fence: number } }
  expect((await signalbox('list', '--category', 'test')).stdout).toMatch(/qa1 +TEST .*owner/)
  expect((await signalbox('show', id)).stdout).toMatch(/held by +owner\n *reason +PR 42/)
  const taken = await signalbox('acquire', id)
  expect([taken.code, taken.stderr]).toEqual([5, expect.stringContaining('held by owner')])
  const fence = ['--fence', String(lease.fence)]
  expect((await signalbox('extend', id, ...fence, '--ttl', '2h')).stderr).toContain('qa1 is yours until')
  expect((await signalbox('release', id, ...fence)).stderr).toContain('qa1 was released.')
  expect((await signalbox('delete', id)).stderr).toContain('The environment qa1 was deleted.')
  expect((await signalbox('list')).stderr).toContain('No environments.')
})
