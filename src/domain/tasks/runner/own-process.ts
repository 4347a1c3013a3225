import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chown } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import type { PartWriter } from '#domain/tasks/runner.ts'
import type { Attempt, AttemptEnd, ReportedEnd } from '#domain/tasks/task.ts'
import type { AttemptSecret } from '#domain/tasks/task-secrets.ts'
import { outputLimits, type SubmittedChild } from '#domain/tasks/task-type.ts'
import { errorMessage } from '#lib/errors.ts'
import { yieldCpu } from '#platform/system/cpu-priority.ts'
import type { Logger } from '#platform/telemetry/log.ts'
import { failed } from './failure.ts'
import type { HostPool } from './host-pool.ts'
import type { LimitedOutput } from './limited-output.ts'
import { readLines } from './line-splitter.ts'
import type { ProcessTag } from './process-tag.ts'
import { killTagged, killUsers, signalGroup } from './process-tree.ts'
import { asHostMessage, type HostMessage, type OutputEvent, type ServerMessage, type StartMessage } from './protocol.ts'
import { stoppedBy } from './stopped.ts'
import { type AttemptUser, attemptUser, killUser, type TaskUser } from './task-user.ts'
import { timeoutFailure, timerMs } from './timeout.ts'
import { createWorkspace, removeWorkspace } from './workspace.ts'

/** What runs one attempt in a process of its own, and loads the task types there. */
export interface TaskHost {
  /** A program that calls `hostAttempt`. */
  readonly program: URL
  /** What that program loads the task types with; JSON. */
  readonly settings: unknown
}

export interface OwnProcessOptions {
  readonly attempt: Attempt
  readonly output: LimitedOutput
  readonly stop: AbortSignal
  readonly graceMs: number
  readonly workspace: string
  /** The variables that the type may see. */
  readonly env: Readonly<Record<string, string>>
  readonly secrets: readonly AttemptSecret[]
  readonly hosts: HostPool
  /** What the host's program loads the task types with. */
  readonly settings: unknown
  readonly taskUser: TaskUser
  /** Answers a request of the handler. */
  readonly answer: (request: unknown) => Promise<unknown>
  /** Submits a child of the task. */
  readonly submit: (task: unknown) => Promise<SubmittedChild>
  /** Answers a request about what the task remembers. */
  readonly remember: (request: unknown) => Promise<unknown>
  readonly log: Logger
}

const maxHeartbeatMs = 5_000
/** A host that hasn't said anything yet may still be loading its configuration. */
const bootMs = 30_000
/** How long the channel and the pipes may stay open after all of an attempt's processes have ended. */
const drainMs = 2_000
/** The same, while it is the log that takes what was printed slowly. */
const maxDrainMs = 30_000
/** At most four bytes a character; the exact limit is applied to characters. */
const maxLineBytes = outputLimits.logLineLength * 4

/** Runs an attempt in a process group of its own. When it resolves, neither processes nor files of it are left. */
export async function runInOwnProcess(options: OwnProcessOptions): Promise<AttemptEnd> {
  try {
    await createWorkspace(options.workspace, { isPassable: options.taskUser.kind !== 'server' })
    if (options.stop.aborted) return stoppedBy(options.stop)
    return await new HostProcess(options).run()
  } finally {
    await options.output.close()
    await removeWorkspace(options.workspace)
  }
}

type Cause = 'stop' | 'timeout' | 'stall'

/** The server's side of one host: its messages, its output, its deadlines, and its end. */
class HostProcess {
  readonly #options: OwnProcessOptions
  readonly #child: ChildProcess
  readonly #tag: ProcessTag
  /** Whom it becomes; undefined: it stays who the server is. */
  readonly #user: AttemptUser | undefined
  readonly #parts = new Map<number, PartWriter>()
  readonly #timers: NodeJS.Timeout[] = []
  /** Why it was asked to stop. */
  #cause: Cause | undefined
  /** Its grace period was over before it ended. */
  #isForced = false
  /** What the host itself said. */
  #reported: ReportedEnd | undefined
  #lastSign = Date.now()
  #hasSpoken = false
  /** How many readers wait for the log. */
  #heldReaders = 0

  constructor(options: OwnProcessOptions) {
    this.#options = options
    const { env, workspace } = options
    const { child, tag } = options.hosts.take({ ...env, HOME: workspace, TMPDIR: workspace })
    this.#child = child
    this.#tag = tag
    this.#user = child.pid === undefined ? undefined : attemptUser(options.taskUser, child.pid)
  }

