import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { commandInputSchema } from '#domain/tasks/handlers/command-input.ts'
import type { Attempt } from '#domain/tasks/task.ts'
import { newAttempt, nothingLeft, type OpenRunner, openRunner } from '#test/support/attempts.ts'

const fixtures = join(import.meta.dirname, '../../fixtures/command')

let open: OpenRunner
let last: Attempt | undefined

beforeAll(async () => {
  open = await openRunner({
    file: join(fixtures, 'signalbox.config.ts'),
    env: { SHOWN_TO_TASKS: 'yes', HIDDEN_FROM_TASKS: 'no' },
  })
})

afterEach(() => {
  if (last) expect(open.leftovers(last)).toEqual(nothingLeft)
  last = undefined
})

afterAll(() => open.close())

function run(command: string, args?: Record<string, unknown>) {
  last = newAttempt('command', args === undefined ? { command } : { command, args })
  return open.run(last)
}

async function shown(command: string, args: Record<string, unknown>): Promise<unknown> {
  const { output } = await run(command, args)
  return JSON.parse(output.lines[0] ?? 'null')
}

function stopWhenReady(command: string) {
  last = newAttempt('command', { command })
  return open.run(last, async (output, stop) => {
    await output.ready
    stop.abort('cancelled')
  })
}

describe('a command as a task type of its own', () => {
  it('has the command’s arguments as its input', async () => {
    last = newAttempt('command.show', { path: 'a' })
    const { output } = await open.run(last)
    expect(JSON.parse(output.lines[0] ?? 'null')).toEqual(['a', '{{.Go}}'])
  })

  it('refuses arguments that the command would refuse', async () => {
    last = newAttempt('command.show', { path: 1 })
    expect(await open.run(last)).toMatchObject({ outcome: { kind: 'failed', error: { code: 'INVALID_INPUT' } } })
  })
})

describe('the command line', () => {
  it('is filled from the arguments, a list as several elements', async () => {
    const args = { path: 'a b; rm -rf *', files: ['x', '$(y)', ''], level: 2 }
    expect(await shown('show', args)).toEqual([
      'a b; rm -rf *',
      'x',
      '$(y)',
      '',
      '--level=2',
      'a b; rm -rf */2',
      '{{.Go}}',
    ])
  })

  it('leaves out elements whose argument is missing', async () => {
    expect(await shown('show', { path: 'a' })).toEqual(['a', '{{.Go}}'])
  })

  it.each([
    ['an unknown command', { command: 'nuke' }, /input\.command: must name a configured command: show, show-dashes/],
    ['a missing argument', { command: 'show' }, /input\.args\.path: Invalid input/],
    [
      'an argument that looks like an option',
      { command: 'show', args: { path: '--delete' } },
      /input\.args\.path: .* must not begin with "-"/,
    ],
    [
      'an option in a list',
      { command: 'show', args: { path: 'a', files: ['b', '-rf'] } },
      /input\.args\.files: .* must not begin with "-"/,
    ],
    [
      'a NUL character',
      { command: 'show', args: { path: 'a\0b' } },
      /input\.args\.path: .* must not contain a NUL character/,
    ],
    ['an object as text', { command: 'show-object', args: { value: {} } }, /input\.args\.value: .* must be a text/],
    [
      'an argument that the command does not have',
      { command: 'result', args: { path: 'x' } },
      /input\.args: Unrecognized key: "path"/,
    ],
  ])('refuses %s', async (_, input, message) => {
    last = newAttempt('command', input)
    const { outcome } = await open.run(last)
    const error = { code: 'INVALID_INPUT', message: expect.stringMatching(message), retryable: false }
    expect(outcome).toEqual({ kind: 'failed', error })
  })

  it('takes an argument that looks like an option where the configuration says so', async () => {
    expect(await shown('show-dashes', { path: '--delete' })).toEqual(['--delete'])
  })

  it('accepts nothing where no command is configured, and says why', () => {
    const { error } = commandInputSchema({}).safeParse({ command: 'lint' })
    expect(error?.issues[0]).toMatchObject({
      path: ['command'],
      message: 'no command is configured; name some under `commands` in signalbox.config.ts',
    })
  })
})

