import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort } from '#platform/system/free-port.ts'
import { type RunOptions, records, run, start } from '#test/support/command-line.ts'
import { mainFile } from '#test/support/process.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'

const configFile = fileURLToPath(new URL('../fixtures/cli/signalbox.config.ts', import.meta.url))

let server: TestServer
let env: Record<string, string>
beforeAll(async () => {
  server = await startTestServer({ configFile })
  env = { SIGNALBOX_URL: server.url, SIGNALBOX_TOKEN: server.token }
})
afterAll(() => server.close())

function task(args: readonly string[], options: RunOptions = {}) {
  return run(['task', ...args], { env, ...options })
}

async function submit(...args: readonly string[]): Promise<{ id: string }> {
  const { stdout } = await task(['submit', ...args, '--json'])
  return (JSON.parse(stdout) as { task: { id: string } }).task
}

async function submitAndWait(...args: readonly string[]): Promise<string> {
  const { stdout } = await task(['submit', ...args, '--watch', '--json'])
  return records<{ task: { id: string } }>(stdout)[0]?.task.id ?? ''
}

describe('task submit --watch', () => {
  it('tells log, parts, outcome and result line by line, and ends with 0', async () => {
    const { code, stdout, stderr } = await task([
      'submit',
      'talk',
      '--set',
      'lines=3',
      '--set',
      'pauseMs=300',
      '--watch',
    ])
    expect(stderr).toBe('')
    expect(code).toBe(0)
    expect(stdout.split('\n').slice(1)).toEqual(
      expect.arrayContaining([
        '| line 1',
        '| line 2',
        '| line 3',
        '| red and ring',
        'part: report.txt',
        '  "mood": "calm",',
      ]),
    )
    expect(stdout.indexOf('| red and ring')).toBeLessThan(stdout.indexOf('part: report.txt'))
    expect(stdout).toMatch(/^Submitted: task [0-9a-f-]{36} \(priority NORMAL\)\.$/m)
    expect(stdout).toMatch(/^completed in \d+\.\d s$/m)
  })

  it('leaves escape sequences and carriage returns out where nobody draws', async () => {
    const { stdout } = await task(['submit', 'talk', '--set', 'lines=1', '--watch'])
    expect(stdout.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u)
  })

  it('tells each log line once, however early it was logged', async () => {
    const { stdout } = await task(['submit', 'talk', '--set', 'lines=500', '--watch'])
    const lines = stdout.split('\n').filter((line) => line.startsWith('| line'))
    expect(lines).toEqual(Array.from({ length: 500 }, (_, index) => `| line ${index + 1}`))
  })

  it('ends with 1 when the task fails, and says why', async () => {
    const { code, stdout } = await task(['submit', 'probe', '--set', 'steps=1', '--set', 'failAtStep=1', '--watch'])
    expect(code).toBe(1)
    expect(stdout).toMatch(/^failed after .*: It was asked to fail at step 1\. \(HANDLER_FAILED\)$/m)
  })

  it('says why an attempt failed, and when the next one comes', async () => {
    const { code, stdout } = await task(['submit', 'fails-once', '--watch'])
    expect(code).toBe(0)
    expect(stdout).toMatch(
      /^attempt 1 failed: The org is locked\. \(HANDLER_FAILED\)\n {2}by a deployment\nnext attempt in \d\.\d s$/m,
    )
    expect(stdout.match(/attempt 1 failed/g)).toHaveLength(1)
    expect(stdout).not.toContain('scheduled for later')
    const id = /^Submitted: task (\S+)/.exec(stdout)?.[1] ?? ''
    const shown = (await task(['show', id])).stdout
    expect(shown).toMatch(/^1 +FAILED +\S+ \S+ +.* The org is locked\. \(HANDLER_FAILED\)\n +by a deployment\n2 /m)
  })

  it('keeps the line breaks of an error', async () => {
    const { code, stdout } = await task(['submit', 'command.frozen', '--watch'])
    expect(code).toBe(1)
    expect(stdout).toMatch(/: It exited with code 3\. \(EXITED\)\n {2}prod is frozen\n/)
    const id = /^Submitted: task (\S+)/.exec(stdout)?.[1] ?? ''
    expect((await task(['show', id])).stdout).toMatch(/^error +It exited with code 3\. \(EXITED\)\n +prod is frozen\n/m)
    expect((await task(['list', '--type', 'command.frozen'])).stdout).toContain('It exited with code 3. prod is frozen')
  })

  it('gives a stream of JSON documents that begins with the task and ends with its outcome', async () => {
    const { code, stdout } = await task(['submit', 'probe', '--set', 'steps=2', '--watch', '--json'])
    const all = records(stdout)
    expect(code).toBe(0)
    expect(all[0]).toMatchObject({ kind: 'SUBMITTED', deduplicated: false, task: { type: 'probe' } })
    expect(all[1]).toMatchObject({ kind: 'STATE', cursor: expect.any(String) })
    expect(all.at(-1)).toMatchObject({ kind: 'END', task: { status: 'COMPLETED', result: { steps: 2 } } })
  })

  it('leaves the task running at Ctrl-C, and says how to go on', async () => {
    const watching = start(['task', 'submit', 'probe', '--set', 'durationMs=60000', '--watch'], { env })
    await watching.says('running')
    watching.child.kill('SIGINT')
    // npm hands the terminal's signal on a second time.
    watching.child.kill('SIGINT')
    expect(await watching.ended).toBe(130)
    const [id = ''] = /[0-9a-f-]{36}/.exec(watching.stdout()) ?? []
    expect(watching.stderr()).toContain('the task continues')
    expect(watching.stderr()).toContain(`task cancel ${id}`)
    expect(JSON.parse((await task(['show', id, '--json'])).stdout)).toMatchObject({ status: 'ACTIVE' })
    await task(['cancel', id])
  })

  it('ends in its own way however late the echo of Ctrl-C comes', async () => {
    const watching = start(['task', 'submit', 'probe', '--set', 'durationMs=60000', '--watch'], { env })
    await watching.says('running')
    const again = setInterval(() => watching.child.kill('SIGINT'), 0)
    expect(await watching.ended).toBe(130)
    clearInterval(again)
    const [id = ''] = /[0-9a-f-]{36}/.exec(watching.stdout()) ?? []
    await task(['cancel', id])
  })
})

