import { z } from 'zod'
import { nextLink, oneWayToPage, pageQuery } from '#transport/rest/fields.ts'
import {
  type TaskFilter,
  type TaskListItemFragment,
  TaskPagesDocument,
  TasksDocument,
} from '#transport/rest/generated/graphql.ts'
import type { Operations } from '#transport/rest/operations.ts'
import { defineRoute, json, type Route } from '#transport/rest/route.ts'
import {
  documentedStatuses,
  nameOfPriority,
  priorityNames,
  priorityOf,
  statusesOf,
  statusOf,
} from '#transport/rest/task-report.ts'

const listed = z
  .object({
    operationId: z.string(),
    type: z.string(),
    priority: z.enum(['critical', 'normal', 'batch']),
    status: z.enum(documentedStatuses),
    progress: z.int(),
    currentStep: z.string().nullable(),
    createdAt: z.iso.datetime(),
    scheduledFor: z.iso.datetime().describe('When it is, or was, due.'),
    startedAt: z.iso.datetime().nullable(),
    finishedAt: z.iso.datetime().nullable(),
  })
  .meta({ id: 'ListedTask', description: 'A task in a list.' })

const listQuery = z.object({
  status: z.array(z.enum(documentedStatuses)).optional().describe('One of these.'),
  priority: z.array(z.enum(priorityNames)).optional().describe('One of these.'),
  type: z.array(z.string().min(1).max(64)).optional().describe('One of these task types.'),
  ...pageQuery,
})
type ListQuery = z.output<typeof listQuery>

export const taskListRoutes: readonly Route[] = [
  defineRoute({
    method: 'get',
    path: '/tasks',
    name: 'listTasks',
    tag: 'Tasks',
    summary: 'Lists tasks, newest first.',
    query: listQuery,
    answers: {
      200: {
        description: 'A page of tasks.',
        schema: z.array(listed),
        headers: { Link: 'The next page (`rel="next"`); absent on the last one.' },
      },
    },
    document: TasksDocument,
    variables: async ({ query, operations }) => ({
      where: toFilter(query),
      first: query.limit,
      after: await placeOf(query, operations),
    }),
    answer: ({ tasks: { nodes, pageInfo } }, { path, query }) =>
      json(
        200,
        nodes.map(toListed),
        nextLink({ path, query }, 'cursor', pageInfo.hasNextPage ? pageInfo.endCursor : null),
      ),
  }),
]

function toFilter({ status, priority, type }: ListQuery): TaskFilter {
  return {
    ...(status && { status: status.flatMap(statusesOf) }),
    ...(priority && { priority: priority.map((name) => priorityOf[name]) }),
    ...(type && { type }),
  }
}

const widestPage = 200

/** The cursor behind as many tasks as `offset` leaves out; GraphQL's lists know cursors only. */
async function placeOf(query: ListQuery, operations: Operations): Promise<string | null> {
  oneWayToPage(query)
  let after = query.cursor ?? null
  for (let left = query.offset; left > 0; left -= widestPage) {
    const first = Math.min(left, widestPage)
    const { tasks } = await operations.run(TaskPagesDocument, { where: toFilter(query), first, after })
    after = tasks.pageInfo.endCursor ?? after
    if (!tasks.pageInfo.hasNextPage) break
  }
  return after
}

function toListed(task: TaskListItemFragment) {
  const { id: operationId, type, priority, status, runAt: scheduledFor, ...rest } = task
  const { progress, currentStep, createdAt, startedAt, finishedAt } = rest
  return {
    operationId,
    type,
    priority: nameOfPriority[priority],
    status: statusOf[status],
    progress,
    currentStep,
    createdAt,
    scheduledFor,
    startedAt,
    finishedAt,
  }
}