describe('the program', () => {
  it('sees its own environment and nothing else', async () => {
    const { output } = await run('environment')
    const seen = output.lines.filter((line) => !/^(PWD|OLDPWD|SHLVL|_)=/.test(line)).map((line) => line.split('=')[0])
    const usual = ['HOME', 'LANG', 'LITERAL', 'PATH', 'SHOWN_TO_TASKS', 'SIGNALBOX_ATTEMPT', 'SIGNALBOX_RESULT']
    expect(seen.filter((name) => name !== 'SIGNALBOX_MARKER')).toEqual([
      ...usual,
      'SIGNALBOX_TASK_ID',
      'SIGNALBOX_WORKSPACE',
      'TMPDIR',
    ])
    expect(output.lines).toContain('LITERAL=as it is')
    expect(output.lines).toContain(`SIGNALBOX_TASK_ID=${last?.taskId}`)
  })

  it('runs where its configuration says', async () => {
    expect((await run('where')).output.lines).toEqual([fixtures])
  })

  it('reports steps and progress by what it prints; all else is its log', async () => {
    const { output } = await run('reports')
    expect(output.steps).toEqual(['one'])
    expect(output.progressed.at(-1)?.percent).toBe(43)
    expect(output.lines.toSorted()).toEqual(['::progress much', 'odd', 'plain'])
  })

  const withoutMarker = (lines: readonly string[]) => lines.filter((line) => line.startsWith('::'))

  it('obeys only lines with its marker where the configuration says so', async () => {
    const { output, outcome } = await run('reports-marked')
    expect(outcome).toMatchObject({ kind: 'completed', result: expect.stringMatching(/^[0-9a-f]{32}$/) })
    expect(output.steps).toEqual(['own'])
    expect(output.progressed.at(-1)?.percent).toBe(40)
    expect([...output.parts.keys()]).toEqual(['report'])
    expect(withoutMarker(output.lines)).toEqual(['::step plain', '::part a b', '::0000::step foreign'])
  })

  it('may mark its lines where any is obeyed', async () => {
    const { output } = await run('reports-any')
    expect(output.steps).toEqual(['plain', 'own'])
    expect([...output.parts.keys()].toSorted()).toEqual(['a', 'report'])
    expect(withoutMarker(output.lines)).toEqual(['::0000::step foreign'])
  })

  it('steers nothing by what it prints where none is obeyed', async () => {
    const { output, outcome } = await run('reports-none')
    expect(outcome).toMatchObject({ kind: 'completed' })
    expect([output.steps, output.progressed, [...output.parts.keys()]]).toEqual([[], [], []])
    expect(withoutMarker(output.lines)).toHaveLength(6)
  })

  it('has a marker of its own in each attempt, which its log leaves out', async () => {
    const [first, second] = [await run('reports-marked'), await run('reports-marked')]
    expect(first.outcome).not.toEqual(second.outcome)
    expect(first.output.lines).toContain('marker ***')
  })

  it('keeps a file as a part', async () => {
    const { output } = await run('keeps-part')
    expect(output.parts.get('report')).toEqual({ contentType: 'application/json', bytes: Buffer.from('{}\n') })
  })

  it('gives its result in a file', async () => {
    expect((await run('result')).outcome).toEqual({ kind: 'completed', result: { found: 3 } })
  })

  it('has a plain result when it gives none', async () => {
    expect((await run('where')).outcome).toEqual({ kind: 'completed', result: { exitCode: 0 } })
  })

  it('prints 50 MB, and what it says afterwards is still heard', async () => {
    const { output } = await run('floods')
    expect(output.lines.at(-1)).toBe('[signalbox] 490,000 more log lines were dropped.')
    expect(output.steps).toEqual(['after the flood'])
  }, 30_000)

  it.each([
    ['exit-3', 'EXITED', /^It exited with code 3\.\nreason 11\n(reason \d+\n)*reason 30$/, true],
    ['kill-itself', 'EXITED', /^It was killed by SIGKILL\.$/, true],
    ['missing', 'COMMAND_NOT_FOUND', /^The program "signalbox-no-such-program" is not installed/, false],
    ['not-executable', 'COMMAND_NOT_EXECUTABLE', /^The program "\/etc\/passwd" may not be executed\.$/, false],
    ['no-where', 'CWD_MISSING', /nowhere is not a directory\.$/, false],
    [
      'bad-result',
      'INVALID_RESULT',
      /^It exited with code 0, but what it wrote to \$SIGNALBOX_RESULT is not JSON/,
      false,
    ],
    ['deep-result', 'INVALID_RESULT', /^The result is nested more than 200 levels deep\.$/, false],
    ['keeps-outside', 'PART_REFUSED', /lies outside the workspace\.$/, false],
    ['keeps-link', 'PART_REFUSED', /lies outside the workspace\.$/, false],
    ['keeps-pipe', 'PART_REFUSED', /is not a file\.$/, false],
    ['keeps-missing', 'PART_REFUSED', /does not exist\.$/, false],
  ])('fails clearly: %s', async (command, code, message, retryable) => {
    const { outcome } = await run(command)
    expect(outcome).toEqual({ kind: 'failed', error: { code, message: expect.stringMatching(message), retryable } })
  })
})

describe('the end of a program', () => {
  it('is asked for once, so that it can tidy up', async () => {
    const { outcome, output } = await stopWhenReady('traps-term')
    expect(outcome).toEqual({ kind: 'stopped', by: 'cancelled' })
    expect(output.lines.filter((line) => line === 'tidied up')).toHaveLength(1)
  })

  it('comes after its grace period at the latest', async () => {
    expect((await stopWhenReady('ignores-term')).outcome).toEqual({
      ...{ kind: 'stopped', by: 'cancelled' },
      isForced: true,
    })
  })

  it('takes ten children that left its session with it', async () => {
    const { outcome, output } = await run('leaves-children')
    expect(outcome.kind).toBe('completed')
    expect(output.lines).toEqual(['started'])
  })
})
