import type { TaskFeedFilter, TaskUpdate, taskUpdateKinds } from '#domain/tasks/updates.ts'
import { builder } from '#schema/builder.ts'
import { described } from '#schema/described.ts'
import { labelsOf, TaskFilter } from './inputs.ts'
import { TaskPart, TaskRef, TaskStatusEnum } from './task.ts'

const TaskUpdateKind = builder.enumType('TaskUpdateKind', {
  description:
    'STATE: what is, first in a stream. STATUS: the life cycle went on. PROGRESS: newest wins, at most ten a second. STEP, LOG, PART: output. LAGGED: updates were dropped because the subscriber was too slow.',
  values: described<(typeof taskUpdateKinds)[number]>({
    STATE: 'The current state; first in a stream.',
    STATUS: 'The status has changed.',
    PROGRESS: 'The progress has changed; at most ten a second, the newest wins.',
    STEP: 'A new step has begun.',
    LOG: 'A line was logged.',
    PART: 'A part of the result was kept.',
    LAGGED: 'Updates were dropped because the subscriber was too slow.',
  }),
})

const LogLine = builder.objectRef<NonNullable<TaskUpdate['log']>>('TaskLogLine').implement({
  description: 'A line that was logged just now.',
  fields: (t) => ({
    at: t.expose('at', { type: 'DateTime', description: 'When it was written down.' }),
    message: t.exposeString('message', { description: 'Without its line end.' }),
  }),
})

const TaskUpdateRef = builder.objectRef<TaskUpdate>('TaskUpdate').implement({
  description: 'Something that happened to a task.',
  fields: (t) => ({
    kind: t.expose('kind', { type: TaskUpdateKind, description: 'What kind of change.' }),
    cursor: t.exposeString('cursor', {
      description: 'Where a later stream goes on. Of LAGGED: where what was dropped can be had again from.',
    }),
    at: t.expose('at', { type: 'DateTime', description: 'When.' }),
    taskId: t.exposeID('taskId', { nullable: true, description: 'Which task; null for LAGGED in a feed.' }),
    status: t.expose('status', { type: TaskStatusEnum, nullable: true, description: 'After this update.' }),
    attempt: t.exposeInt('attempt', { nullable: true, description: 'Which attempt.' }),
    progress: t.exposeInt('progress', {
      nullable: true,
      description: 'STATE and PROGRESS: 0 to 100; STATUS: 100 when it is COMPLETED.',
    }),
    step: t.exposeString('step', { nullable: true, description: 'STATE, PROGRESS and STEP: what it does.' }),
    log: t.expose('log', { type: LogLine, nullable: true, description: 'LOG: the line.' }),
    part: t.prismaField({
      type: TaskPart,
      nullable: true,
      description: 'PART: the piece of the result that is complete now.',
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
      description: 'The task as it is by now: at least as new as this update.',
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
    description: 'First what is, then each change; completes when the task has ended.',
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
    description: 'What happens to all tasks that match.',
    args: {
      where: t.arg({ type: TaskFilter, description: 'Which; all when absent.' }),
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