  async run(): Promise<AttemptEnd> {
    const onStop = () => this.#interrupt('stop')
    const closed = this.#listen()
    this.#options.stop.addEventListener('abort', onStop, { once: true })
    if (this.#options.stop.aborted) onStop()
    this.#watch()
    const exited = this.#exited()
    try {
      await this.#start()
      const exit = await exited
      await this.#endAll()
      await this.#drain(closed)
      return this.#verdict(exit)
    } finally {
      this.#options.stop.removeEventListener('abort', onStop)
      for (const timer of this.#timers) clearTimeout(timer)
      this.#child.stdout?.destroy()
      this.#child.stderr?.destroy()
    }
  }

  /** Hears all that the host says; resolves when it can say nothing more. */
  #listen(): Promise<unknown> {
    const child = this.#child
    child.on('message', (message) => this.#onMessage(message))
    const disconnected = child.connected ? once(child, 'disconnect') : undefined
    return Promise.all([this.#readLines(child.stdout), this.#readLines(child.stderr), disconnected])
  }

  async #start(): Promise<void> {
    const { pid } = this.#child
    if (pid !== undefined && this.#options.attempt.priority === 'BATCH') void yieldCpu(pid)
    try {
      if (this.#user !== undefined) await chown(this.#options.workspace, this.#user.uid, this.#user.gid)
    } catch (error) {
      this.#signal('SIGKILL')
      throw error
    }
    this.#child.send(this.#startMessage(), () => {
      // It never started, or has already died: its exit says so.
    })
  }

  #startMessage(): StartMessage {
    const { attempt, workspace, env, secrets, settings } = this.#options
    const user = this.#user
    const { taskId, type, input, labels, number, checkpoint } = attempt
    const heartbeatMs = Math.max(10, Math.min(attempt.lockMs / 3, maxHeartbeatMs))
    const facts = { taskId, type, input, labels, number, checkpoint }
    return {
      kind: 'start',
      attempt: facts,
      workspace,
      ...(user !== undefined && { user }),
      env,
      secrets,
      settings,
      heartbeatMs,
    }
  }

  /** Resolves with what the process ended by; with the error when it could not be started at all. */
  #exited(): Promise<Exit> {
    return new Promise((resolve) => {
      this.#child.once('exit', (code, signal) => resolve({ code, signal }))
      this.#child.once('error', (error) => {
        if (this.#child.pid === undefined) resolve({ error })
      })
    })
  }

  #watch(): void {
    const { timeoutMs, lockMs } = this.#options.attempt
    this.#timers.push(setTimeout(() => this.#interrupt('timeout'), timerMs(timeoutMs)))
    const check = () => setImmediate(() => this.#interruptWhenSilent(lockMs))
    this.#timers.push(setInterval(check, Math.max(10, Math.min(timerMs(lockMs) / 3, maxHeartbeatMs))))
  }

  /** Called in a turn of its own, after what had arrived was heard: a server that was busy blames no host for it. */
  #interruptWhenSilent(lockMs: number): void {
    const patienceMs = this.#hasSpoken ? lockMs : Math.max(lockMs, bootMs)
    if (Date.now() - this.#lastSign > patienceMs) this.#interrupt('stall')
  }

  #interrupt(cause: Cause): void {
    if (this.#cause !== undefined || this.#reported) return
    this.#cause = cause
    // One whose event loop stands still can't hear that it should stop.
    this.#signal(cause === 'stall' ? 'SIGKILL' : 'SIGTERM')
    this.#timers.push(setTimeout(() => this.#force(), timerMs(this.#options.graceMs)))
  }

