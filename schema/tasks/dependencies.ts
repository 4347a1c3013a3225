import type { DependencyFailure } from '#domain/tasks/dependencies.ts'
import { decodeCursor, encodeCursor, InvalidCursor } from '#lib/cursor.ts'
import { isId } from '#lib/ids.ts'
import type { Prisma } from '#platform/database/generated/client.ts'
import { builder } from '#schema/builder.ts'
import { described } from '#schema/described.ts'
import { nodeQuery, pageOf, pageSize } from '#schema/pagination.ts'
import { TaskConnection } from './connection.ts'
import { TaskRef, TaskStatusEnum } from './task.ts'
import { visibleTasks } from './visible.ts'

export const DependencyFailureEnum = builder.enumType('DependencyFailure', {
  description: 'What happens to a task when one that it depends on fails or is cancelled.',
  values: described<DependencyFailure>({
    FAIL: 'It fails with the code DEPENDENCY_FAILED.',
    SKIP: 'It is cancelled.',
    RUN: 'It starts all the same.',
  }),
})

builder.prismaObject('TaskDependency', {
  description: 'A task that has to end before another one starts.',
  select: { dependsOnId: true },
  fields: (t) => ({
    taskId: t.exposeID('dependsOnId', { description: 'Its id.' }),
    task: t.prismaField({
      type: TaskRef,
      nullable: true,
      description: 'The task; null once it is deleted after its retention, and for callers who may not see it.',
      resolve: (query, { dependsOnId: id }, _args, { caller, db }) =>
        db.task.findUnique({
          ...query,
          where: { accountId_id: { accountId: caller.accountId, id }, ...visibleTasks(caller) },
        }),
    }),
    onFailure: t.field({
      type: DependencyFailureEnum,
      description: 'What happens to the other one when it fails or is cancelled.',
      select: { onFailure: true },
      resolve: ({ onFailure }) => onFailure as DependencyFailure,
    }),
    status: t.expose('status', {
      type: TaskStatusEnum,
      nullable: true,
      description: 'How it ended; null until it has.',
    }),
  }),
})

builder.prismaObjectField(TaskRef, 'parent', (t) =>
  t.prismaField({
    type: TaskRef,
    nullable: true,
    description:
      'The task that it is part of; null without one, once that is deleted, and for callers who may not see it.',
    select: { parentId: true },
    resolve: (query, { parentId }, _args, { caller, db }) =>
      parentId === null
        ? null
        : db.task.findUnique({
            ...query,
            where: { accountId_id: { accountId: caller.accountId, id: parentId }, ...visibleTasks(caller) },
          }),
  }),
)

builder.prismaObjectField(TaskRef, 'parentId', (t) =>
  t.exposeID('parentId', { nullable: true, description: 'The id of the task that it is part of.' }),
)

/** A field with the tasks that stand in a relation to a task and that the caller may see, oldest first. */
function relatedTasks(
  list: 'children' | 'dependents',
  description: string,
  relation: (task: { readonly accountId: string; readonly id: string }) => Prisma.TaskWhereInput,
): void {
  builder.prismaObjectField(TaskRef, list, (t) =>
    t.field({
      type: TaskConnection,
      description,
      args: {
        first: t.arg.int({ description: 'Page size, 1 to 200; default 50.' }),
        after: t.arg.string({ description: 'Continue after this cursor.' }),
      },
      resolve: async ({ id: taskId }, { first, after }, context, info) => {
        const { accountId } = context.caller
        const size = pageSize(first)
        const read = await context.db.task.findMany({
          ...nodeQuery(context, info, 'Task'),
          where: {
            ...relation({ accountId, id: taskId }),
            ...visibleTasks(context.caller),
            ...(after && { id: { gt: idAfter(list, taskId, after) } }),
          },
          orderBy: { id: 'asc' },
          take: size + 1,
        })
        return pageOf(read, size, after, ({ id }) => encodeCursor(list, [taskId, id]))
      },
    }),
  )
}

relatedTasks('children', 'The tasks that are part of it, oldest first.', ({ id }) => ({ parentId: id }))

relatedTasks('dependents', 'The tasks that depend on it, oldest first.', ({ accountId, id }) => ({
  dependencies: { some: { accountId, dependsOnId: id } },
}))

builder.prismaObjectField(TaskRef, 'dependsOn', (t) =>
  t.relation('dependencies', {
    description: 'The tasks that have to end before it starts; at most 100.',
    query: { orderBy: { dependsOnId: 'asc' } },
  }),
)

/** @throws {InvalidCursor} unless it is one of this list. */
function idAfter(list: string, taskId: string, cursor: string): string {
  const [owner, id = ''] = decodeCursor(list, cursor, 2)
  if (owner !== taskId || !isId(id)) throw new InvalidCursor()
  return id
}
