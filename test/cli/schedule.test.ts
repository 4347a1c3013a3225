import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { run } from '#test/support/command-line.ts'
import type { TestServer } from '#test/support/server.ts'
import { sharedServer } from '#test/support/shared-server.ts'
import { until } from '#test/support/until.ts'

let server: TestServer
let env: Record<string, string>

beforeAll(async () => {
  server = await sharedServer()
  env = { SIGNALBOX_URL: server.url, SIGNALBOX_TOKEN: server.token, TZ: 'UTC' }
})
afterAll(() => server.close())

const signalbox = (...args: string[]) => run(args, { env })
const schedule = (...args: string[]) => signalbox('schedule', ...args)
const nobody = '01a20d91-0047-7245-b054-f6b48a119761'

async function add(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await schedule('add', 'probe', '--json', ...args)
  expect([code, stderr]).toEqual([0, ''])
  return JSON.parse(stdout).id
}

describe('schedule', () => {
  it('adds one, shows when it is due, pauses, resumes, runs and removes it', async () => {
    const added = await schedule(
      ...['add', 'probe', '--name', 'nightly', '--cron', '30 2 * * *', '--time-zone', 'Europe/Berlin'],
      ...['--start', '2027-03-27T12:00:00Z', '--max-runs', '9', '--overlap', 'queue', '--missed', 'once'],
      ...['--set', 'steps=2', '--label', 'team=web', '--attempts', '2'],
    )
    const [, id = ''] = /^Created: schedule ([0-9a-f-]{36}) \(nightly\)\.\n/.exec(added.stdout) ?? []
    const times = '2027-03-28 01:00:00, 2027-03-29 00:30:00, 2027-03-30 00:30:00'
    expect(added.stdout).toContain(`Next runs: ${times}\n`)
    expect((await schedule('next', id, '--first', '2')).stdout).toBe('2027-03-28 01:00:00\n2027-03-29 00:30:00\n')
    expect((await schedule('list')).stdout).toMatch(
      new RegExp(`${id} +nightly +ACTIVE +probe +30 2 \\* \\* \\* \\(Europe/Berlin\\) +2027-03-28 01:00:00`),
    )
    expect((await schedule('pause', id, '--reason', 'a freeze')).stdout).toBe(`Schedule ${id} is paused.\n`)
    expect((await schedule('list', '--status', 'active')).stdout).not.toContain(id)
    expect((await schedule('resume', id)).stdout).toBe(`Schedule ${id} is active. Next run: 2027-03-28 01:00:00.\n`)
    const ran = await schedule('run', id)
    const [, taskId = ''] = /^Submitted: task ([0-9a-f-]{36}) \(priority NORMAL\)\.\n/.exec(ran.stdout) ?? []
    const shown = await schedule('show', id)
    for (const part of [`next runs +${times}`, 'runs +0 of 9', 'overlap +QUEUE', 'missed +ONCE', `${taskId} +20`])
      expect(shown.stdout).toMatch(new RegExp(part))
    expect(JSON.parse((await schedule('show', id, '--json')).stdout)).toMatchObject({
      task: { type: 'probe', input: { steps: 2 }, labels: { team: 'web' }, retry: { maxAttempts: 2 } },
      runs: { nodes: [{ id: taskId }] },
    })
    expect((await signalbox('task', 'show', taskId)).stdout).toMatch(
      new RegExp(`schedule +nightly \\(${id}\\), for 20`),
    )
    expect((await schedule('remove', id)).stdout).toBe(`Schedule ${id} is deleted.\n`)
    const gone = await schedule('show', id)
    expect([gone.code, gone.stderr]).toEqual([4, expect.stringContaining(`There is no schedule ${id}`)])
  })

  it('runs at an interval until it is stopped, and stays with its runs', async () => {
    const id = await add('--every', '1s', '--max-runs', '500')
    await until(async () => JSON.parse((await schedule('show', id, '--json')).stdout).runCount > 0)
    expect((await schedule('stop', id)).stdout).toBe(`Schedule ${id} has ended.\n`)
    const shown = JSON.parse((await schedule('show', id, '--json')).stdout)
    expect(shown).toMatchObject({ status: 'ENDED', nextRuns: [] })
    expect(shown.runs.nodes.length).toBeGreaterThan(0)
    expect((await schedule('next', id)).stdout).toBe('')
    expect((await schedule('resume', id)).code).toBe(5)
  })

  it.each([
    [['add', 'probe', '--cron', 'nonsense'], 2, /cron: /],
    [['add', 'probe'], 2, /exactly one of cron, everyMs and rrule must be given; got 0/],
    [['add', 'probe', '--every', 'often'], 2, /a duration such as 30s/],
    [['add', 'nothing', '--every', '1h'], 2, /There is no task type "nothing"/],
    [['pause', nobody], 4, /There is no schedule/],
    [['next', nobody], 4, /There is no schedule/],
  ])('says what is wrong with %j', async (args, code, text) => {
    const refused = await schedule(...args)
    expect(refused.stderr).toMatch(text)
    expect(refused.code).toBe(code)
  })
})