  #force(): void {
    this.#isForced = true
    this.#signal('SIGKILL')
  }

  #signal(signal: NodeJS.Signals): void {
    if (this.#child.pid !== undefined) signalGroup(this.#child.pid, signal)
  }

  async #endAll(): Promise<void> {
    if (this.#child.pid === undefined) return
    this.#signal('SIGKILL')
    if (!(await this.#killRest())) {
      const { attempt, log } = this.#options
      log.error({ taskId: attempt.taskId }, 'processes of an ended attempt could not be killed')
    }
  }

  /** What left the process group. */
  async #killRest(): Promise<boolean> {
    const { taskUser } = this.#options
    const { uid } = this.#user ?? {}
    if (taskUser.kind !== 'own' || uid === undefined) return killTagged((found) => found === this.#tag)
    await killUser(uid)
    return killUsers((found) => found === uid)
  }

  async #drain(closed: Promise<unknown>): Promise<void> {
    const deadline = Date.now() + maxDrainMs
    let isOpen = true
    const reading = closed.then(() => {
      isOpen = false
    })
    do await Promise.race([reading, delay(drainMs, undefined, { ref: false })])
    while (isOpen && this.#heldReaders > 0 && Date.now() < deadline)
  }

  #verdict(exit: Exit): AttemptEnd {
    const { attempt } = this.#options
    if (this.#cause === 'stop') return stoppedBy(this.#options.stop, this.#isForced)
    if (this.#cause === 'timeout') return timeoutFailure(attempt.timeoutMs)
    if (this.#cause === 'stall')
      return failed('STALLED', `It gave no sign of life for ${attempt.lockMs.toLocaleString('en')} ms.`, true)
    return this.#reported ?? exitFailure(exit)
  }

  #onMessage(raw: unknown): void {
    const message = asHostMessage(raw)
    if (!message || this.#reported) return
    this.#lastSign = Date.now()
    this.#hasSpoken = true
    if (message.kind === 'ended') this.#onEnded(message.outcome)
    else if (message.kind !== 'alive') void this.#acknowledge(message.id, this.#handle(message))
  }

  #onEnded(end: ReportedEnd): void {
    if (this.#cause === undefined) this.#reported = end
    // The handler is done; whatever it left running has no further business.
    this.#signal('SIGKILL')
  }

  async #acknowledge(id: number, handled: Promise<unknown>): Promise<void> {
    const outcome = await handled.then(
      (answer) => (answer === undefined ? {} : { answer }),
      (error: unknown) => ({ error: errorMessage(error) }),
    )
    if (!this.#child.connected) return
    const message: ServerMessage = { kind: 'ack', id, ...outcome }
    this.#child.send(message, () => {
      // The host died meanwhile, and needs no answer.
    })
  }

  async #handle(message: Extract<HostMessage, { id: number }>): Promise<unknown> {
    const { output } = this.#options
    // An answer that can't be sent is an error of this request, not of the server.
    if (message.kind === 'request') return structuredClone(await this.#options.answer(message.request))
    if (message.kind === 'checkpoint') return output.checkpoint(message.json)
    if (message.kind === 'submit') return this.#options.submit(message.task)
    if (message.kind === 'remember') return this.#options.remember(message.request)
    if (message.kind === 'events') {
      for (const event of message.events) this.#emit(event)
      return output.drained()
    }
    if (message.kind === 'part-open') {
      this.#parts.set(message.part, await output.openPart(message.name, message.contentType))
      return
    }
    const part = this.#parts.get(message.part)
    if (!part) throw new Error('That part is not open.')
    if (message.kind === 'part-chunk') return part.write(message.bytes)
    this.#parts.delete(message.part)
    return message.keep ? part.close() : part.abort?.()
  }

  #emit(event: OutputEvent): void {
    const { output } = this.#options
    if (event.kind === 'progress') output.progress(event.percent, event.step)
    else if (event.kind === 'step') output.step(event.name)
    else if (event.kind === 'log') output.log(event.line, event.cutBytes)
    else output.skip(event.lines)
  }

  /** What a handler prints is its log as well; read no faster than the log takes it. */
  #readLines(stream: Readable | null): Promise<void> {
    const { output } = this.#options
    const ready = async () => {
      this.#heldReaders += 1
      await output.drained().finally(() => {
        this.#heldReaders -= 1
      })
    }
    return readLines(stream, output, { maxBytes: maxLineBytes, ready })
  }
}

type Exit = { readonly code: number | null; readonly signal: NodeJS.Signals | null } | { readonly error: Error }

function exitFailure(exit: Exit): ReportedEnd {
  if ('error' in exit) return failed('START_FAILED', `Its process could not be started: ${exit.error.message}`, true)
  if (exit.signal)
    return failed('EXITED', `Its process was killed by ${exit.signal}; the machine may have run out of memory.`, true)
  return failed('EXITED', `Its process exited with code ${exit.code} before the handler returned.`, true)
}
