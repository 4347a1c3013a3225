import {
  followTask,
  persist,
  type SignalboxClient,
  TaskAttemptsDocument,
  TaskOutcomeDocument,
  type TaskSummaryFragment,
  type TaskUpdate,
} from '#client/index.ts'
import { createTaskView } from './create-task-view.ts'
import { exitCodeOfStatus, exitCodes } from './exit-codes.ts'
import { found } from './found.ts'
import { type Interruption, interruption } from './interrupt.ts'
import { reconnectionRemarks } from './reconnection.ts'
import type { Api } from './session.ts'
import { TaskLogReader } from './task-log-reader.ts'
import { failedAttempt } from './task-text.ts'
import type { TaskOutcome, TaskView } from './task-view.ts'

/** A result of so many lines is shown with the outcome; of a longer one, how to get it. */
const shortResultLines = 30

/** Shows a task until it has ended, across restarts of the server; resolves with the exit code that its outcome has. */
export async function watchTask(api: Api, task: TaskSummaryFragment): Promise<number> {
  using interrupted = interruption()
  const view = createTaskView(api.output, task, api.json)
  try {
    const outcome = await follow(api.client, task.id, view, interrupted)
    view.end(outcome)
    if (!api.json) tellResult(api, outcome)
    return exitCodeOfStatus(outcome.status) ?? exitCodes.failed
  } catch (error) {
    view.close()
    if (!interrupted.signal.aborted) throw error
    tellInterrupted(api, task.id)
    throw interrupted.signal.reason
  } finally {
    view.close()
  }
}

async function follow(
  client: SignalboxClient,
  id: string,
  view: TaskView,
  { signal }: Interruption,
): Promise<TaskOutcome> {
  const log = new TaskLogReader(client, id, ({ message }) => view.log(message), { signal })
  const remarks = reconnectionRemarks((text) => view.remark(text))
  const failures = new FailureReader(client, id, signal, (text) => view.attemptFailed(text))
  let stateAt = ''
  for await (const update of followTask(client, id, { signal, waitForServer: true, ...remarks })) {
    if (update.kind === 'STATE') stateAt = update.at
    if (view.isForPeople) await failures.look(update)
    // What was logged before a part was kept stands above it.
    if (view.isForPeople && update.part !== null) await log.drain()
    // The state is newer than what led to it, which the stream tells after it.
    if (!view.isForPeople || update.kind !== 'STEP' || update.at > stateAt) view.update(update)
    if (view.isForPeople && mayHaveLogged(update)) log.hint()
  }
  if (view.isForPeople) await log.drain()
  const { task } = await persist(() => client.request(TaskOutcomeDocument, { id }, { signal }), { signal })
  return found(task, `task ${id}`)
}

/** Reports failed attempts, each once, when an update shows that one has ended without the task. */
class FailureReader {
  readonly #client: SignalboxClient
  readonly #id: string
  readonly #signal: AbortSignal
  readonly #tell: (text: string) => void
  #told = 0

  constructor(client: SignalboxClient, id: string, signal: AbortSignal, tell: (text: string) => void) {
    this.#client = client
    this.#id = id
    this.#signal = signal
    this.#tell = tell
  }

  async look({ status, attempt, at }: TaskUpdate): Promise<void> {
    const last = status === 'SCHEDULED' || status === 'PENDING' ? (attempt ?? 0) : (attempt ?? 0) - 1
    if (last <= this.#told) return
    const signal = this.#signal
    const { task } = await persist(() => this.#client.request(TaskAttemptsDocument, { id: this.#id }, { signal }), {
      signal,
    })
    for (const one of task?.attempts ?? [])
      if (one.number > this.#told && one.number <= last)
        this.#tell(failedAttempt(one, task as NonNullable<typeof task>, at))
    this.#told = last
  }
}

function mayHaveLogged({ kind, attempt }: TaskUpdate): boolean {
  return kind === 'LOG' || (kind === 'STATE' && (attempt ?? 0) > 0)
}

function tellResult({ output, invocation }: Api, { id, status, result, resultExpired }: TaskOutcome): void {
  if (status !== 'COMPLETED' || resultExpired || result === null) return
  const text = output.value(result)
  if (text.split('\n').length <= shortResultLines) output.line(text)
  else output.line(`Its result: ${invocation} task result ${id}`)
}

function tellInterrupted({ output, invocation }: Api, id: string): void {
  output.remark('No longer watching; the task continues. To watch it again, or to cancel it:')
  output.remark(`  ${invocation} task watch ${id}`)
  output.remark(`  ${invocation} task cancel ${id}`)
}
