import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { closeSync, mkdtempSync, openSync, rmdirSync, rmSync, truncateSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Follower, submitTask, taskFeed } from '#test/support/follower.ts'
import { graphqlData } from '#test/support/graphql.ts'
import { type ServerProcess, spawnServer, startServerProcess } from '#test/support/process.ts'
import { until } from '#test/support/until.ts'

const configFile = join(import.meta.dirname, '../fixtures/process/signalbox.config.ts')
const mebibyte = 1024 * 1024
/** Room for an embedded database, and for little more. */
const diskBytes = 220 * mebibyte

const disk = mkdtempSync(join(tmpdir(), 'signalbox-disk-'))
/** Tried once, and taken back: what is mounted must not be left behind by a run that skips these tests. */
const canMount = mount() && unmount()
const gates = mkdtempSync(join(tmpdir(), 'signalbox-gates-'))
const filler = join(disk, 'filler')
let server: ServerProcess

function mount(): boolean {
  return spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${diskBytes},mode=755`, 'tmpfs', disk]).status === 0
}

function unmount(): boolean {
  return spawnSync('umount', [disk]).status === 0
}

/** Takes all the room that is left, but for some. */
function fill(leftBytes = 0): void {
  const file = openSync(filler, 'a')
  let taken = 0
  for (const piece of [mebibyte, 4_096]) taken += append(file, Buffer.alloc(piece))
  closeSync(file)
  truncateSync(filler, taken - leftBytes)
}

function append(file: number, piece: Buffer): number {
  for (let taken = 0; ; )
    try {
      taken += writeSync(file, piece)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return taken
      throw error
    }
}

const options = { dataDir: join(disk, 'data'), env: { SIGNALBOX_CONFIG: configFile } }

beforeAll(async () => {
  if (!canMount) return
  mount()
  server = await startServerProcess(options)
})
afterAll(async () => {
  await server?.end('SIGTERM')
  if (canMount) unmount()
  rmdirSync(disk)
  rmSync(gates, { recursive: true })
})

/** A task that leaves something behind which can't be compressed. */
function bulky(): object {
  const labels = Object.fromEntries(Array.from({ length: 16 }, (_, n) => [`l${n}`, randomBytes(100).toString('hex')]))
  return { type: 'probe', labels, retry: { maxAttempts: 3, delayMs: 0 } }
}

/** Submits tasks until one is refused; resolves with the accepted ones and with why the last was refused. */
async function submitUntilRefused(): Promise<{ taken: string[]; refusal: { status?: number; text: string } }> {
  const taken: string[] = []
  for (;;) {
    const answer = await trySubmit()
    if (answer.id === undefined) return { taken, refusal: answer }
    taken.push(answer.id)
  }
}

async function trySubmit(): Promise<{ id?: string | undefined; status?: number; text: string }> {
  const query = `mutation ($input: SubmitTaskInput!) { submitTask(input: $input) { ... on SubmitTaskPayload { task { id } } } }`
  const headers = { authorization: `Bearer ${server.token}`, 'content-type': 'application/json' }
  const body = JSON.stringify({ query, variables: { input: bulky() } })
  const response = await fetch(`${server.url}/graphql`, { method: 'POST', headers, body }).catch(() => undefined)
  const text = (await response?.text().catch(() => undefined)) ?? 'The server is gone.'
  return { id: /"id":"([^"]+)"/.exec(text)?.[1], text, ...(response && { status: response.status }) }
}

async function readiness(): Promise<number> {
  return (await fetch(`${server.url}/readyz`)).status
}

async function statusOf(id: string): Promise<string | undefined> {
  const query = 'query ($id: ID!) { task(id: $id) { status } }'
  return (await graphqlData<{ task: { status: string } | null }>(server, query, { id })).task?.status
}

/** What the server said beside its log. */
function plainLines({ output }: ServerProcess): string[] {
  return output()
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('{'))
}

describe.skipIf(!canMount)('a disk without room (made by mounting one, which takes root)', () => {
  it('refuses submissions and holds back results; with room again everything continues, and nothing is lost', async () => {
    const follower = await Follower.open(server, taskFeed)
    const running = await submitTask(server, { type: 'test.staged', input: { gates } })
    await follower.find(({ progress }) => progress === 25)
    fill()
    const { taken, refusal } = await submitUntilRefused()
    expect(refusal).toMatchObject({ status: 503, text: expect.stringContaining('no room left on its disk') })
    expect(refusal.text).toContain('"code":"UNAVAILABLE"')
    expect(await readiness()).toBe(503)
    for (const stage of [1, 2, 3]) writeFileSync(join(gates, String(stage)), '')
    await until(() => server.output().includes('the end of tasks could not be written; trying again'))
    expect(await statusOf(running)).toBe('ACTIVE')

    rmSync(filler)
    await until(async () => (await readiness()) === 200)
    for (const id of [running, ...taken]) {
      await follower.find(({ taskId, status }) => taskId === id && status === 'COMPLETED')
      const life = follower.history.filter(({ taskId, kind }) => taskId === id && kind === 'STATUS')
      expect(life.map(({ status, attempt }) => `${status} ${attempt}`)).toEqual([
        'PENDING 0',
        'ACTIVE 1',
        'COMPLETED 1',
      ])
    }
    await follower.close()
  }, 60_000)

  it('ends the server when the database can’t even note its changes; with room again nothing is lost', async () => {
    // Less than the next piece of the database's log of changes takes, which is 16 MiB.
    fill(8 * mebibyte)
    const { taken } = await submitUntilRefused()
    await until(() => server.child.exitCode !== null, 40_000)
    expect(server.child.exitCode).toBe(1)
    expect(plainLines(server).at(-1)).toMatch(
      /^PostgreSQL ended unexpectedly with the code 1; it last said: could not write .*: No space left on device\.$/,
    )

    const refused = await spawnServer(options)
    await until(() => refused.child.exitCode !== null, 30_000)
    expect(refused.child.exitCode).toBe(1)
    expect(plainLines(refused)).toEqual([
      expect.stringMatching(/does not start: could not write .*No space left on device\.$/),
    ])

    rmSync(filler)
    server = await startServerProcess(options)
    for (const id of taken) await until(async () => (await statusOf(id)) === 'COMPLETED')
  }, 120_000)
})
