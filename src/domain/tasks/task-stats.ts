import { z } from 'zod'
import type { Caller } from '#domain/access/service.ts'
import { invalidInput } from '#lib/errors.ts'
import { inWords, issuesOf } from '#lib/parse.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { Backlog, EndedStats, StatsSelection } from './stats.ts'
import { readBacklog, readEnded } from './store/task-stats.ts'
import { priorities } from './task.ts'

const dayMs = 24 * 60 * 60 * 1000
const maxDays = 31
const maxBuckets = 1_000
/** How many tasks the figures are of at most: the latest. */
const maxTasks = 500_000

const request = z
  .strictObject({
    from: z.date(),
    to: z.date(),
    bucketMs: z.int().min(1_000, 'must be at least 1,000'),
    type: z.string().min(1).max(64).optional(),
    priority: z.enum(priorities).optional(),
  })
  .refine(({ from, to }) => to > from, { path: ['to'], message: 'must be after from' })
  .refine(({ from, to }) => to.getTime() - from.getTime() <= maxDays * dayMs, {
    path: ['from'],
    message: `must be at most ${maxDays} days before to`,
  })
  .refine(({ from, to, bucketMs }) => (to.getTime() - from.getTime()) / bucketMs <= maxBuckets, {
    path: ['bucketMs'],
    message: `must divide the time into at most ${maxBuckets.toLocaleString('en')} parts`,
  })
export type StatsRequest = z.input<typeof request>

/** Figures about an account's tasks; each is read once, by the first who asks for it. */
export interface TaskStats {
  backlog(): Promise<Backlog>
  ended(): Promise<EndedStats>
  /** Whether more tasks ended in the time than the figures are of. */
  isPartial(): Promise<boolean>
}

/** Figures about the caller's tasks, of which none is read yet. @throws {InvalidInput} @throws {Forbidden} */
export function taskStats(sql: Sql, caller: Caller, wanted: StatsRequest): TaskStats {
  const parsed = request.safeParse(wanted, inWords)
  if (!parsed.success) throw invalidInput('The request', issuesOf(parsed.error))
  const { type, priority, ...time } = parsed.data
  caller.must('tasks:read', type ?? '*')
  const selection: StatsSelection = { accountId: caller.accountId, type, priority }
  const backlog = once(() => readBacklog(sql, selection))
  const ended = once(() => readEnded(sql, selection, time, maxTasks))
  const isPartial = async () => {
    const { completed, failed, cancelled } = await ended()
    return completed + failed + cancelled >= maxTasks
  }
  return { backlog, ended, isPartial }
}

function once<Value>(read: () => Promise<Value>): () => Promise<Value> {
  let value: Promise<Value> | undefined
  return () => (value ??= read())
}
