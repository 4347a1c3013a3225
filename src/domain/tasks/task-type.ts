import { z } from 'zod'
import type { Scope } from '#domain/access/service.ts'
import type { DependencyRequest } from './dependencies.ts'
import type { WaitFor, WaitOptions, WaitResult } from './durable/wait.ts'
import type { OnWorkerLost, RetryPolicy } from './retry-plan.ts'
import type { Priority } from './task.ts'
import type { TaskEnvironment } from './task-environment.ts'
import type { TaskSecrets } from './task-secrets.ts'

export { PermanentFailure, TaskFailure } from './task-failure.ts'

/** What a running attempt gets to work with. */
export interface TaskContext<Input = unknown> {
  /** The task's input, as the type's schema parsed it. */
  readonly input: Input
  readonly task: { readonly id: string; readonly type: string; readonly labels: Readonly<Record<string, string>> }
  /** 1 for the first attempt. */
  readonly attempt: number
  /** What this task's attempts saved last with {@link checkpoint}; undefined when they have saved nothing. */
  readonly lastCheckpoint: unknown
  /** Aborts when the task is cancelled, times out, or the server stops; stop soon after, or be stopped. */
  readonly signal: AbortSignal
  /** Absolute path of a directory of this attempt's own; removed with all its content afterwards. */
  readonly workspace: string
  /** The environment variables of the type's `env`, without those that the server doesn't have. */
  readonly env: Readonly<Record<string, string>>
  /** The secrets of the type's `secrets`, by name: their values, or the paths of their files. */
  readonly secrets: Readonly<Record<string, string>>
  /** Replaces the attempt's secrets in a text by `***`, as it is done with log lines, errors and results; for parts. */
  mask(text: string): string
  /** Sets the percentage (0–100, clamped) and, when given, the current step. Cheap: call it as often as you like. */
  progress(percent: number, step?: string): void
  /** Names what the task does now. Never dropped, unlike progress. */
  step(name: string): void
  /**
   * Does the work unless an earlier attempt of the task has done it, and resolves with its result, which is kept: a retry
   * continues where the attempt before has stopped. The result is JSON of at most 256 KiB, without secrets; each step of a
   * task needs a name of its own.
   */
  step<Result>(name: string, work: () => Result | Promise<Result>): Promise<Result>
  /**
   * Waits for a signal, an approval, a time or another task without taking a slot: the attempt ends here, and another
   * one, which does not count, continues when that has come. There `run` is called from its beginning, so what was done
   * before belongs into steps. Wait for one thing at a time. @throws {WaitTimedOut} @throws {ApprovalRejected}
   */
  waitFor<What extends WaitFor>(what: What, options?: WaitOptions): Promise<WaitResult<What>>
  /** Adds to the task's log; a text of several lines makes several log lines. */
  log(message: string): void
  /**
   * Keeps a named piece of the result, readable from the moment that this resolves. The same name again replaces it.
   * Text and bytes are stored as they are, a stream as it comes, anything else as JSON.
   */
  part(name: string, data: PartData, contentType?: string): Promise<void>
  /**
   * Saves JSON of up to 256 KiB for the next attempt, which finds it as `lastCheckpoint`; it is kept once this resolves.
   * Each one replaces the one before. It can still be called while the attempt is being stopped.
   * @throws when it is not JSON, or too large.
   */
  checkpoint(value: unknown): Promise<void>
  /**
   * Submits a task that is part of this one, of a type that `submits` of this one's names; resolves once it is committed.
   * It is cancelled with this one, and goes on when this one ends. With an `idempotencyKey`, which belongs to this task,
   * another attempt that submits it again gets the same child. @throws with the message of the refusal
   */
  submit(task: ChildTask): Promise<SubmittedChild>
}

/** A task that a running one submits: as in `submitTask`, without a parent. */
export interface ChildTask {
  readonly type: string
  readonly input?: unknown
  readonly priority?: Priority | undefined
  /** A time as text is in ISO 8601. */
  readonly runAt?: Date | string | undefined
  readonly idempotencyKey?: string | undefined
  readonly singletonKey?: string | undefined
  readonly fairnessKey?: string | undefined
  readonly fairnessWeight?: number | undefined
  readonly rank?: number | undefined
  readonly concurrencyKey?: string | undefined
  readonly timeoutMs?: number | undefined
  readonly lockMs?: number | undefined
  readonly retry?: Partial<Omit<RetryPolicy, 'onWorkerLost'>> | undefined
  readonly labels?: Readonly<Record<string, string>> | undefined
  readonly dependsOn?: readonly (Pick<DependencyRequest, 'taskId'> & Partial<DependencyRequest>)[] | undefined
}

