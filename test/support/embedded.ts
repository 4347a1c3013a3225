import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { startEmbeddedDatabase } from '#platform/embedded/embedded-database.ts'
import { createLog } from '#platform/telemetry/log.ts'

export const log = createLog({ level: 'silent', format: 'json' })
export const isRoot = process.getuid?.() === 0
export const isLinux = process.platform === 'linux'

/** A directory that everybody may pass; mkdtemp alone makes it for one user. */
export async function makeDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'signalbox-test-'))
  await chmod(directory, 0o755)
  return directory
}

export async function removeDirectory(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true })
}

/** The embedded database with whatever root has to put elsewhere below the same directory. */
export function startIn(directory: string, onExit: (reason: string) => void = () => {}) {
  return startEmbeddedDatabase({
    dataDir: join(directory, 'data'),
    log,
    sharedPlaces: [join(directory, 'shared')],
    onExit,
  })
}

/** Runs statements over one connection, and gives the rows of the last. */
export async function query(url: string, ...statements: string[]): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  try {
    let rows: Record<string, unknown>[] = []
    for (const statement of statements) rows = (await client.query(statement)).rows
    return rows
  } finally {
    await client.end()
  }
}

export interface HeldDatabase {
  readonly child: ChildProcess
  /** What it printed first: the database's URL, or why it didn't start. */
  readonly firstLine: string
}

/** Starts the embedded database from another process. */
export async function holdDatabase(directory: string, options: SpawnOptions = {}): Promise<HeldDatabase> {
  const script = join(import.meta.dirname, '../fixtures/hold-database.ts')
  return holdBy(process.execPath, [script, join(directory, 'data'), join(directory, 'shared')], options)
}

export async function holdBy(program: string, args: string[], options: SpawnOptions = {}): Promise<HeldDatabase> {
  const child = spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'inherit'] })
  if (child.stdout === null) throw new Error('the child has no output')
  const [firstLine] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
  return { child, firstLine }
}

/** Ends a process that was held, and waits until it has ended. */
export async function endProcess({ child }: HeldDatabase, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill(signal)
  await once(child, 'exit')
}

/** The process number of the postmaster that works on a cluster. */
export async function postmasterOf(clusterDir: string): Promise<number> {
  return Number.parseInt(await readFile(join(clusterDir, 'postmaster.pid'), 'utf8'), 10)
}

export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

/** Looks until the answer is true. @throws when it isn't within ten seconds. */
export async function until(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 10_000
  while (!(await isTrue())) {
    if (Date.now() > deadline) throw new Error(`not within ten seconds: ${isTrue}`)
    await sleep(10)
  }
}