describe('task submit', () => {
  it('reads its input from a file, standard input and --set, and its other options', async () => {
    const args = [
      '--input-file',
      '-',
      '--set',
      'steps=0',
      '--priority',
      'batch',
      '--label',
      'team=web',
      '--run-at',
      '1h',
    ]
    const { stdout } = await task(
      ['submit', 'probe', ...args, '--idempotency-key', 'k-1', '--attempts', '3', '--json'],
      {
        input: '{"durationMs": 1}',
      },
    )
    const { task: submitted } = JSON.parse(stdout) as { task: { id: string } }
    const { stdout: shown } = await task(['show', submitted.id, '--json'])
    expect(JSON.parse(shown)).toMatchObject({
      input: { durationMs: 1, steps: 0 },
      priority: 'BATCH',
      status: 'SCHEDULED',
      labels: { team: 'web' },
      idempotencyKey: 'k-1',
      retry: { maxAttempts: 3 },
    })
  })

  it('says that the key was used before', async () => {
    const args = ['submit', 'probe', '--idempotency-key', 'twice']
    await task(args)
    expect((await task(args)).stdout).toContain('Already submitted: task ')
    const { code, stderr } = await task([...args, '--set', 'steps=1'])
    expect({ code, stderr }).toEqual({ code: 5, stderr: expect.stringContaining('idempotency key "twice"') })
  })

  it('names the known types when the type is unknown', async () => {
    expect(await task(['submit', 'prob'])).toEqual({
      code: 2,
      stdout: '',
      stderr:
        'There is no task type "prob". Known types: command, command.deploy, command.frozen, fails-once, http.request, probe, repository.inspect, salesforce.apexTests, salesforce.deploy, salesforce.limits, salesforce.query, salesforce.retrieve, salesforce.sourceCheck, salesforce.validate, talk.\n',
    })
  })

  it('lists each thing that is wrong with the input, once', async () => {
    const { code, stderr } = await task(['submit', 'probe', '--set', 'durationMs=long', '--set', 'odd=1'])
    expect(code).toBe(2)
    const [sentence, ...issues] = stderr.trimEnd().split('\n')
    expect(sentence).toBe('The input of "probe" is not valid.')
    expect(issues).toEqual([
      expect.stringMatching(/^ {2}input\.durationMs: /),
      expect.stringMatching(/^ {2}input: .*"odd"/),
    ])
  })

  it('says what of the input is missing', async () => {
    const { stderr } = await task(['submit', 'talk'])
    expect(stderr).toContain('\n  input.lines: is missing\n')
  })

  it('gives an error as JSON on standard error with --json', async () => {
    const { stdout, stderr } = await task(['submit', 'nope', '--json'])
    expect(stdout).toBe('')
    expect(JSON.parse(stderr)).toEqual({ error: { code: 'UNKNOWN_TASK_TYPE', message: expect.any(String) } })
    const usage = await task(['submit', '--odd', '--json'])
    expect(usage.code).toBe(2)
    expect(JSON.parse(usage.stderr)).toEqual({ error: { code: 'COMMAND_FAILED', message: "unknown option '--odd'" } })
  })
})

