import type { QueueReport } from '#domain/tasks/queue-report.ts'
import { decodeCursor, encodeCursor, InvalidCursor } from '#lib/cursor.ts'
import { isId } from '#lib/ids.ts'
import { builder } from '#schema/builder.ts'
import { nodeQuery, pageOf, pageSize } from '#schema/pagination.ts'
import { TaskConnection } from './connection.ts'
import { labelsOf, TaskFilter } from './inputs.ts'
import { PercentilesRef } from './percentiles.ts'
import { PriorityEnum, TaskRef } from './task.ts'
import { TaskTypeRef } from './task-type.ts'
import { visibleTasks } from './visible.ts'

const TaskOrder = builder.enumType('TaskOrder', {
  description: 'The order of tasks.',
  values: { NEWEST_FIRST: { description: 'By creation.' }, OLDEST_FIRST: { description: 'By creation.' } } as const,
})

builder.queryField('task', (t) =>
  t.prismaField({
    type: TaskRef,
    nullable: true,
    description: 'One task; null when the account has none with this id.',
    args: { id: t.arg.id({ required: true, description: 'Its id.' }) },
    resolve: (query, _root, { id }, { caller, db }) => {
      const visible = visibleTasks(caller)
      if (!isId(id)) return null
      const key = { accountId_id: { accountId: caller.accountId, id } }
      return db.task.findUnique({ ...query, where: { ...key, ...visible } })
    },
  }),
)

builder.queryField('tasks', (t) =>
  t.field({
    type: TaskConnection,
    description: 'The account’s tasks.',
    args: {
      where: t.arg({ type: TaskFilter, description: 'Only those that match; default: all.' }),
      orderBy: t.arg({ type: TaskOrder, defaultValue: 'NEWEST_FIRST', required: true, description: 'Sort order.' }),
      first: t.arg.int({ description: 'Page size, 1 to 200; default 50.' }),
      after: t.arg.string({ description: 'Continue after this cursor.' }),
    },
    resolve: async (_root, { where, orderBy, first, after }, context, info) => {
      const visible = visibleTasks(context.caller)
      const size = pageSize(first)
      const order = orderBy === 'OLDEST_FIRST' ? 'asc' : 'desc'
      const read = await context.db.task.findMany({
        ...nodeQuery(context, info, 'Task'),
        where: { ...conditions(where), ...visible, ...(after && { id: behind(order, after) }) },
        orderBy: { id: order },
        take: size + 1,
      })
      return pageOf(read, size, after, (task) => encodeCursor(`tasks-${order}`, [task.id]))
    },
  }),
)

function behind(order: 'asc' | 'desc', cursor: string) {
  const [id = ''] = decodeCursor(`tasks-${order}`, cursor, 1)
  if (!isId(id)) throw new InvalidCursor()
  return order === 'asc' ? { gt: id } : { lt: id }
}

function conditions(where: typeof TaskFilter.$inferInput | null | undefined) {
  const { status, type, priority, labels, createdFrom, createdTo } = where ?? {}
  return {
    ...(status && { status: { in: status } }),
    ...(type && { type: { in: type } }),
    ...(priority && { priority: { in: priority } }),
    createdAt: { ...(createdFrom && { gte: createdFrom }), ...(createdTo && { lte: createdTo }) },
    AND: Object.entries(labelsOf(labels)).map(([name, value]) => ({ labels: { path: [name], equals: value } })),
  }
}

builder.queryField('taskTypes', (t) =>
  t.field({
    type: [TaskTypeRef],
    description: 'The task types, sorted by name: those of the server, and those that the account has registered.',
    resolve: (_root, _args, { caller, tasks }) => tasks.listTypes(caller),
  }),
)

const QueueRef = builder.objectRef<QueueReport>('Queue').implement({
  description: 'The tasks of one priority.',
  fields: (t) => ({
    priority: t.expose('priority', { type: PriorityEnum, description: 'The priority.' }),
    waiting: t.exposeInt('waiting', { description: 'Tasks that are due and wait for a slot.' }),
    scheduled: t.exposeInt('scheduled', {
      description: 'Tasks that are not due yet, or wait for tasks that they depend on.',
    }),
    active: t.exposeInt('active', { description: 'Running.' }),
    oldestWaitMs: t.exposeFloat('oldestWaitMs', {
      nullable: true,
      description: 'How long the oldest waiting task has been due; null when none is waiting.',
    }),
    wait: t.field({
      type: PercentilesRef,
      nullable: true,
      description: 'Time from due to started, of recently completed tasks; null without any.',
      resolve: async ({ priority }, _args, { caller, tasks }) =>
        (await tasks.queueTimes(caller)).get(priority)?.wait ?? null,
    }),
    run: t.field({
      type: PercentilesRef,
      nullable: true,
      description: 'Time from started to completed, of recently completed tasks; null without any.',
      resolve: async ({ priority }, _args, { caller, tasks }) =>
        (await tasks.queueTimes(caller)).get(priority)?.run ?? null,
    }),
  }),
})

builder.queryField('queues', (t) =>
  t.field({
    type: [QueueRef],
    description: 'Waiting and running tasks, one entry for each priority.',
    resolve: (_root, _args, { caller, tasks }) => tasks.queues(caller),
  }),
)
