import { findDoubles, type Run, readBook } from './book.ts'
import type { Evidence } from './checker.ts'
import type { AcknowledgedTask, Ledger } from './ledger.ts'

/** How long the end of an attempt may be on its way to the database. */
const writingMs = 5_000
/** How long a run goes on at most that the new primary doesn't know of, beside the one that it has begun since. */
const overlapMs = 10_000
/** How soon a run stops after its cancellation was acknowledged. */
const stoppingMs = 15_000

interface TaskRow {
  readonly id: string
  readonly status: string
  readonly code: string | null
  readonly message: string | null
  /** How often the journal says that it ended. */
  readonly ends: number
}

/** Each accepted task ended once and as it should, and ran no more often than it may. */
export async function checkTasks({ stage, ledger }: Evidence): Promise<string[]> {
  const rows = await stage.query<TaskRow>(
    `SELECT id, status, error->>'code' AS code, error->>'message' AS message, (SELECT count(*)::int FROM journal WHERE subject = 'task:' || task.id
       AND type IN ('task.completed', 'task.failed', 'task.cancelled')) AS ends FROM task`,
  )
  const byId = new Map(rows.map((row) => [row.id, row]))
  const runsById = Map.groupBy(readBook(stage.book), ({ id }) => id)
  return [...ledger.tasks.values()].flatMap((task) => {
    const runs = runsById.get(task.id) ?? []
    const problems = [...checkOutcome(task, byId.get(task.id), runs, ledger), ...checkRuns(task, runs, ledger)]
    return problems.map((problem) => `the task ${task.id} ${problem}: ${JSON.stringify([byId.get(task.id), runs])}`)
  })
}

function checkOutcome(
  task: AcknowledgedTask,
  row: TaskRow | undefined,
  runs: readonly Run[],
  ledger: Ledger,
): string[] {
  if (row === undefined) return ledger.mayBeLost(task) ? [] : ['was accepted and is gone']
  if (row.ends !== 1) return [`has ended ${row.ends} times`]
  if (row.status === 'COMPLETED') return runs.some(hasEnded) ? [] : ['never ran to its end']
  if (row.status === 'CANCELLED') return ledger.cancelled.has(task.id) ? [] : ['was cancelled by nobody']
  // The program had run, and its result was lost with the tail.
  return row.code === 'WORKER_LOST' && runs.some((run) => mayHaveLostEnd(run, ledger)) ? [] : [`is ${row.status}`]
}

function checkRuns({ id, maxAttempts }: AcknowledgedTask, runs: readonly Run[], ledger: Ledger): string[] {
  const acknowledged = ledger.cancelled.get(id)
  const cancelled = acknowledged && ledger.mayBeLost(acknowledged) ? undefined : acknowledged
  const unknown = runs.filter((run) => mayHaveLostStart(run, ledger))
  const problems: string[] = []
  if (runs.length > maxAttempts + unknown.length) problems.push(`ran ${runs.length} times`)
  for (const { first, ms } of findDoubles(runs))
    if (!unknown.includes(first) || ms > overlapMs) problems.push(`ran twice at the same time, for ${ms} ms`)
  for (const run of runs) {
    const { endedAt, stopped } = run
    if (endedAt === undefined) problems.push('was begun and never ended')
    if (stopped !== undefined && !ledger.cancelled.has(id) && !unknown.includes(run))
      problems.push(`was taken from a living worker (${stopped.reason ?? 'no reason'})`)
    if (cancelled !== undefined && endedAt !== undefined && endedAt > cancelled.answeredAt + stoppingMs)
      problems.push(`stopped ${endedAt - cancelled.answeredAt} ms after it was cancelled`)
  }
  return problems
}

function hasEnded({ endedAt, stopped }: Run): boolean {
  return endedAt !== undefined && stopped === undefined
}

function mayHaveLostStart({ startedAt }: Run, { lostTails }: Ledger): boolean {
  return lostTails.some(({ from, to }) => startedAt >= from && startedAt <= to + writingMs)
}

function mayHaveLostEnd({ endedAt }: Run, { lostTails }: Ledger): boolean {
  return endedAt !== undefined && lostTails.some(({ from, to }) => endedAt >= from - writingMs && endedAt <= to)
}

/** Clients that waited for a task received its outcome as soon as there was one. */
export async function checkWaits({ stage, ledger }: Evidence): Promise<string[]> {
  const slackMs = 3_000
  const rows = await stage.query<{ id: string; at: Date }>('SELECT id, finished_at AS at FROM task')
  const ends = new Map(rows.map(({ id, at }) => [id, at.getTime()]))
  return ledger.waited.flatMap(({ id, hasOutcome, answeredAt }) => {
    const end = ends.get(id)
    return hasOutcome || end === undefined || end > answeredAt - slackMs
      ? []
      : [`a client waited in vain for the task ${id}, which had ended ${answeredAt - end} ms before`]
  })
}