describe('a reader who goes', () => {
  it.each([
    ['of answers', ['task', 'list', '--json'], '', 0],
    ['of remarks', ['task', 'show', 'none'], '2>&1 >&3', 4],
  ])('%s does not fail by itself', async (_who, args, redirection, code) => {
    // The first reader takes nothing, and is gone before there is anything.
    const script = `exec 3>/dev/null; { sleep 0.5; "$0" "$@" ${redirection}; echo $? >&2; } | true`
    const { stderr } = await promisify(execFile)('sh', ['-c', script, process.execPath, mainFile, ...args], { env })
    expect(stderr).toBe(`${code}\n`)
  })
})

describe('task watch', () => {
  it('ends with 8 when the task is cancelled', async () => {
    const { id } = await submit('probe', '--set', 'durationMs=60000')
    const watching = start(['task', 'watch', id], { env })
    await watching.says('running')
    await task(['cancel', id, '--reason', 'enough'])
    expect(await watching.ended).toBe(8)
    expect(watching.stdout()).toMatch(/^cancelled after/m)
  })

  it('tells at once how a task has ended that is over', async () => {
    const id = await submitAndWait('talk', '--set', 'lines=1')
    const { code, stdout } = await task(['watch', id])
    expect(code).toBe(0)
    expect(stdout).toContain('| line 1\n')
    expect(stdout).toMatch(/^completed/m)
  })
})

