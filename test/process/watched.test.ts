import { spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { processesWith } from '#test/support/attempts.ts'
import { type Run, records, run, start } from '#test/support/command-line.ts'
import { openStream } from '#test/support/event-stream.ts'
import { Follower, submitTask, taskUpdates } from '#test/support/follower.ts'
import { mainFile, type ServerProcess, startServerProcess } from '#test/support/process.ts'
import { createTestDatabase, type TestDatabase } from '#test/support/server.ts'
import { until } from '#test/support/until.ts'

const configFile = join(import.meta.dirname, '../fixtures/process/signalbox.config.ts')
const files = 4_000
const commits = 60_000

let directory: string
let database: TestDatabase
let server: ServerProcess
let env: Record<string, string>
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'signalbox-watched-'))
  makeRepository(join(directory, 'repository'))
  database = await createTestDatabase()
  server = await startServerProcess({
    dataDir: join(directory, 'data'),
    databaseUrl: database.url,
    cwd: directory,
    // One slot: a task that a test submits waits until the test has released the one before.
    env: { SIGNALBOX_CONFIG: configFile, WORKER_SLOTS: '1', CRITICAL_SLOTS: '0' },
  })
  env = { SIGNALBOX_URL: server.url, SIGNALBOX_TOKEN: server.token }
})
afterAll(async () => {
  await server.end('SIGTERM')
  rmSync(directory, { recursive: true, force: true })
  await database.drop()
})

/** A repository that takes seconds to be looked into, through its content as well as through its history. */
function makeRepository(path: string): void {
  git(['init', '--quiet', '--bare', '--initial-branch', 'main', path])
  const blobs = Array.from({ length: files }, (_, file) => {
    const text = `line ${file}\n`.repeat(1 + (file % 40))
    return `blob\nmark :${file + 1}\ndata ${text.length}\n${text}\n`
  })
  const first = Array.from({ length: files }, (_, file) => `M 100644 :${file + 1} d${file % 97}/f${file}.ts\n`).join('')
  const history = Array.from({ length: commits }, (_, number) => {
    const person = `Person ${number % 50} <person${number % 50}@example.test> ${1_600_000_000 + number * 600} +0000`
    return `commit refs/heads/main\ncommitter ${person}\ndata 1\nx\n${number === 0 ? first : ''}\n`
  })
  git(['-C', path, 'fast-import', '--quiet'], [...blobs, ...history].join(''))
}

function git(args: readonly string[], input = ''): void {
  const { status, stderr } = spawnSync('git', args, { input, encoding: 'utf8' })
  if (status !== 0) throw new Error(`git ${args[0]} failed: ${stderr}`)
}

/** Submits an inspection that waits for the only slot; resolves with its id and with a function that lets it begin. */
async function submitInspection() {
  const gate = join(directory, randomUUID())
  await submitTask(server, { type: 'test.noted', input: { gate, book: join(directory, 'book') } })
  const id = await submitTask(server, { type: 'repository.inspect', input: { source: 'repository' } })
  return { id, begin: () => writeFileSync(gate, '') }
}

/** A place where a task is watched: the percentages that were seen there, in order, each as often as it was shown. */
interface Place {
  percents(): number[]
}

async function onWebSocket(id: string): Promise<Place & { follower: Follower }> {
  const follower = await Follower.open(server, taskUpdates, { id })
  return { follower, percents: () => follower.updates.flatMap(({ progress }) => progress ?? []) }
}

async function onEventStream(id: string): Promise<Place> {
  const query = `subscription ($id: ID!) { taskUpdates(id: $id) { progress } }`
  const stream = await openStream(server, { query, variables: { id } })
  const seen: number[] = []
  const read = async () => {
    for await (const { name, data } of stream) if (name === 'next') seen.push(data.data.taskUpdates.progress ?? [])
  }
  void read()
  return { percents: () => seen.flat() }
}

function onCommandLine(id: string): Place & Run {
  const watching = start(['task', 'watch', id, '--json'], { env })
  const whole = () => watching.stdout().slice(0, watching.stdout().lastIndexOf('\n') + 1)
  const percents = () => records<{ progress?: number | null }>(whole()).flatMap(({ progress }) => progress ?? [])
  return { ...watching, percents }
}

/** The command line on a terminal of its own. */
function onTerminal(id: string): Place & Run {
  const command = `"${process.execPath}" "${mainFile}" task watch ${id}`
  const watching = start(['-qfec', `stty cols 100; ${command}`, '/dev/null'], { program: 'script', env })
  const percents = () => [...watching.stdout().matchAll(/(\d+) %/g)].map(([, percent]) => Number(percent))
  return { ...watching, percents }
}

/** The process group in which a task runs. */
async function groupOf(id: string): Promise<number> {
  return until(() => processesWith(id).find((pid) => liveGroupOf(pid) === pid))
}