export interface SubmittedChild {
  readonly id: string
  /** Whether the child existed already. */
  readonly deduplicated: boolean
}

/** What an attempt of a task type that is part of the server gets to work with. */
export interface ServerTaskContext<Input = unknown> extends TaskContext<Input> {
  /**
   * Asks the server's process for what only it has, such as a credential that is valid for minutes: the request handler
   * that the server has for the task type answers, wherever the attempt runs. Both are JSON that may hold bytes.
   * @throws with the message of the handler's error, or when the server has no handler for this type.
   */
  request(request: unknown): Promise<unknown>
}

export type PartData =
  | string
  | Uint8Array
  | AsyncIterable<Uint8Array | string>
  | { readonly [key: string]: unknown }
  | readonly unknown[]

/** What a task gets where neither its caller nor its type says otherwise. */
export interface TaskDefaults {
  readonly priority?: Priority | undefined
  readonly timeoutMs?: number | undefined
  readonly graceMs?: number | undefined
  readonly retry?: Partial<RetryPolicy> | undefined
  readonly onWorkerLost?: OnWorkerLost | undefined
}

/**
 * How many tasks of an account with the same concurrency key may run at once, over all its processes. Tasks beyond it wait
 * without taking a slot, and without keeping others from running. The key may be shared by several types.
 */
interface Concurrency<Schema extends z.ZodType = z.ZodType> {
  /** At least 1. */
  readonly limit: number
  /** The key of a task that was submitted without one, at most 255 characters; default: the type's name. */
  key?(input: z.output<Schema>): string | undefined
}

/** At most `limit` starts in any `perMs` milliseconds, about evenly once the first `limit` have started. */
export interface RateLimit {
  readonly limit: number
  readonly perMs: number
}

/** A kind of work that can be submitted. Declare it with {@link defineTaskType}. */
export interface TaskType<Schema extends z.ZodType = z.ZodType> {
  /** A lower-case letter first, then letters, digits, `.`, `-` and `_`, at most 64 characters; what `submitTask` names. */
  readonly name: string
  readonly description: string
  /** What the input must look like; shown to callers as JSON Schema. */
  readonly input: Schema
  /** A scope that submitting and retrying needs in addition to `tasks:write`, such as `salesforce:deploy`. */
  readonly scope?: Scope
  /** The task types whose results this input refers to: the caller must be allowed to read them. */
  reads?(input: z.output<Schema>): readonly string[]
  /** The task types that its attempts may submit with `context.submit`; default: none. */
  readonly submits?: readonly string[]
  /** For tasks that don't name one. Default: NORMAL. */
  readonly priority?: Priority
  /**
   * `process` (default): an operating-system process of its own, which can be stopped whatever it does.
   * `none`: in the server's process, for quick input and output only; code that blocks here blocks the server.
   */
  readonly isolation?: 'process' | 'none'
  /** How long one attempt may take, in milliseconds. Default: one hour. */
  readonly timeoutMs?: number
  /** How long the attempt has between being asked to stop and being killed, in milliseconds. Default: 5,000. */
  readonly graceMs?: number
  /** For tasks that don't bring their own. Default: one attempt. */
  readonly retry?: Partial<RetryPolicy>
  /**
   * `retry`: running it again does no harm, whatever an attempt had done, so when the worker is lost another attempt
   * follows at once and the lost one does not count. `fail` (default): it counts as a failed attempt.
   */
  readonly onWorkerLost?: OnWorkerLost
  /**
   * A BATCH attempt may be asked to stop because CRITICAL tasks wait for a slot. It should save a checkpoint and return;
   * another attempt follows when it has its turn again, and the one that was stopped does not count.
   */
  readonly preemptible?: boolean
  /** How many tasks with the same concurrency key run at once. */
  readonly concurrency?: Concurrency<Schema>
  /** How many of its tasks may start in a time, for each concurrency key. */
  readonly rateLimit?: RateLimit
  /** What the attempt finds in `context.env`; all other variables of the server are withheld. */
  readonly env?: TaskEnvironment
  /**
   * The account's secrets that an attempt gets, in its environment and as `context.secrets`; it fails with SECRET_MISSING
   * before it starts when one does not exist. They are masked in what it logs, returns and fails with.
   */
  readonly secrets?: TaskSecrets | ((input: z.output<Schema>) => TaskSecrets)
  /** False: the principal who submitted a task may not approve or reject what it asks for. Default: true. */
  readonly selfApproval?: boolean | ((input: z.output<Schema>) => boolean)
  /**
   * Runs before `run`, with the server's own rights where tasks run as another user: for copying into the workspace what
   * only the server may read. It must not execute anything that a caller has a say in.
   */
  prepare?(context: TaskContext<z.output<Schema>>): Promise<void>
  /** Goes before `priority`, `timeoutMs`, `graceMs`, `retry` and `onWorkerLost` where they depend on the input. */
  defaults?(input: z.output<Schema>): TaskDefaults
  run(context: TaskContext<z.output<Schema>>): unknown
}

