import type { TaskStatus, TaskSummaryFragment } from '#client/index.ts'
import type { Style } from './output.ts'
import { duration, printable } from './text.ts'

/** How each status looks. */
export const statusStyles: Readonly<Record<TaskStatus, Style>> = {
  SCHEDULED: 'dim',
  PENDING: 'dim',
  ACTIVE: 'cyan',
  COMPLETED: 'green',
  FAILED: 'red',
  CANCELLED: 'yellow',
}

/** How a task has ended, in one line. */
export function outcome({ status, error, ...task }: TaskSummaryFragment): string {
  const took = runTime(task)
  if (status === 'COMPLETED') return `completed${took === undefined ? '' : ` in ${took}`}`
  if (status === 'CANCELLED') return `cancelled${took === undefined ? '' : ` after ${took}`}`
  const why = error === null ? '' : `: ${printable(error.message)} (${error.code})`
  return `failed${took === undefined ? '' : ` after ${took}`}${why}`
}

/** How long the last attempt has taken, or has run by now; undefined when there was none. */
export function runTime(
  { startedAt, finishedAt }: Pick<TaskSummaryFragment, 'startedAt' | 'finishedAt'>,
  now: number = Date.now(),
): string | undefined {
  if (startedAt === null) return undefined
  return duration((finishedAt === null ? now : Date.parse(finishedAt)) - Date.parse(startedAt))
}
