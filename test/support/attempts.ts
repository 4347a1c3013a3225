import { randomUUID } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { createRunner } from '#domain/tasks/runner/create-runner.ts'
import { createServerId } from '#domain/tasks/runner/server-id.ts'
import type { TaskUser } from '#domain/tasks/runner/task-user.ts'
import type { AttemptOutput, PartWriter, RequestHandler } from '#domain/tasks/runner.ts'
import type { Attempt, AttemptEnd } from '#domain/tasks/task.ts'
import type { TaskType } from '#domain/tasks/task-type.ts'
import { TaskTypes } from '#domain/tasks/task-type.ts'
import { loadTaskTypes, taskHost } from '#src/app/task-types.ts'
import { loadProjectConfig } from '#src/project/config-file.ts'
import { shareCompileCache } from './compile-cache.ts'

interface KeptPart {
  readonly contentType: string
  readonly bytes: Buffer
}

/** Remembers all that an attempt said, in order. */
export class RecordedOutput implements AttemptOutput {
  readonly lines: string[] = []
  readonly steps: string[] = []
  readonly progressed: { percent: number; step: string | undefined }[] = []
  readonly checkpoints: unknown[] = []
  readonly parts = new Map<string, KeptPart>()
  readonly #ready = Promise.withResolvers<void>()
  /** Resolves with the line `ready`. */
  readonly ready = this.#ready.promise

  progress(percent: number, step?: string): void {
    this.progressed.push({ percent, step })
  }

  step(name: string): void {
    this.steps.push(name)
  }

  log(line: string): void {
    this.lines.push(line)
    if (line === 'ready') this.#ready.resolve()
  }

  async drained(): Promise<void> {}

  async checkpoint(json: string): Promise<void> {
    this.checkpoints.push(JSON.parse(json))
  }

  async openPart(name: string, contentType: string): Promise<PartWriter> {
    const chunks: Buffer[] = []
    return {
      write: async (chunk) => void chunks.push(Buffer.from(chunk)),
      close: async () => void this.parts.set(name, { contentType, bytes: Buffer.concat(chunks) }),
      abort: async () => {},
    }
  }

  json(part: string): unknown {
    return JSON.parse(this.parts.get(part)?.bytes.toString() ?? 'null')
  }
}

export function newAttempt(type: string, input: unknown = {}, more: Partial<Attempt> = {}): Attempt {
  return {
    accountId: 'account',
    taskId: randomUUID(),
    type,
    priority: 'NORMAL',
    input,
    labels: { team: 'blue' },
    number: 1,
    fence: 7,
    workerId: 1,
    timeoutMs: 60_000,
    lockMs: 60_000,
    retry: { maxAttempts: 1, backoff: 'fixed', delayMs: 0, maxDelayMs: 0, onWorkerLost: 'fail' },
    uncountedLosses: 0,
    uncountedAttempts: 0,
    checkpoint: null,
    isRemote: false,
    startedAt: new Date(),
    ...more,
  }
}

/** Every living process that carries the text in its environment. */
export function processesWith(text: string): number[] {
  return processesOf('environ', text)
}

/** Every living process that has the text in its command line. */
export function processesCalled(text: string): number[] {
  return processesOf('cmdline', text)
}

function processesOf(file: string, text: string): number[] {
  const pids = readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0)
  return pids.filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/${file}`, 'latin1').includes(text)
    } catch {
      return false
    }
  })
}

export interface Ran {
  readonly outcome: AttemptEnd
  readonly output: RecordedOutput
}

/** The same types, each to be run in the process of its server. */
function within(types: TaskTypes): TaskTypes {
  return new TaskTypes(types.list().map((type) => ({ ...type, isolation: 'none' })))
}

/** A runner in a directory of its own, for the types of a configuration file. */
export async function openRunner(options: {
  file?: string
  cwd?: string
  egressAllow?: readonly string[]
  env?: Record<string, string>
  installation?: string
  taskUser?: TaskUser
  /** Types that are part of the server, instead of those that the file adds to. */
  contributed?: {
    types: readonly TaskType[]
    program: URL
    requestHandlers: ReadonlyMap<string, RequestHandler>
  }
  /** How many hosts wait for an attempt once `prepare` was called. */
  warmHosts?: number
  /** The secrets of the attempts' account. */
  secrets?: Readonly<Record<string, string>>
  /** Runs every type in this process, whatever it says: much faster, for tests of what a handler answers. */
  isWithin?: boolean
}) {
  const directory = mkdtempSync(join(tmpdir(), 'signalbox-runner-'))
  const workspacesDir = join(directory, 'workspaces')
  shareCompileCache(workspacesDir)
  const installation = options.installation ?? randomUUID()
  const serverId = createServerId(installation)
  const { egressAllow = [], file, taskUser = { kind: 'server' }, contributed } = options
  const config = await loadProjectConfig({ file, cwd: options.cwd ?? directory })
  const settings = { egressAllow, salesforce: { hosts: [] } }
  const types = contributed ? new TaskTypes(contributed.types) : loadTaskTypes(config, settings)
  const runner = createRunner({
    types: options.isWithin ? within(types) : types,
    host: contributed ? { program: contributed.program, settings: { greeting: 'hello' } } : taskHost(config, settings),
    warmHosts: options.warmHosts ?? 0,
    requestHandlers: contributed?.requestHandlers ?? new Map(),
    answerDurable: async () => ({ refused: { code: 'NOT_HERE', message: 'This runner remembers nothing.' } }),
    giveSecrets: async (_attempt, names) =>
      new Map(Object.entries(options.secrets ?? {}).filter(([name]) => names.includes(name))),
    workspacesDir,
    serverId,
    taskUser,
    log: pino({ level: 'silent' }),
    env: { PATH: process.env['PATH'], ...options.env },
  })

  /** Runs one attempt to its end; `during` may look at it while it runs. */
  async function run(
    attempt: Attempt,
    during: (output: RecordedOutput, stop: AbortController) => Promise<void> = async () => {},
  ): Promise<Ran> {
    const output = new RecordedOutput()
    const stop = new AbortController()
    const [outcome] = await Promise.all([runner.run(attempt, output, stop.signal), during(output, stop)])
    return { outcome, output }
  }

  /** What attempts have left: processes and files. */
  function leftovers(attempt: Attempt): { processes: number[]; files: string[] } {
    const own = join(workspacesDir, serverId)
    return { processes: processesWith(attempt.taskId), files: existsSync(own) ? readdirSync(own) : [] }
  }

  return {
    runner,
    directory,
    workspacesDir,
    installation,
    serverId,
    run,
    leftovers,
    close: () => rmSync(directory, { recursive: true, force: true }),
  }
}

export type OpenRunner = Awaited<ReturnType<typeof openRunner>>
export const nothingLeft = { processes: [], files: [] }
