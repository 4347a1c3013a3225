import { execFileSync } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { chooseTaskUser } from '#domain/tasks/runner/task-user.ts'
import type { Attempt } from '#domain/tasks/task.ts'
import { newAttempt, nothingLeft, type OpenRunner, openRunner, processesCalled } from '#test/support/attempts.ts'

const configFile = join(import.meta.dirname, '../../fixtures/runner/signalbox.config.ts')
const isRoot = process.getuid?.() === 0

let open: OpenRunner
let last: Attempt | undefined

function run(type: string, input: unknown = {}) {
  last = newAttempt(type, input)
  return open.run(last)
}

async function result(type: string, input: unknown = {}): Promise<unknown> {
  const { outcome } = await run(type, input)
  if (outcome.kind !== 'completed') throw new Error(JSON.stringify(outcome))
  return outcome.result
}

describe.skipIf(!isRoot)('an attempt that has a user of its own', () => {
  beforeAll(async () => {
    const { taskUser } = await chooseTaskUser(undefined)
    expect(taskUser).toEqual({ kind: 'own' })
    open = await openRunner({ file: configFile, taskUser })
    // As the server's data directory is: passable, and nothing in it readable.
    chmodSync(open.directory, 0o711)
    writeFileSync(join(open.directory, 'secret-key'), 'secret', { mode: 0o600 })
  })
  afterEach(() => {
    if (last) expect(open.leftovers(last)).toEqual(nothingLeft)
    last = undefined
  })
  afterAll(() => open.close())

  interface Shown {
    readonly user: number[]
    readonly groups: number[]
    readonly workspace: number
  }

  it('runs as one without rights, which no other attempt has', async () => {
    const [first, second] = [(await result('shows-user')) as Shown, (await result('shows-user')) as Shown]
    for (const { user, groups, workspace } of [first, second]) {
      const [uid = 0] = user
      expect(uid).toBeGreaterThan(1_900_000_000)
      expect({ user, groups, workspace }).toEqual({ user: [uid, uid, uid], groups: [uid], workspace: uid })
    }
    expect(first.user).not.toEqual(second.user)
  })

  it('reads neither the data directory nor the environment and memory of the server', async () => {
    const server = `/proc/${process.pid}`
    const files = [join(open.directory, 'secret-key'), `${server}/environ`, `${server}/mem`, `${server}/fd/0`]
    expect(await result('reads', files)).toEqual(files.map(() => 'EACCES'))
  })

  it('reads nothing of another attempt', async () => {
    const gate = join(open.directory, 'gate')
    const other = newAttempt('waits-for', gate)
    const { outcome } = await open.run(other, async (output) => {
      await output.ready
      const [workspace = ''] = output.lines
      writeFileSync(join(workspace, 'file'), 'private')
      expect(await result('reads', [join(workspace, 'file')])).toEqual(['EACCES'])
      writeFileSync(gate, '')
    })
    last = other
    expect(outcome.kind).toBe('completed')
  })

  it.each(['leaves-cleared', 'leaves-disguised', 'leaves-fugitive'])(
    'takes everything with it when the handler %s',
    async (type) => {
      const mark = `300.${randomInt(1e9)}`
      expect((await run(type, mark)).outcome.kind).toBe('completed')
      // A process that is born and gone between two looks would not be seen by one.
      for (let look = 0; look < 20; look += 1) expect(processesCalled(mark)).toEqual([])
    },
  )

  it('lets git inspect what only the server may read', async () => {
    const base = realpathSync(mkdtempSync(join(tmpdir(), 'signalbox-closed-')))
    try {
      const project = join(base, 'project')
      mkdirSync(project)
      const git = (...args: string[]) => execFileSync('git', ['-C', project, ...args], { stdio: 'ignore' })
      git('init')
      writeFileSync(join(project, 'file.ts'), 'one\n', { mode: 0o600 })
      git('add', '.')
      git('-c', 'user.name=Ada', '-c', 'user.email=ada@example.test', 'commit', '-m', 'first')
      for (const path of execFileSync('find', [project], { encoding: 'utf8' }).trim().split('\n'))
        chmodSync(path, 0o700)
      const file = join(base, 'signalbox.config.mjs')
      writeFileSync(file, `export default { roots: [${JSON.stringify(project)}] }`)
      const closed = await openRunner({ file, taskUser: { kind: 'own' } })
      chmodSync(closed.directory, 0o711)
      const attempt = newAttempt('repository.inspect', { source: '.' })
      expect((await closed.run(attempt)).outcome).toMatchObject({ result: { files: 1, commits: 1 } })
      expect(closed.leftovers(attempt)).toEqual(nothingLeft)
      closed.close()
    } finally {
      rmSync(base, { recursive: true, force: true })
    }
  })
})

describe('TASK_USER', () => {
  it.skipIf(!isRoot)('is an account or a number, all of whose attempts are one user', async () => {
    const { taskUser } = await chooseTaskUser('nobody')
    expect(taskUser).toMatchObject({ kind: 'shared', user: { name: 'nobody' } })
    open = await openRunner({ file: configFile, taskUser: (await chooseTaskUser('12345')).taskUser })
    chmodSync(open.directory, 0o711)
    expect(await result('shows-user')).toEqual({ user: [12345, 12345, 12345], groups: [12345], workspace: 12345 })
    const mark = `300.${randomInt(1e9)}`
    expect((await run('leaves-cleared', mark)).outcome.kind).toBe('completed')
    expect(processesCalled(mark)).toEqual([])
    open.close()
  })

  it.skipIf(!isRoot)('may be the server’s own', async () => {
    expect(await chooseTaskUser('root')).toEqual({ taskUser: { kind: 'server' } })
  })

  it('is refused when there is no such account', async () => {
    await expect(chooseTaskUser('nobody-of-that-name')).rejects.toThrow(
      'TASK_USER: must be the name or number of a user of this system; it is "nobody-of-that-name".',
    )
  })
})