/** The group of a process; undefined when it has ended, be it that init has still to take note. */
function liveGroupOf(pid: number): number | undefined {
  try {
    const [, state, group] = /^\d+ \(.*\) (\S) \d+ (\d+)/s.exec(readFileSync(`/proc/${pid}/stat`, 'latin1')) ?? []
    return state === 'Z' ? undefined : Number(group)
  } catch {
    return undefined
  }
}

/** Lets a task stand still in the middle of what it does, and shows that everybody sees the same of it by then. */
async function holdAt(
  id: string,
  places: readonly Place[],
  percent: number,
): Promise<{ percent: number; go: () => void }> {
  const last = (place: Place) => place.percents().at(-1) ?? 0
  await until(() => places.some((place) => last(place) > percent))
  const group = await groupOf(id)
  process.kill(-group, 'SIGSTOP')
  const reached = await until(() => {
    const [first = 0, ...others] = places.map(last)
    return first > percent && others.every((other) => other === first) && first
  })
  return { percent: reached, go: () => process.kill(-group, 'SIGCONT') }
}

function expectMoving({ percents }: Place, shown: readonly number[]): void {
  const seen = percents()
  expect(seen).toEqual(expect.arrayContaining([...shown]))
  expect(seen).toEqual(seen.toSorted((a, b) => a - b))
}

describe('the inspection of a repository', () => {
  it('moves before the eyes of all who watch, and its parts can be had while it goes on', async () => {
    const { id, begin } = await submitInspection()
    const webSocket = await onWebSocket(id)
    const commandLine = onCommandLine(id)
    await commandLine.says('"STATE"')
    const places = [webSocket, await onEventStream(id), commandLine]
    begin()
    const shown: number[] = []
    for (const _move of ['first', 'second']) {
      const { percent, go } = await holdAt(id, places, shown.at(-1) ?? 0)
      shown.push(percent)
      go()
    }

    await webSocket.follower.find(({ part }) => part?.name === 'languages')
    const group = await groupOf(id)
    process.kill(-group, 'SIGSTOP')
    const headers = { authorization: `Bearer ${server.token}` }
    const ask = async (path: string) => (await fetch(`${server.url}/api/tasks/${id}${path}`, { headers })).json()
    expect(await ask('/result/parts')).toMatchObject([{ name: 'languages', complete: true }])
    const lines = Array.from({ length: files }, (_, file) => 1 + (file % 40)).reduce((sum, count) => sum + count)
    expect(await ask('/result/parts/languages')).toEqual([{ language: 'TypeScript', files, lines }])
    const states = webSocket.follower.updates.map(({ status }) => status)
    expect(states.at(-1)).toBe('ACTIVE')
    process.kill(-group, 'SIGCONT')

    await webSocket.follower.find(({ status }) => status === 'COMPLETED')
    expect(await commandLine.ended).toBe(0)
    for (const place of places) expectMoving(place, shown)
    expect(records(commandLine.stdout()).at(-1)).toMatchObject({
      task: { result: { files, commits, contributors: 50 } },
    })
    await webSocket.follower.close()
  }, 60_000)

  const hasTerminal = spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout?.includes('util-linux') ?? false
  it.skipIf(!hasTerminal)(
    'moves on a terminal (which `script` of util-linux makes)',
    async () => {
      const { id, begin } = await submitInspection()
      const terminal = onTerminal(id)
      await terminal.says('waiting for a worker')
      begin()
      const first = await holdAt(id, [terminal], 0)
      first.go()
      const second = await holdAt(id, [terminal], first.percent)
      second.go()
      expect(await terminal.ended).toBe(0)
      expectMoving(terminal, [first.percent, second.percent])
      expect(terminal.stdout()).toMatch(/█+.*░+/)
      expect(terminal.stdout()).toContain('completed in')
    },
    60_000,
  )

  it('that is cancelled in the middle leaves no process and no file', async () => {
    const { id, begin } = await submitInspection()
    const { follower } = await onWebSocket(id)
    const workspaces = () => readdirSync(join(directory, 'data/workspaces'), { recursive: true }).map(String)
    begin()
    await follower.find(({ kind, progress }) => kind === 'PROGRESS' && (progress ?? 0) > 10)
    const group = await groupOf(id)
    const members = () => readdirSync('/proc').filter((pid) => liveGroupOf(Number(pid)) === group)
    // Stopped, it can't end before it is cancelled. One git ends before the next starts, so we wait for one to be there.
    await until(() => {
      process.kill(-group, 'SIGSTOP')
      const several = members().length > 1
      if (!several) process.kill(-group, 'SIGCONT')
      return several
    })
    expect(workspaces().filter((path) => path.includes(id)).length).toBeGreaterThan(1)
    expect((await run(['task', 'cancel', id], { env })).code).toBe(0)
    process.kill(-group, 'SIGCONT')
    await follower.find(({ status }) => status === 'CANCELLED')
    expect(members()).toEqual([])
    expect(processesWith(id)).toEqual([])
    expect(workspaces().filter((path) => path.includes(id))).toEqual([])
    await follower.close()
  }, 60_000)
})
