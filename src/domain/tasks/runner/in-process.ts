import { mkdirSync } from 'node:fs'
import type { Attempt, AttemptEnd, ReportedEnd } from '#domain/tasks/task.ts'
import type { AttemptSecret } from '#domain/tasks/task-secrets.ts'
import type { SubmittedChild, TaskType } from '#domain/tasks/task-type.ts'
import { execute } from './execute.ts'
import { failed } from './failure.ts'
import type { LimitedOutput } from './limited-output.ts'
import { stoppedBy } from './stopped.ts'
import { timeoutFailure, timerMs } from './timeout.ts'
import { removeWorkspace } from './workspace.ts'

export interface InProcessOptions {
  readonly type: TaskType
  readonly attempt: Attempt
  readonly output: LimitedOutput
  readonly stop: AbortSignal
  readonly graceMs: number
  readonly workspace: string
  readonly env: Readonly<Record<string, string>>
  readonly secrets: readonly AttemptSecret[]
  /** Answers a request of the handler. */
  readonly answer: (request: unknown) => Promise<unknown>
  /** Submits a child of the task. */
  readonly submit: (task: unknown) => Promise<SubmittedChild>
  /** Answers a request about what the task remembers. */
  readonly remember: (request: unknown) => Promise<unknown>
}

/**
 * Runs an attempt in this very process. A handler that doesn't return within its grace period after being asked to stop
 * is abandoned: it has ended for everybody but itself, and nothing that it says later is heard.
 */
export async function runInProcess(options: InProcessOptions): Promise<AttemptEnd> {
  const { type, attempt, output, stop, env, secrets, answer, submit, remember } = options
  const controller = new AbortController()
  const workspace = lazyWorkspace(options.workspace)
  const running = execute(type, {
    attempt,
    output,
    signal: controller.signal,
    workspace: workspace.path,
    env,
    secrets,
    request: answer,
    submit,
    remember,
  })
  try {
    return await orInterrupted(running, controller, stop, options)
  } finally {
    await output.close()
    await workspace.remove()
  }
}

function orInterrupted(
  running: Promise<ReportedEnd>,
  controller: AbortController,
  stop: AbortSignal,
  { attempt, graceMs }: InProcessOptions,
): Promise<AttemptEnd> {
  return new Promise((resolve) => {
    let interruption: AttemptEnd | undefined
    let grace: NodeJS.Timeout | undefined
    const interrupt = (end: AttemptEnd, reason: unknown) => {
      if (interruption) return
      interruption = end
      grace = setTimeout(() => {
        if (end.kind === 'stopped') interruption = { ...end, isForced: true }
        finish(end)
      }, timerMs(graceMs))
      controller.abort(reason)
    }
    const onStop = () => interrupt(stoppedBy(stop), stop.reason)
    const timeout = setTimeout(() => {
      const failure = timeoutFailure(attempt.timeoutMs)
      interrupt(failure, new Error('The attempt has timed out.'))
    }, timerMs(attempt.timeoutMs))
    const finish = (end: AttemptEnd) => {
      // What it still does besides should stop as well.
      if (end.kind === 'waiting') controller.abort(new Error('The task waits; another attempt continues it.'))
      clearTimeout(timeout)
      clearTimeout(grace)
      stop.removeEventListener('abort', onStop)
      resolve(interruption ?? end)
    }
    running.then(finish, (error: unknown) => finish(failed('HANDLER_FAILED', String(error), true)))
    stop.addEventListener('abort', onStop, { once: true })
    if (stop.aborted) onStop()
  })
}

/** Most handlers that run in the server's process need no directory, and a thousand a second must not make one each. */
function lazyWorkspace(path: string): { path: () => string; remove: () => Promise<void> } {
  let made = false
  return {
    path: () => {
      if (!made) mkdirSync(path, { recursive: true, mode: 0o700 })
      made = true
      return path
    },
    remove: async () => {
      if (made) await removeWorkspace(path)
    },
  }
}