/** Declares a task type; the input's type follows from its schema. */
export function defineTaskType<Schema extends z.ZodType>(type: TaskType<Schema>): TaskType {
  return type as unknown as TaskType
}

/**
 * Declares a task type that is part of the server. It is created again in the process of each attempt, so it holds no
 * services: it sends requests to the server's process instead.
 */
export function defineServerTaskType<Schema extends z.ZodType>(
  type: Omit<TaskType<Schema>, 'run'> & { run(context: ServerTaskContext<z.output<Schema>>): unknown },
): TaskType {
  return type as unknown as TaskType
}

/** What a type, for this (parsed) input, gives to a task that says nothing itself. */
export function taskDefaults(
  type: Omit<TaskType, 'run' | 'input'>,
  input: unknown,
): { [Name in keyof TaskDefaults]-?: NonNullable<TaskDefaults[Name]> } {
  const own = type.defaults?.(input) ?? {}
  return {
    priority: own.priority ?? type.priority ?? 'NORMAL',
    timeoutMs: own.timeoutMs ?? type.timeoutMs ?? defaultTimeoutMs,
    graceMs: own.graceMs ?? type.graceMs ?? defaultGraceMs,
    retry: own.retry ?? type.retry ?? {},
    onWorkerLost: own.onWorkerLost ?? type.onWorkerLost ?? 'fail',
  }
}

/** Whether the principal who submitted a task with this input may decide about it. */
export function maySubmitterDecide({ selfApproval = true, input: schema }: TaskType, input: unknown): boolean {
  if (typeof selfApproval !== 'function') return selfApproval
  const parsed = schema.safeParse(input)
  return parsed.success && selfApproval(parsed.data)
}

/** The secrets that an attempt with this input gets; none when the input is not valid, since the attempt then fails. */
export function secretsOf({ secrets, input: schema }: TaskType, input: unknown): TaskSecrets {
  if (typeof secrets !== 'function') return secrets ?? []
  const parsed = schema.safeParse(input)
  return parsed.success ? secrets(parsed.data) : []
}

/** Limits of what one attempt may leave behind. Beyond them output is cut, and says so. */
export const outputLimits = {
  /** One log line, in characters. */
  logLineLength: 8_192,
  /** Log lines of one attempt. */
  logLines: 10_000,
  /** The result as JSON, in bytes; a larger one is kept whole as the part `result.json`. */
  resultBytes: 256 * 1024,
  /** One part, in bytes, unless the server is configured for more. */
  partBytes: 64 * 1024 * 1024,
  /** Parts of one task. */
  parts: 100,
  /** What an attempt saves for the next one, as JSON, in bytes. */
  checkpointBytes: 256 * 1024,
} as const

const defaultTimeoutMs = 60 * 60 * 1000
export const defaultGraceMs = 5_000

/** The form of a type's name. */
export const namePattern = /^[a-z][a-zA-Z0-9._-]{0,63}$/

/** The task types of this process, by name. */
export class TaskTypes {
  readonly #types = new Map<string, TaskType>()

  constructor(types: readonly TaskType[]) {
    for (const type of types) {
      if (!namePattern.test(type.name))
        throw new Error(`The task type name "${type.name}" must match ${namePattern.source}.`)
      mustHaveLimits(type)
      if (this.#types.has(type.name)) throw new Error(`The task type "${type.name}" is defined twice.`)
      this.#types.set(type.name, type)
    }
  }

  get(name: string): TaskType | undefined {
    return this.#types.get(name)
  }

  /** Sorted by name. */
  list(): TaskType[] {
    return [...this.#types.values()].sort((a, b) => a.name.localeCompare(b.name))
  }
}

function mustHaveLimits({ name, concurrency, rateLimit }: TaskType): void {
  const isPositive = (value: number) => Number.isInteger(value) && value > 0
  if (concurrency !== undefined && !isPositive(concurrency.limit))
    throw new Error(`The task type "${name}" must have a concurrency limit of at least 1.`)
  if (rateLimit !== undefined && !(isPositive(rateLimit.limit) && isPositive(rateLimit.perMs)))
    throw new Error(`The task type "${name}" must have a rate limit of at least 1 task in at least 1 millisecond.`)
}

/** A task type's input as JSON Schema 2020-12, as a caller writes it. */
export function inputJsonSchema(type: TaskType): Record<string, unknown> {
  return z.toJSONSchema(type.input, { io: 'input', unrepresentable: 'any' }) as Record<string, unknown>
}
