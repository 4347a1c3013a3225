import type { TaskFeedFilter, TaskUpdate, taskUpdateKinds } from '#domain/tasks/updates.ts'
import { builder } from '#schema/builder.ts'
import { described } from '#schema/described.ts'
import { labelsOf, TaskFilter } from './inputs.ts'
import { TaskPart, TaskRef, TaskStatusEnum } from './task.ts'

const TaskUpdateKind = builder.enumType('TaskUpdateKind', {
  description:
    'STATE: the current state, first in a stream. STATUS: the status has changed. PROGRESS: at most ten a second, the newest wins. STEP, LOG, PART: output. LAGGED: updates were dropped because the subscriber was too slow.',
  values: described<(typeof taskUpdateKinds)[number]>({
    STATE: 'The current state; first in a stream.',
    STATUS: 'The status has changed.',
    PROGRESS: 'The progress has changed; at most ten a second, the newest wins.',
    STEP: 'A new step has begun.',
    LOG: 'A line was logged.',
    PART: 'A part of the result is complete.',
    LAGGED: 'Updates were dropped because the subscriber was too slow.',
  }),
})

const LogLine = builder.objectRef<NonNullable<TaskUpdate['log']>>('TaskLogLine').implement({
  description: 'A new log line.',
  fields: (t) => ({
    at: t.expose('at', { type: 'DateTime', description: 'When it was logged.' }),
    message: t.exposeString('message', { description: 'The line without its line ending.' }),
  }),
})

const TaskUpdateRef = builder.objectRef<TaskUpdate>('TaskUpdate').implement({
  description: 'Something that happened to a task.',
  fields: (t) => ({
    kind: t.expose('kind', { type: TaskUpdateKind, description: 'The kind of update.' }),
    cursor: t.exposeString('cursor', {
      description: 'Where a later stream resumes. For LAGGED: from where the dropped updates can be read again.',
    }),
    at: t.expose('at', { type: 'DateTime', description: 'When.' }),
    taskId: t.exposeID('taskId', { nullable: true, description: 'The task; null for LAGGED in a feed.' }),
    status: t.expose('status', { type: TaskStatusEnum, nullable: true, description: 'The status after this update.' }),
    attempt: t.exposeInt('attempt', { nullable: true, description: 'The number of the attempt.' }),
    progress: t.exposeInt('progress', {
      nullable: true,
      description: 'STATE and PROGRESS: 0 to 100; STATUS: 100 when it is COMPLETED.',
    }),
    step: t.exposeString('step', { nullable: true, description: 'STATE, PROGRESS and STEP: the current step.' }),
    log: t.expose('log', { type: LogLine, nullable: true, description: 'LOG: the line.' }),
    part: t.prismaField({
      type: TaskPart,
      nullable: true,
      description: 'PART: the completed part.',
      resolve: (query, { taskId, partName: name }, _args, { caller, db }) => {
        if (taskId === undefined || name === undefined) return null
        const key = { accountId: caller.accountId, taskId, name }
        return db.taskPart.findUnique({ ...query, where: { accountId_taskId_name: key } })
      },
    }),
    skipped: t.exposeInt('skipped', { nullable: true, description: 'LAGGED: how many updates were dropped.' }),
    task: t.prismaField({
      type: TaskRef,
      nullable: true,
      description: 'The current task, at least as new as this update.',
      resolve: (query, { taskId: id }, _args, { caller, db }) => {
        if (id === undefined) return null
        return db.task.findUnique({ ...query, where: { accountId_id: { accountId: caller.accountId, id } } })
      },
    }),
  }),
})

const after = 'Resume after this cursor (from any stream), without the initial snapshot.'

builder.subscriptionField('taskUpdates', (t) =>
  t.field({
    type: TaskUpdateRef,
    description: 'The current state, then each change; completes when the task has ended.',
    args: {
      id: t.arg.id({ required: true, description: 'The task’s id.' }),
      after: t.arg.string({ description: after }),
    },
    subscribe: (_root, { id, after }, { caller, tasks }) => tasks.updates(caller, id, after ?? undefined),
    resolve: (update) => update,
  }),
)

builder.subscriptionField('taskFeed', (t) =>
  t.field({
    type: TaskUpdateRef,
    description: 'The updates of all tasks that match.',
    args: {
      where: t.arg({ type: TaskFilter, description: 'Only those that match; default: all.' }),
      after: t.arg.string({ description: after }),
    },
    subscribe: (_root, { where, after }, { caller, tasks }) =>
      tasks.feed(caller, toFeedFilter(where), after ?? undefined),
    resolve: (update) => update,
  }),
)

function toFeedFilter(where: typeof TaskFilter.$inferInput | null | undefined): TaskFeedFilter {
  return {
    statuses: where?.status ?? undefined,
    types: where?.type ?? undefined,
    priorities: where?.priority ?? undefined,
    labels: labelsOf(where?.labels),
  }
}
