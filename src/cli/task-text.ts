import type { TaskAttemptsQuery, TaskStatus, TaskSummaryFragment } from '#client/index.ts'
import type { Style } from './output.ts'
import { duration, moment, printableLines } from './text.ts'

/** How each status looks. */
export const statusStyles: Readonly<Record<TaskStatus, Style>> = {
  SCHEDULED: 'dim',
  PENDING: 'dim',
  ACTIVE: 'cyan',
  COMPLETED: 'green',
  FAILED: 'red',
  CANCELLED: 'yellow',
}

/** How a task has ended: one line, and below it those that the error's message has beside the first. */
export function outcome({ status, error, ...task }: TaskSummaryFragment): string {
  const took = runTime(task)
  if (status === 'COMPLETED') return `completed${took === undefined ? '' : ` in ${took}`}`
  if (status === 'CANCELLED') return `cancelled${took === undefined ? '' : ` after ${took}`}`
  const why = error === null ? '' : `: ${errorLines(error, error.code)}`
  return `failed${took === undefined ? '' : ` after ${took}`}${why}`
}

type TaskAttempts = NonNullable<TaskAttemptsQuery['task']>

/** Why an attempt has failed and when the next one comes; `at` is when it was decided, by the server's clock. */
export function failedAttempt(
  { number, error }: TaskAttempts['attempts'][number],
  { status, attempt, runAt }: TaskAttempts,
  at: string,
): string {
  const why = error === null ? '' : `: ${errorLines(error, error.code)}`
  const failed = `attempt ${number} failed${why}`
  if (status !== 'SCHEDULED' || attempt !== number) return failed
  const waitMs = Date.parse(runAt) - Date.parse(at)
  return `${failed}\nnext attempt in ${duration(waitMs)}${waitMs < 60_000 ? '' : `, at ${moment(runAt)}`}`
}

/** An error's message with a note behind its first line, where it isn't taken for a part of a program's output. */
export function errorLines({ message }: { readonly message: string }, note: string): string {
  const [first = '', ...more] = printableLines(message).split('\n')
  const rest = more.map((line) => `\n  ${line}`).join('')
  return `${first} (${note})${rest}`
}

/** How long the last attempt has taken, or has run by now; undefined when there was none. */
export function runTime(
  { startedAt, finishedAt }: Pick<TaskSummaryFragment, 'startedAt' | 'finishedAt'>,
  now: number = Date.now(),
): string | undefined {
  if (startedAt === null) return undefined
  return duration((finishedAt === null ? now : Date.parse(finishedAt)) - Date.parse(startedAt))
}
