import type { Percentiles } from '#domain/tasks/queue-report.ts'
import type { PercentileTriple, StatsBucket } from '#domain/tasks/stats.ts'
import type { TaskStats } from '#domain/tasks/task-stats.ts'
import { builder } from '#schema/builder.ts'
import { countedList, separateRead } from '#schema/complexity.ts'
import { withoutNulls } from './inputs.ts'
import { PercentilesRef } from './percentiles.ts'
import { PriorityEnum } from './task.ts'

function percentilesOf(triple: PercentileTriple | null): Percentiles | null {
  if (triple === null) return null
  const [p50, p95, p99] = triple
  return { p50, p95, p99 }
}

const wait = 'Time from due to started, of the tasks that ended in this time; null without any.'
const run =
  'Time from the start of the last attempt to its end, of the tasks that ended in this time; null without any.'

const TaskStatsBucket = builder.objectRef<StatsBucket>('TaskStatsBucket').implement({
  description: 'The tasks that ended in a part of the time.',
  fields: (t) => ({
    from: t.expose('from', { type: 'DateTime', description: 'When it begins; it ends where the next one begins.' }),
    completed: t.exposeInt('completed', { description: 'Completed tasks.' }),
    failed: t.exposeInt('failed', { description: 'Failed tasks.' }),
    cancelled: t.exposeInt('cancelled', { description: 'Cancelled tasks.' }),
    wait: t.field({
      type: PercentilesRef,
      nullable: true,
      description: wait,
      resolve: (one) => percentilesOf(one.wait),
    }),
    run: t.field({ type: PercentilesRef, nullable: true, description: run, resolve: (one) => percentilesOf(one.run) }),
  }),
})

const TaskStatsRef = builder.objectRef<TaskStats>('TaskStats').implement({
  description: 'Figures about tasks.',
  fields: (t) => ({
    waiting: t.int({
      description: 'Tasks that are due and wait now.',
      resolve: async (s) => (await s.backlog()).waiting,
    }),
    scheduled: t.int({
      description: 'Tasks that are not due yet.',
      resolve: async (s) => (await s.backlog()).scheduled,
    }),
    active: t.int({ description: 'Tasks that are running now.', resolve: async (s) => (await s.backlog()).active }),
    oldestWaitMs: t.float({
      nullable: true,
      description: 'How long the oldest waiting task has been due; null when none waits.',
      resolve: async (s) => (await s.backlog()).oldestWaitMs,
    }),
    completed: t.int({
      description: 'Tasks that completed in the time.',
      resolve: async (s) => (await s.ended()).completed,
    }),
    failed: t.int({ description: 'Tasks that failed in the time.', resolve: async (s) => (await s.ended()).failed }),
    cancelled: t.int({
      description: 'Tasks that were cancelled in the time.',
      resolve: async (s) => (await s.ended()).cancelled,
    }),
    wait: t.field({
      type: PercentilesRef,
      nullable: true,
      description: wait,
      resolve: async (s) => percentilesOf((await s.ended()).wait),
    }),
    run: t.field({
      type: PercentilesRef,
      nullable: true,
      description: run,
      resolve: async (s) => percentilesOf((await s.ended()).run),
    }),
    buckets: t.field({
      type: [TaskStatsBucket],
      description: 'The same by parts of the time, in order.',
      complexity: countedList,
      resolve: async (s) => [...(await s.ended()).buckets],
    }),
    partial: t.boolean({
      description: 'Whether more than 500,000 tasks ended in the time: the figures are of the latest ones.',
      resolve: (s) => s.isPartial(),
    }),
  }),
})

builder.queryField('taskStats', (t) =>
  t.field({
    type: TaskStatsRef,
    description: 'Depth, age, throughput and durations of the account’s tasks.',
    complexity: separateRead * 4,
    args: {
      from: t.arg({
        type: 'DateTime',
        required: true,
        description: 'Beginning of the time; at most 31 days before `to`.',
      }),
      to: t.arg({ type: 'DateTime', required: true, description: 'End of the time.' }),
      bucketMs: t.arg.int({
        required: true,
        description: 'Length of a bucket, in milliseconds; at most 1,000 buckets.',
      }),
      type: t.arg.string({ description: 'Only tasks of this type.' }),
      priority: t.arg({ type: PriorityEnum, description: 'Only tasks of this priority.' }),
    },
    resolve: (_root, args, { caller, tasks }) =>
      tasks.stats(caller, { ...withoutNulls(args), from: args.from, to: args.to, bucketMs: args.bucketMs }),
  }),
)