describe('task types', () => {
  it('lists what can be handed in, and what one type takes', async () => {
    expect((await task(['types'])).stdout).toMatch(/^talk +NORMAL +lines, pauseMs\?, mood\? +Logs lines/m)
    const { stdout } = await task(['types', 'talk'])
    expect(stdout).toMatch(/^lines +integer +yes/m)
    expect(stdout).toMatch(/^mood +string +no: "calm"/m)
    expect(stdout).toContain('task submit talk --set lines=… --watch')
    expect(await task(['types', 'tall'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('Known types: command'),
    })
  })
})

describe('task types of commands', () => {
  it('are listed with their arguments', async () => {
    const { stdout } = await task(['types'])
    expect(stdout).toMatch(/^command +NORMAL +command, args\? /m)
    expect(stdout).toMatch(/^command\.deploy +NORMAL +target, version\? +Deploys a version\./m)
  })

  it('say what one takes, and how to submit it', async () => {
    const { stdout } = await task(['types', 'command.deploy'])
    expect(stdout).toMatch(/^target +"test" \| "prod" +yes +Where to\./m)
    expect(stdout).toContain('task submit command.deploy --set target=… --watch')
    const all = (await task(['types', 'command'])).stdout
    expect(all).toMatch(/^command +"deploy" \| "frozen" +yes/m)
    expect(all).toContain('task submit command --set command=… --watch')
  })
})

describe('task list', () => {
  it('shows the tasks that match, newest first', async () => {
    const older = await submit('probe', '--label', 'list=yes')
    const newer = await submit('probe', '--label', 'list=yes')
    const { stdout } = await task(['list', '--label', 'list=yes'])
    expect(stdout.split('\n').map((line) => line.split(' ')[0])).toEqual(['ID', newer.id, older.id, ''])
    const page = JSON.parse((await task(['list', '--label', 'list=yes', '--first', '1', '--json'])).stdout)
    expect(page).toMatchObject({ nodes: [{ id: newer.id }], pageInfo: { hasNextPage: true } })
    const next = await task(['list', '--label', 'list=yes', '--after', page.pageInfo.endCursor])
    expect(next.stdout).toContain(older.id)
  })

  it('says so when there are none', async () => {
    expect(await task(['list', '--type', 'nothing'])).toEqual({ code: 0, stdout: '', stderr: 'No tasks.\n' })
  })

  it('refuses a status that there is not', async () => {
    const { code, stderr } = await task(['list', '--status', 'DONE'])
    expect(code).toBe(2)
    expect(stderr).toContain('It must be one of SCHEDULED, PENDING, ACTIVE, COMPLETED, FAILED, CANCELLED.')
  })
})

describe('the order of tasks', () => {
  it('is submitted with options, and shown with the task and as a tree', async () => {
    const root = await submit('probe', '--run-at', '1h')
    const first = await submit('probe', '--run-at', '1h', '--parent', root.id)
    const second = await submit('probe', '--depends-on', first.id, '--on-failure', 'skip', '--parent', root.id)
    const below = await submit('probe', '--run-at', '1h', '--parent', first.id)
    const tree = await task(['tree', root.id])
    expect(tree.stdout.trimEnd().split('\n')).toEqual([
      `${root.id}  probe  SCHEDULED`,
      `├─ ${first.id}  probe  SCHEDULED`,
      `│  └─ ${below.id}  probe  SCHEDULED`,
      `└─ ${second.id}  probe  PENDING  after ${first.id}`,
    ])
    expect(JSON.parse((await task(['tree', root.id, '--json'])).stdout)).toMatchObject({
      id: root.id,
      children: [{ id: first.id, children: [{ id: below.id, children: [] }] }, { id: second.id }],
    })
    expect((await task(['tree', root.id, '--first', '2'])).stdout).toContain('└─ … more; --first shows them')
    const { stdout } = await task(['show', second.id])
    expect(stdout).toMatch(/^waiting +Tasks that it depends on have not ended yet\. Since .*\. 1 task is before it\.$/m)
    expect(stdout).toMatch(new RegExp(`^parent +${root.id}$`, 'm'))
    expect(stdout).toMatch(new RegExp(`^${first.id} +probe +SCHEDULED +SKIP$`, 'm'))
    await task(['cancel', root.id, '--reason', 'over'])
    expect((await task(['tree', root.id])).stdout.match(/CANCELLED/g)).toHaveLength(4)
  })

  it('needs a task for --on-failure', async () => {
    expect(await task(['submit', 'probe', '--on-failure', 'RUN'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--on-failure needs --depends-on.'),
    })
  })
})

describe('task logs', () => {
  it('prints the whole log, over several pages', async () => {
    const id = await submitAndWait('talk', '--set', 'lines=450')
    expect((await task(['logs', id])).stdout.split('\n')).toHaveLength(452)
    expect(JSON.parse((await task(['logs', id, '--json'])).stdout)).toHaveLength(451)
  })

  it('follows it to the end of the task, each line once', async () => {
    const { id } = await submit('talk', '--set', 'lines=20', '--set', 'pauseMs=50')
    const { code, stdout } = await task(['logs', id, '--follow', '--json'])
    expect(code).toBe(0)
    const messages = records<{ message: string }>(stdout).map(({ message }) => message)
    expect(messages.slice(0, 20)).toEqual(Array.from({ length: 20 }, (_, index) => `line ${index + 1}`))
    expect(messages).toHaveLength(21)
  })
})

describe('task result and parts', () => {
  it('print what the task came to', async () => {
    const id = await submitAndWait('talk', '--set', 'lines=1')
    expect(JSON.parse((await task(['result', id])).stdout)).toEqual({ mood: 'calm', lines: 1 })
    expect((await task(['parts', id])).stdout).toMatch(/^report\.txt +text\/plain +13 B/m)
    expect((await task(['parts', id, 'report.txt'])).stdout).toBe('first\nsecond\n')
    expect(await task(['parts', id, 'other'])).toMatchObject({ code: 4, stderr: `Task ${id} has no part "other".\n` })
  })

  it('say why there is no result', async () => {
    const { id } = await submit('probe', '--run-at', '1h')
    expect(await task(['result', id])).toMatchObject({ code: 5, stderr: expect.stringContaining('is SCHEDULED') })
    const failed = await submitAndWait('probe', '--set', 'steps=1', '--set', 'failAtStep=1')
    expect(await task(['result', failed])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('it failed after'),
    })
  })
})

describe('task cancel and retry', () => {
  it('report the outcome of the task', async () => {
    const { id } = await submit('probe', '--run-at', '1h')
    expect((await task(['cancel', id])).stdout).toBe(`Task ${id} is cancelled.\n`)
    expect(await task(['cancel', id])).toMatchObject({ code: 5, stderr: expect.stringContaining('already ended') })
    expect(await task(['retry', id, '--watch'])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^completed/m),
    })
    expect(await task(['retry', id])).toMatchObject({ code: 5 })
  })
})

