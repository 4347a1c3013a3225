import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { run, start } from '#test/support/command-line.ts'
import { type Entries, entriesOf } from '#test/support/entries.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'
import { until } from '#test/support/until.ts'

let server: TestServer
let locks: Entries
let env: Record<string, string>
beforeAll(async () => {
  server = await startTestServer()
  locks = entriesOf(server)
  env = { SIGNALBOX_URL: server.url, SIGNALBOX_TOKEN: server.token }
})
afterAll(() => server.close())

const signalbox = (...args: readonly string[]) => run(args, { env })

describe('lock acquire', () => {
  it('runs a command under the lock, ends as it does, and gives the lock back', async () => {
    const script = 'echo "$SIGNALBOX_LOCK $SIGNALBOX_FENCE $1"; exit 7'
    const { code, stdout } = await signalbox('lock', 'acquire', 'cli/run', '--', 'sh', '-c', script, 'sh', '--x')
    expect(code).toBe(7)
    expect(stdout).toMatch(/^cli\/run \d+ --x\n$/)
    expect(await locks.lock('cli/run')).toBeNull()
  })

  it.each([
    ['is not there', '/no/such/program'],
    ['can’t be executed', import.meta.filename],
  ])('gives the lock back when the command %s', async (_, program) => {
    const { code, stderr } = await signalbox('lock', 'acquire', 'cli/impossible', '--ttl', '10m', '--', program)
    expect(code).toBe(2)
    expect(stderr).toContain(`"${program}" can't be run: `)
    expect(await locks.lock('cli/impossible')).toBeNull()
  })

  it('holds the lock for as long as the command runs, beyond one lease', async () => {
    const running = start(
      ['lock', 'acquire', 'cli/long', '--ttl', '2s', '--', 'sh', '-c', 'echo begun; exec sleep 30'],
      {
        env,
      },
    )
    await running.says('begun')
    const first = await locks.lock('cli/long')
    await until(async () => {
      const now = await locks.lock('cli/long')
      expect(now?.fence).toBe(first?.fence)
      return Date.parse(now?.expiresAt ?? '') - Date.parse(first?.acquiredAt ?? '') > 4_500
    })
    running.child.kill('SIGTERM')
    expect(await running.ended).toBe(143)
    expect(await locks.lock('cli/long')).toBeNull()
  })

  it('asks the command to end when the lock is taken away', async () => {
    const running = start(
      ['lock', 'acquire', 'cli/taken', '--ttl', '1s', '--', 'sh', '-c', 'echo begun; exec sleep 30'],
      { env },
    )
    await running.says('begun')
    expect((await signalbox('lock', 'force-release', 'cli/taken')).stderr).toBe(
      'Released cli/taken, which owner held.\n',
    )
    expect(await running.ended).toBe(5)
    expect(running.stderr()).toContain('The lock cli/taken was lost')
  })

  it('waits for its turn', async () => {
    const { lock } = await locks.acquire('cli/turn')
    const waiting = start(['lock', 'acquire', 'cli/turn', '--wait', '1m', '--', 'echo', 'mine'], { env })
    await until(async () => (await locks.lock('cli/turn'))?.queue.length === 1)
    expect((await signalbox('lock', 'show', 'cli/turn')).stdout).toMatch(/queue +owner, since /)
    await locks.release('cli/turn', lock?.fence ?? 0)
    expect([await waiting.ended, waiting.stdout()]).toEqual([0, 'mine\n'])
  })

  it('says no when the lock is held, or the command is none', async () => {
    await locks.acquire('cli/held')
    const { code, stdout, stderr } = await signalbox('lock', 'acquire', 'cli/held', '--', 'echo', 'never')
    expect([code, stdout]).toEqual([5, ''])
    expect(stderr).toContain('The lock "cli/held" is held by owner')
    expect((await signalbox('lock', 'acquire', 'cli/none', '--', '/no/such/program')).code).toBe(2)
    expect((await signalbox('lock', 'acquire', 'cli/none', '--wait', '6m')).code).toBe(2)
  })

  it('without a command prints the fence, to be shown when it is given back', async () => {
    const { code, stdout } = await signalbox('lock', 'acquire', 'cli/fence', '--ttl', '1h')
    expect(code).toBe(0)
    const fence = stdout.trim()
    expect((await signalbox('lock', 'list', 'cli/fence')).stdout).toMatch(
      /^NAME +HOLDER +FENCE .*\ncli\/fence +owner +\d+ /,
    )
    expect((await signalbox('kv', 'set', 'guarded', '1', '--fence', `cli/fence=${fence}`)).code).toBe(0)
    for (const args of [
      ['put', 'guarded', '1'],
      ['patch', 'guarded', '2'],
      ['delete', 'guarded'],
      ['restore', 'guarded', '1'],
    ]) {
      const lost = await signalbox('doc', ...args, '--fence', 'cli/fence=999999')
      expect([args, lost.code]).toEqual([args, 5])
      expect((await signalbox('doc', ...args, '--fence', `cli/fence=${fence}`)).code).toBe(0)
    }
    expect((await signalbox('lock', 'release', 'cli/fence', '--fence', fence)).code).toBe(0)
    expect((await signalbox('lock', 'release', 'cli/fence', '--fence', fence)).code).toBe(5)
    expect((await signalbox('kv', 'set', 'guarded', '2', '--fence', `cli/fence=${fence}`)).code).toBe(5)
  })
})
