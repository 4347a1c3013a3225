import { join, resolve } from 'node:path'
import type { AnswerDurable } from '#domain/tasks/durable/answer.ts'
import type { AttemptOutput, RequestHandler, Runner } from '#domain/tasks/runner.ts'
import type { Attempt, AttemptEnd } from '#domain/tasks/task.ts'
import { resolveEnvironment } from '#domain/tasks/task-environment.ts'
import type { AttemptSecret, GiveSecrets } from '#domain/tasks/task-secrets.ts'
import { defaultGraceMs, type SubmittedChild, type TaskType, type TaskTypes } from '#domain/tasks/task-type.ts'
import { errorMessage } from '#lib/errors.ts'
import type { Logger } from '#platform/telemetry/log.ts'
import { findSecrets, maskedEnd } from './attempt-secrets.ts'
import { failed } from './failure.ts'
import { HostPool } from './host-pool.ts'
import { runInProcess } from './in-process.ts'
import { LimitedOutput } from './limited-output.ts'
import { runInOwnProcess, type TaskHost } from './own-process.ts'
import { ProcessTags } from './process-tag.ts'
import { SecretMask } from './secret-mask.ts'
import { sweep } from './sweep.ts'
import type { TaskUser } from './task-user.ts'
import { workspacePath } from './workspace.ts'

export interface RunnerOptions {
  readonly types: TaskTypes
  /** Runs the attempts that have a process of their own. */
  readonly host: TaskHost
  /** How many processes are started before an attempt needs them; 0: none. */
  readonly warmHosts: number
  /** What answers requests of attempts, by the names of their task types. */
  readonly requestHandlers: ReadonlyMap<string, RequestHandler>
  /** Answers what attempts ask for so that later ones know it. */
  readonly answerDurable: AnswerDurable
  /** Reads the secrets that task types list. */
  readonly giveSecrets: GiveSecrets
  /** How many bytes of a part are kept; default: 64 MiB. */
  readonly partBytes?: number
  /** Submits children of tasks that run; undefined: there are none. */
  readonly submitChild?: (attempt: Attempt, task: unknown) => Promise<SubmittedChild>
  /** Below it each attempt gets a directory; shared by all servers of the installation on this machine. */
  readonly workspacesDir: string
  /** From `createServerId`. */
  readonly serverId: string
  readonly taskUser: TaskUser
  readonly log: Logger
  /** The server's environment; an attempt sees `PATH` and what its type lists. */
  readonly env: Readonly<Record<string, string | undefined>>
}

/** Executes attempts of the given types, in this process or each in its own, as the type says. */
export function createRunner(options: RunnerOptions): Runner {
  const { types, serverId, taskUser, log } = options
  const tags = new ProcessTags(serverId)
  const workspacesDir = resolve(options.workspacesDir)
  const hosts = new HostPool({
    program: options.host.program,
    path: options.env['PATH'] ?? '',
    cacheDirectory: join(workspacesDir, '.compile-cache'),
    nextTag: () => tags.next(),
    size: options.warmHosts,
  })

  async function run(attempt: Attempt, rawOutput: AttemptOutput, stop: AbortSignal): Promise<AttemptEnd> {
    const type = types.get(attempt.type)
    if (!type) return failed('UNKNOWN_TASK_TYPE', `This server has no task type "${attempt.type}".`, false)
    try {
      return await start(type, attempt, rawOutput, stop)
    } catch (error) {
      log.error({ err: error, taskId: attempt.taskId }, 'the runner itself failed')
      return failed('RUNNER_FAILED', `The server could not run it: ${errorMessage(error)}`, true)
    }
  }

  async function start(
    type: TaskType,
    attempt: Attempt,
    rawOutput: AttemptOutput,
    stop: AbortSignal,
  ): Promise<AttemptEnd> {
    const found = await findSecrets(options.giveSecrets, type, attempt)
    if ('end' in found) return found.end
    const { secrets } = found
    const mask = SecretMask.of(secrets.map(({ value }) => value))
    const output = new LimitedOutput(rawOutput, mask, options.partBytes)
    return maskedEnd(await execute(type, attempt, { secrets, output, stop }), mask)
  }

  function execute(
    type: TaskType,
    attempt: Attempt,
    means: { readonly secrets: readonly AttemptSecret[]; readonly output: LimitedOutput; readonly stop: AbortSignal },
  ): Promise<AttemptEnd> {
    const common = {
      ...means,
      attempt,
      graceMs: graceMs(type, attempt),
      workspace: workspacePath(workspacesDir, serverId, attempt.taskId, attempt.fence),
      env: resolveEnvironment(type.env, options.env),
      answer: (request: unknown) => answer(request, attempt, means.stop),
      submit: (task: unknown) => submit(task, attempt),
      remember: (request: unknown) => options.answerDurable(request, attempt, means.stop),
    }
    if (type.isolation === 'none') return runInProcess({ ...common, type })
    return runInOwnProcess({
      ...common,
      hosts,
      settings: options.host.settings,
      taskUser,
      log,
    })
  }

  async function answer(request: unknown, attempt: Attempt, stop: AbortSignal): Promise<unknown> {
    const handler = options.requestHandlers.get(attempt.type)
    if (!handler) throw new Error(`The server answers no requests of tasks of the type "${attempt.type}".`)
    return handler(request, attempt, stop)
  }

  async function submit(task: unknown, attempt: Attempt): Promise<SubmittedChild> {
    if (options.submitChild === undefined) throw new Error('This server submits no children of tasks.')
    return options.submitChild(attempt, task)
  }

  return {
    run,
    sweep: () => sweep({ workspacesDir, serverId, taskUser, log }),
    prepare: () => hosts.fill(),
    close: () => hosts.close(),
  }
}

function graceMs(type: TaskType, attempt: Attempt): number {
  const input = type.defaults && type.input.safeParse(attempt.input)
  const own = input?.success ? type.defaults?.(input.data).graceMs : undefined
  return own ?? type.graceMs ?? defaultGraceMs
}
