import type { ScheduleMaker } from '#domain/tasks/schedules/schedule.ts'
import { decodeCursor, encodeCursor, InvalidCursor } from '#lib/cursor.ts'
import { isId } from '#lib/ids.ts'
import type { Actor } from '#platform/journal/entry.ts'
import { builder } from '#schema/builder.ts'
import { separateRead } from '#schema/complexity.ts'
import { NodeRef } from '#schema/node.ts'
import { connectionOf, nodeQuery, pageOf, pageSize } from '#schema/pagination.ts'
import { TaskConnection } from '#schema/tasks/connection.ts'
import { TaskRef } from '#schema/tasks/task.ts'
import { visibleTasks } from '#schema/tasks/visible.ts'
import { ScheduleMissedEnum, ScheduleOverlapEnum, ScheduleStatusEnum } from './enums.ts'

export const TaskScheduleRef = builder.prismaObject('TaskSchedule', {
  interfaces: [NodeRef],
  description: 'A rule that creates tasks at times.',
  select: { id: true, type: true },
  fields: (t) => ({
    id: t.exposeID('id', { description: 'Stable; sorts by creation.' }),
    name: t.exposeString('name', { description: 'Its display name.' }),
    type: t.exposeString('type', { description: 'The task type of its runs.' }),
    task: t.field({
      type: 'JSON',
      description: 'What each run is submitted with, as in `SubmitTaskInput`.',
      select: { task: true },
      resolve: ({ task }) => task,
    }),
    cron: t.exposeString('cron', { nullable: true, description: 'A cron expression of five or six fields.' }),
    everyMs: t.exposeInt('everyMs', { nullable: true, description: 'The time between two runs, in milliseconds.' }),
    rrule: t.exposeString('rrule', { nullable: true, description: 'The value of an RRULE (RFC 5545).' }),
    timeZone: t.exposeString('timeZone', { description: 'The IANA time zone of `cron` and `rrule`.' }),
    startAt: t.expose('startAt', { type: 'DateTime', nullable: true, description: 'No run is due before.' }),
    endAt: t.expose('endAt', { type: 'DateTime', nullable: true, description: 'No run is due after it.' }),
    maxRuns: t.exposeInt('maxRuns', { nullable: true, description: 'It ends after so many runs.' }),
    overlap: t.field({
      type: ScheduleOverlapEnum,
      description: 'What happens to a run that is due while an earlier run has not ended.',
      select: { overlap: true },
      resolve: ({ overlap }) => overlap as 'SKIP',
    }),
    missed: t.field({
      type: ScheduleMissedEnum,
      description: 'What happens to runs that could not be created in time.',
      select: { missed: true },
      resolve: ({ missed }) => missed as 'SKIP',
    }),
    status: t.expose('status', { type: ScheduleStatusEnum, description: 'Whether it creates runs.' }),
    statusReason: t.exposeString('statusReason', {
      nullable: true,
      description: 'Why it is PAUSED, if somebody said so, or FAILED.',
    }),
    nextRunAt: t.expose('nextAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the next run is due; null when none is.',
    }),
    nextRuns: t.field({
      type: ['DateTime'],
      description:
        'The times of the next runs; fewer when there are no more, or when finding them takes long. Of a schedule that is PAUSED or FAILED: what they would be if it were resumed now.',
      complexity: separateRead,
      args: { first: t.arg.int({ defaultValue: 10, required: true, description: 'How many, 1 to 100.' }) },
      resolve: ({ id }, { first }, { caller, schedules }) => schedules.preview(caller, id, first),
    }),
    runCount: t.exposeInt('runs', { description: 'How many runs were created at their times.' }),
    waitingRuns: t.field({
      type: ['DateTime'],
      description: 'Times of runs that are created once an earlier run has ended.',
      complexity: 0,
      select: { queued: true },
      resolve: ({ queued }) => queued,
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was created.' }),
    createdBy: t.field({
      type: 'Actor',
      description: 'Who created it.',
      select: { createdBy: true },
      resolve: ({ createdBy }) => createdBy as unknown as Actor,
    }),
    maker: t.field({
      type: 'Actor',
      description: 'With whose rights its runs are created: those that they held then, and still hold.',
      select: { maker: true },
      resolve: ({ maker }) => (maker as unknown as ScheduleMaker).actor,
    }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When somebody last changed it.' }),
    endedAt: t.expose('endedAt', { type: 'DateTime', nullable: true, description: 'When it ended.' }),
    runs: t.field({
      type: TaskConnection,
      description: 'The tasks that it created, newest first.',
      args: {
        first: t.arg.int({ required: true, description: 'Page size, 1 to 200.' }),
        after: t.arg.string({ description: 'Continue after this cursor.' }),
      },
      resolve: async ({ id }, { first, after }, context, info) => {
        const visible = visibleTasks(context.caller)
        const size = pageSize(first)
        const read = await context.db.task.findMany({
          ...nodeQuery(context, info, 'Task'),
          where: { scheduleRun: { scheduleId: id }, ...visible, ...(after && { id: { lt: behind('runs', after) } }) },
          orderBy: { id: 'desc' },
          take: size + 1,
        })
        return pageOf(read, size, after, (task) => encodeCursor('runs', [task.id]))
      },
    }),
  }),
})

builder.prismaObjectFields(TaskRef, (t) => ({
  schedule: t.field({
    type: TaskScheduleRef,
    nullable: true,
    description: 'The schedule that created it.',
    select: (_args, _context, nested) => ({ scheduleRun: { select: { schedule: nested(true as never) } } }) as never,
    resolve: (task, _args, { caller }) => {
      const { scheduleRun } = task as unknown as { scheduleRun: { schedule: { type: string } } | null }
      const schedule = scheduleRun?.schedule
      return schedule !== undefined && caller.can('tasks:read', schedule.type) ? (schedule as never) : null
    },
  }),
  scheduledFor: t.field({
    type: 'DateTime',
    nullable: true,
    description: 'The time of its schedule that it stands for; null for tasks without one.',
    select: { scheduleRun: { select: { scheduledFor: true } } },
    resolve: ({ scheduleRun }) => scheduleRun?.scheduledFor,
  }),
}))

const TaskScheduleConnection = connectionOf('TaskSchedule', TaskScheduleRef)

builder.queryField('taskSchedule', (t) =>
  t.prismaField({
    type: TaskScheduleRef,
    nullable: true,
    description: 'One schedule; null when the account has none with this id.',
    args: { id: t.arg.id({ required: true, description: 'Its id.' }) },
    resolve: (query, _root, { id }, { caller, db }) => {
      const visible = visibleTasks(caller)
      if (!isId(id)) return null
      const key = { accountId_id: { accountId: caller.accountId, id } }
      return db.taskSchedule.findUnique({ ...query, where: { ...key, ...visible } })
    },
  }),
)

builder.queryField('taskSchedules', (t) =>
  t.field({
    type: TaskScheduleConnection,
    description: 'The account’s schedules, newest first.',
    args: {
      status: t.arg({ type: [ScheduleStatusEnum], description: 'Any of these statuses; default: all.' }),
      first: t.arg.int({ description: 'Page size, 1 to 200; default 50.' }),
      after: t.arg.string({ description: 'Continue after this cursor.' }),
    },
    resolve: async (_root, { status, first, after }, context, info) => {
      const visible = visibleTasks(context.caller)
      const size = pageSize(first)
      const read = await context.db.taskSchedule.findMany({
        ...nodeQuery(context, info, 'TaskSchedule'),
        where: {
          ...visible,
          ...(status && { status: { in: status } }),
          ...(after && { id: { lt: behind('schedules', after) } }),
        },
        orderBy: { id: 'desc' },
        take: size + 1,
      })
      return pageOf(read, size, after, ({ id }) => encodeCursor('schedules', [id]))
    },
  }),
)

function behind(kind: 'runs' | 'schedules', cursor: string): string {
  const [id = ''] = decodeCursor(kind, cursor, 1)
  if (!isId(id)) throw new InvalidCursor()
  return id
}