describe('a command that can’t do its work', () => {
  it('says how to give it a token', async () => {
    const { code, stderr } = await task(['list'], { env: { SIGNALBOX_URL: server.url } })
    expect(code).toBe(3)
    expect(stderr).toContain('set SIGNALBOX_TOKEN')
  })

  it('says that the token is not accepted', async () => {
    const { code, stderr } = await task(['list', '--token', 'wrong'])
    expect(code).toBe(3)
    expect(stderr).toMatch(/^The server does not accept the token\./)
    expect(stderr).toContain('Check SIGNALBOX_TOKEN or --token')
  })

  it('says that there is no such task', async () => {
    for (const command of ['watch', 'show', 'logs', 'result', 'parts', 'cancel', 'retry'])
      expect(await task([command, '0197e2c4-0000-7000-8000-000000000000'])).toMatchObject({
        code: 4,
        stderr: expect.stringContaining('There is no task 0197e2c4'),
      })
  })

  it('says that the server can’t be reached', async () => {
    const { code, stderr } = await task(['list', '--url', `http://127.0.0.1:${await freePort()}`])
    expect(code).toBe(7)
    expect(stderr).toMatch(/^The server at .* can't be reached: nothing listens there\.\nIs the server running/)
    const secure = await task(['list', '--url', server.url.replace('http:', 'https:')])
    expect(secure.stderr).toContain("can't be reached: it speaks http there, not https.")
  })

  it('refuses an address that is none, and options that it does not have', async () => {
    expect(await task(['list', '--url', 'box:4000'])).toMatchObject({ code: 2 })
    expect(await task(['list', '--odd'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("unknown option '--odd'"),
    })
    expect(await task(['submit'])).toMatchObject({ code: 2 })
  })
})

it('says its version', async () => {
  expect((await run(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
})

describe('viewer', () => {
  it('says whose token it is', async () => {
    expect((await run(['whoami'], { env })).stdout).toMatch(/^role +OWNER$/m)
    expect(JSON.parse((await run(['viewer', '--json'], { env })).stdout)).toMatchObject({ role: 'OWNER' })
  })
})

describe('events', () => {
  it('lists what happened, and follows what happens', async () => {
    const id = await submitAndWait('probe')
    const subject = ['--subject', `task:${id}`]
    const { nodes } = JSON.parse((await run(['events', ...subject, '--json'], { env })).stdout) as {
      nodes: { type: string; cursor: string }[]
    }
    expect(nodes.map(({ type }) => type)).toEqual(['task.submitted', 'task.started', 'task.completed'])
    expect((await run(['events', ...subject], { env })).stdout).toMatch(/ task\.completed +task:/)

    const following = start(['events', '--follow', ...subject, '--after', nodes[0]?.cursor ?? '', '--json'], { env })
    await following.says('task.completed')
    following.child.kill('SIGINT')
    expect(await following.ended).toBe(130)
    expect(records(following.stdout()).map(({ type }) => type)).toEqual(['task.started', 'task.completed'])
  })
})
