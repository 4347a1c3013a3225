import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { chooseTaskUser } from '#domain/tasks/runner/task-user.ts'
import type { Attempt } from '#domain/tasks/task.ts'
import { newAttempt, nothingLeft, type OpenRunner, openRunner, processesCalled } from '#test/support/attempts.ts'
import { until } from '#test/support/until.ts'

const configFile = join(import.meta.dirname, '../../fixtures/runner/signalbox.config.ts')
const env = { SHOWN_TO_TASKS: 'yes', HIDDEN_FROM_TASKS: 'no', LC_TIME: 'C' }

let open: OpenRunner
beforeAll(async () => {
  const { taskUser } = await chooseTaskUser(undefined)
  open = await openRunner({ file: configFile, env, taskUser, warmHosts: 1 })
  open.runner.prepare()
})
afterAll(() => open.close())

/** The processes that wait for an attempt of this test's runner. */
function waiting(): number[] {
  return processesCalled('task-host').filter((pid) => {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === process.pid
  })
}

/** The one process that waits, other than one that did before. */
function waitingProcess(before?: number): Promise<number> {
  return until(() => {
    const [pid, ...more] = waiting()
    return more.length === 0 && pid !== before && pid
  })
}

async function run(type: string, input: unknown = {}, more: Partial<Attempt> = {}) {
  const attempt = newAttempt(type, input, more)
  const { outcome } = await open.run(attempt)
  expect(open.leftovers(attempt)).toEqual(nothingLeft)
  if (outcome.kind !== 'completed') throw new Error(JSON.stringify(outcome))
  return outcome.result as Record<string, unknown>
}

describe.skipIf(process.platform !== 'linux')('a process that was started before its attempt', () => {
  it('runs one attempt, in its workspace and as its user, and is replaced by another', async () => {
    const first = await waitingProcess()
    const shown = await run('shows-process')
    const workspace = expect.stringContaining(open.workspacesDir)
    expect(shown).toMatchObject({ pid: first, cwd: workspace, tmpdir: shown['cwd'] })
    const second = await waitingProcess(first)
    const next = await run('shows-process')
    expect(next).toMatchObject({ pid: second })
    expect(next['cwd']).not.toBe(shown['cwd'])
    if (process.getuid?.() === 0) expect(next['uid']).not.toBe(shown['uid'])
  })

  it('has nothing of the server’s environment but the path and what the type lists', async () => {
    const pid = await waitingProcess()
    const before = readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').filter(Boolean)
    const ofNode = ['NODE_CHANNEL_FD', 'NODE_CHANNEL_SERIALIZATION_MODE', 'NODE_COMPILE_CACHE']
    expect(before.map((variable) => variable.split('=')[0]).sort()).toEqual([...ofNode, 'PATH', 'PWD'])
    const seen = await run('shows-environment')
    expect(Object.keys(seen).sort()).toEqual(['HOME', 'PATH', 'SHOWN_TO_TASKS', 'TMPDIR'])
  })

  it('is passed over by a type with variables that are read only when a process starts', async () => {
    const pid = await waitingProcess()
    expect(await run('shows-locale')).toEqual({ pid: expect.toSatisfy((own) => own !== pid), locale: 'C' })
    expect(waiting()).toEqual([pid])
  })

  it('is not missed when it has ended', async () => {
    const pid = await waitingProcess()
    process.kill(pid, 'SIGKILL')
    await until(() => waiting().length === 0)
    expect((await run('shows-process'))['pid']).not.toBe(pid)
  })

  it('yields the CPU in a BATCH attempt, and in no other', async () => {
    expect(await run('shows-priority', 15, { priority: 'BATCH' })).toEqual({ nice: 15, weight: 15 })
    expect(await run('shows-priority', 0, { priority: 'CRITICAL' })).toEqual({ nice: 0, weight: 0 })
  })

  it('ends with the runner', async () => {
    await waitingProcess()
    await open.runner.close()
    expect(waiting()).toEqual([])
  })
})
