import { spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { ProcessTags, taggedCommand, tagOf } from '#domain/tasks/runner/process-tag.ts'
import { createServerId, isServerGone } from '#domain/tasks/runner/server-id.ts'
import type { Attempt } from '#domain/tasks/task.ts'
import {
  newAttempt,
  nothingLeft,
  type OpenRunner,
  openRunner,
  processesCalled,
  processesWith,
  RecordedOutput,
} from '#test/support/attempts.ts'
import { until } from '#test/support/until.ts'

const fixtures = join(import.meta.dirname, '../../fixtures/runner')
const configFile = join(fixtures, 'signalbox.config.ts')

let open: OpenRunner
let last: Attempt | undefined

beforeAll(async () => {
  open = await openRunner({ file: configFile, env: { SHOWN_TO_TASKS: 'yes', HIDDEN_FROM_TASKS: 'no' } })
})

afterEach(() => {
  // Whatever an attempt does, and however it ends: nothing of it survives.
  if (last) expect(open.leftovers(last)).toEqual(nothingLeft)
  last = undefined
})

afterAll(() => open.close())

function run(type: string, input: unknown = {}, more: Partial<Attempt> = {}) {
  last = newAttempt(type, input, more)
  return open.run(last)
}

function stopWhenReady(type: string, more: Partial<Attempt> = {}) {
  last = newAttempt(type, {}, more)
  return open.run(last, async (output, stop) => {
    await output.ready
    stop.abort('cancelled')
  })
}

describe('an attempt in a process of its own', () => {
  it('completes with what the handler returns', async () => {
    const { outcome } = await run('returns', { a: 1 }, { number: 2 })
    const task = { id: last?.taskId, type: 'returns', labels: { team: 'blue' } }
    expect(outcome).toEqual({ kind: 'completed', result: { input: { a: 1 }, attempt: 2, task } })
  })

  it('completes with null when the handler returns nothing', async () => {
    expect((await run('returns-nothing')).outcome).toEqual({ kind: 'completed', result: null })
  })

  it('passes on steps, log lines, progress and parts in order', async () => {
    const { output } = await run('reports')
    expect(output.steps).toEqual(['first'])
    expect(output.lines).toEqual(['one', 'two'])
    expect(output.progressed).toEqual([{ percent: 100, step: 'second' }])
    expect(
      [...output.parts].map(([name, { contentType, bytes }]) => [name, contentType, bytes.toString('hex')]),
    ).toEqual([
      ['note', 'text/plain; charset=utf-8', Buffer.from('hello').toString('hex')],
      ['bytes', 'application/octet-stream', '00ff'],
      ['list', 'application/vnd.list+json', Buffer.from('[1,2]').toString('hex')],
    ])
  })

  it('keeps a part that the handler did not await', async () => {
    const { output } = await run('forgets-to-await')
    expect(output.parts.get('late')?.bytes.toString()).toBe('kept all the same')
  })

  it('sees nothing of the server’s environment but the path and what its type lists', async () => {
    const { outcome } = await run('shows-environment')
    const seen = outcome.kind === 'completed' ? (outcome.result as Record<string, string>) : {}
    expect(Object.keys(seen).sort()).toEqual(['HOME', 'PATH', 'SHOWN_TO_TASKS', 'TMPDIR'])
    expect(seen['HOME']).toBe(join(open.workspacesDir, open.serverId, `${last?.taskId}-7`))
  })

  it('gets its input as the schema parses it', async () => {
    expect((await run('strict', { count: '41' })).outcome).toEqual({ kind: 'completed', result: 42 })
  })

  it.each([
    ['throws', {}, 'HANDLER_FAILED', 'nothing works', true],
    ['connects', {}, 'HANDLER_FAILED', 'fetch failed: connect ECONNREFUSED 127.0.0.1:2', true],
    ['refuses', {}, 'NEVER_WILL', 'never will', false],
    ['strays', {}, 'HANDLER_FAILED', 'nobody awaited me', true],
    ['exits', {}, 'EXITED', 'Its process exited with code 3 before the handler returned.', true],
    ['is-killed', {}, 'EXITED', 'Its process was killed by SIGKILL; the machine may have run out of memory.', true],
    ['returns-function', {}, 'INVALID_RESULT', 'The result cannot be written as JSON: "nested" is a function.', false],
    [
      'returns-bigint',
      {},
      'INVALID_RESULT',
      'The result cannot be written as JSON: Do not know how to serialize a BigInt',
      false,
    ],
    ['returns-deep', { levels: 201 }, 'INVALID_RESULT', 'The result is nested more than 200 levels deep.', false],
    ['returns-deep', { levels: 50_000 }, 'INVALID_RESULT', 'The result is nested more than 200 levels deep.', false],
    ['returns-large-deep', {}, 'INVALID_RESULT', 'The result is nested more than 200 levels deep.', false],
    ['strict', { count: 'many' }, 'INVALID_INPUT', expect.stringContaining('input.count: Invalid input'), false],
    ['no-such-type', {}, 'UNKNOWN_TASK_TYPE', 'This server has no task type "no-such-type".', false],
  ])('fails clearly when the handler %s', async (type, input, code, message, retryable) => {
    expect((await run(type, input)).outcome).toMatchObject({ kind: 'failed', error: { code, message, retryable } })
  })

  it('ignores an outcome of the handler’s own making that is nested too deeply', async () => {
    const { outcome, output } = await run('sends-deep')
    expect([outcome, output.lines]).toEqual([{ kind: 'completed', result: null }, ['sent']])
  })

  it('fails clearly when the result refers to itself', async () => {
    const error = { code: 'INVALID_RESULT', message: expect.stringContaining('circular'), retryable: false }
    expect((await run('returns-cycle')).outcome).toMatchObject({ kind: 'failed', error })
  })

  it('tells the place of an accident', async () => {
    const { outcome } = await run('throws')
    expect(outcome.kind === 'failed' && outcome.error.stack).toContain('signalbox.config.ts')
  })
})

describe('output', () => {
  it('keeps a large result whole as a part', async () => {
    const { outcome, output } = await run('returns-large')
    const pointer = { truncated: true, sizeBytes: 300_011, part: 'result.json' }
    expect(outcome).toEqual({ kind: 'completed', result: pointer })
    expect(output.json('result.json')).toEqual({ text: 'x'.repeat(300_000) })
  })

  it('fails when the result is larger than a part may be', async () => {
    const error = {
      code: 'RESULT_TOO_LARGE',
      message: 'The result is 67,108,866 bytes; at most 67,108,864 can be kept.',
    }
    expect((await run('returns-too-large')).outcome).toMatchObject({ kind: 'failed', error })
  })

  it('takes what is printed as log lines, whatever bytes it is', async () => {
    const { output } = await run('prints-garbage')
    expect(output.lines.toSorted()).toEqual(['no line end', '\uFFFD\uFFFD\uFFFD\uFFFD'])
  })

  it('keeps the first 10,000 lines of a flood of 50 MB and counts the rest', async () => {
    const { outcome, output } = await run('floods')
    expect(outcome.kind).toBe('completed')
    expect(output.lines).toHaveLength(10_001)
    expect(output.lines.at(-1)).toBe('[signalbox] 490,000 more log lines were dropped.')
  })

  it('reads no further than its log has taken', async () => {
    const batches: number[] = []
    class SlowOutput extends RecordedOutput {
      override async drained(): Promise<void> {
        batches.push(this.lines.length - batches.reduce((sum, size) => sum + size, 0))
        await new Promise(setImmediate)
      }
    }
    last = newAttempt('floods')
    await open.runner.run(last, new SlowOutput(), new AbortController().signal)
    // A pipe gives at most 64 KiB at a time, 100 bytes a line.
    expect(Math.max(...batches)).toBeLessThanOrEqual(656)
  })

  it('replaces what a database refuses to store', async () => {
    const { outcome } = await run('returns-unstorable')
    expect(outcome).toEqual({ kind: 'completed', result: { 'a\uFFFD': ['b\uFFFD', 'c\uFFFD', '\\u0000'] } })
  })

  it('cuts a line of a megabyte and says how much is missing', async () => {
    const { output } = await run('prints-long-line')
    expect(output.lines).toEqual([`${'x'.repeat(8_192)} … [991,808 more bytes cut]`])
  })

  it('cuts a long line of the handler’s own log as well', async () => {
    const { output } = await run('logs-long-line')
    expect(output.lines).toEqual([`${'x'.repeat(8_192)} … [1,808 more bytes cut]`])
  })

  it('counts dropped lines of the handler’s own log', async () => {
    const { output } = await run('logs-much')
    expect(output.lines.slice(-2)).toEqual(['line 10000', '[signalbox] 5 more log lines were dropped.'])
  })

  it('keeps a hundred parts and says which others it did not', async () => {
    const { output } = await run('writes-many-parts')
    expect(output.parts.size).toBe(100)
    expect(output.lines).toEqual(['[signalbox] The part "part-101" was not kept: a task has at most 100 parts.'])
  })

  it('cuts a part at its limit and says so', async () => {
    const { output } = await run('writes-large-part')
    expect(output.parts.get('large')?.bytes.length).toBe(64 * 1024 * 1024)
    expect(output.lines).toEqual(['[signalbox] The part "large" was cut after 67,108,864 bytes.'])
  })
})

describe('the end', () => {
  it('lets a handler tidy up when it is stopped', async () => {
    const { outcome, output } = await stopWhenReady('stops-when-asked')
    expect(outcome).toEqual({ kind: 'stopped', by: 'cancelled' })
    expect(output.lines).toEqual(['ready', 'tidied up'])
  })

  it('does not start an attempt that is stopped before', async () => {
    last = newAttempt('returns')
    const { outcome } = await open.run(last, async (_, stop) => stop.abort('cancelled'))
    expect(outcome).toEqual({ kind: 'stopped', by: 'cancelled' })
  })

  it('kills what ignores SIGTERM, with its children', async () => {
    expect((await stopWhenReady('ignores-term')).outcome).toEqual({ kind: 'stopped', by: 'cancelled', isForced: true })
  }, 15_000)

  it('times out', async () => {
    const { outcome } = await run('never-returns', {}, { timeoutMs: 1_000 })
    const error = { code: 'TIMEOUT', message: 'It did not end within 1,000 ms.', retryable: true }
    expect(outcome).toEqual({ kind: 'failed', error })
  })

  it('kills one whose event loop gives no sign of life', async () => {
    const { outcome } = await run('blocks', {}, { lockMs: 300 })
    const error = { code: 'STALLED', message: 'It gave no sign of life for 300 ms.', retryable: true }
    expect(outcome).toEqual({ kind: 'failed', error })
  })

  it('leaves one alone that waits for longer than its lock, since it lives', async () => {
    const { outcome } = await run('never-returns', {}, { lockMs: 300, timeoutMs: 2_000 })
    expect(outcome).toMatchObject({ error: { code: 'TIMEOUT' } })
  })

  it.each(['leaves-children', 'leaves-escaped', 'leaves-pipe-holder', 'leaves-locked-files'])(
    'takes everything with it when the handler %s',
    async (type) => {
      expect((await run(type)).outcome).toEqual({ kind: 'completed', result: null })
    },
  )

  it('takes what nothing connects with it any more', async () => {
    const mark = `300.${randomInt(1e9)}`
    expect((await run('leaves-cleared', mark)).outcome.kind).toBe('completed')
    expect(processesCalled(mark)).toEqual([])
  })

  it('ends what has left the process group when it is stopped', async () => {
    expect((await stopWhenReady('escapes-and-waits')).outcome).toEqual({
      kind: 'stopped',
      by: 'cancelled',
      isForced: true,
    })
  }, 15_000)
})

describe('a server that is killed', () => {
  async function killServer() {
    const attempt = newAttempt('escapes-and-waits')
    const args = [
      join(fixtures, 'parent.ts'),
      configFile,
      open.workspacesDir,
      open.installation,
      JSON.stringify(attempt),
    ]
    const server = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    const [printed] = await once(server.stdout, 'data')
    const serverId = String(printed).trim()
    const started = processesWith(attempt.taskId)
    const lived = !isServerGone(serverId)
    server.kill('SIGKILL')
    await once(server, 'exit')
    return { attempt, serverId, started, lived }
  }

  it('leaves no process behind, and its workspaces only until the next sweep', async () => {
    const { attempt, serverId, started, lived } = await killServer()
    expect(started).toHaveLength(3)
    expect(lived).toBe(true)
    await until(() => processesWith(attempt.taskId).length === 0)
    expect(existsSync(join(open.workspacesDir, serverId))).toBe(true)
    await open.runner.sweep()
    expect(existsSync(join(open.workspacesDir, serverId))).toBe(false)
  }, 20_000)

  it('has its stray processes ended by the sweep of its own installation only', async () => {
    const gone = `${open.installation}.${open.serverId.split('.')[1]?.split('-')[0]}-4194305-1-00000000`
    mkdirSync(join(open.workspacesDir, gone), { recursive: true })
    const [program = '', ...args] = taggedCommand(new ProcessTags(gone).next(), ['sleep', '300'])
    const stray = spawn(program, args, { stdio: 'ignore' })
    await until(() => tagOf(stray.pid ?? 0) !== undefined)
    const other = await openRunner({ file: configFile })
    await other.runner.sweep()
    expect(stray.exitCode ?? stray.signalCode).toBe(null)
    const exited = once(stray, 'exit')
    await open.runner.sweep()
    expect(await exited).toEqual([null, 'SIGKILL'])
    other.close()
  })

  it('is distinguished from a living one', async () => {
    const living = createServerId(open.installation)
    mkdirSync(join(open.workspacesDir, living), { recursive: true })
    await open.runner.sweep()
    expect(existsSync(join(open.workspacesDir, living))).toBe(true)
  })
})

describe('an attempt in the server’s process', () => {
  it('fails as one in a process of its own does', async () => {
    const { outcome } = await run('local-throws')
    expect(outcome).toMatchObject({ kind: 'failed', error: { code: 'HANDLER_FAILED', message: 'here as well' } })
  })

  it('is abandoned when it does not return in time, and no longer heard', async () => {
    const file = join(open.directory, 'spoken')
    const { outcome, output } = await run('local-never-returns', { file }, { timeoutMs: 20 })
    expect(outcome).toMatchObject({ error: { code: 'TIMEOUT' } })
    await until(() => existsSync(file))
    expect(output.lines).toEqual(['ready'])
  })

  it('has a workspace when it looks for one', async () => {
    expect((await run('local-uses-workspace')).outcome).toEqual({ kind: 'completed', result: null })
  })

  it('stops', async () => {
    last = newAttempt('probe', { durationMs: 60_000 })
    const { outcome } = await open.run(last, async (_, stop) => stop.abort('cancelled'))
    expect(outcome).toEqual({ kind: 'stopped', by: 'cancelled' })
  })
})

describe('probe', () => {
  it('reports its steps', async () => {
    const { outcome, output } = await run('probe', { steps: 2, durationMs: 2 })
    expect(outcome).toEqual({ kind: 'completed', result: { steps: 2, durationMs: 2 } })
    expect(output.steps).toEqual(['step 1 of 2', 'step 2 of 2'])
    expect(output.progressed.map(({ percent }) => percent)).toEqual([50, 100])
  })

  it('fails at the step that it is asked to', async () => {
    const { outcome, output } = await run('probe', { steps: 3, failAtStep: 2 })
    expect(outcome).toMatchObject({ kind: 'failed', error: { message: 'It was asked to fail at step 2.' } })
    expect(output.steps).toHaveLength(2)
  })

  it('pads its result', async () => {
    const { outcome } = await run('probe', { resultBytes: 5 })
    expect(outcome).toMatchObject({ result: { padding: 'xxxxx' } })
  })
})
