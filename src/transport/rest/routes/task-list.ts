import { z } from 'zod'
import { moment } from '#transport/rest/fields.ts'
import {
  type TaskFilter,
  type TaskListItemFragment,
  TaskPagesDocument,
  TasksDocument,
} from '#transport/rest/generated/graphql.ts'
import { answerPage, linkHeader, listQuery, placeOf } from '#transport/rest/paging.ts'
import { defineRoute, type Route } from '#transport/rest/route.ts'
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
    scheduledFor: z.iso.datetime().describe('When the task is or was due.'),
    startedAt: z.iso.datetime().nullable(),
    finishedAt: z.iso.datetime().nullable(),
    labels: z.record(z.string(), z.string()),
  })
  .meta({ id: 'ListedTask', description: 'A task in a list.' })

const taskQuery = z.object({
  status: z.array(z.enum(documentedStatuses)).optional().describe('Only tasks with one of these.'),
  priority: z.array(z.enum(priorityNames)).optional().describe('Only tasks with one of these.'),
  type: z.array(z.string().min(1).max(64)).optional().describe('Only tasks of these types.'),
  label: z
    .array(z.string().regex(/^[^=]+=/, 'must be of the form name=value'))
    .optional()
    .describe('Only tasks with all of these labels, each as `name=value`.'),
  createdFrom: moment('Created then or later.'),
  createdTo: moment('Created then or earlier.'),
  ...listQuery(),
})
type TaskQuery = z.output<typeof taskQuery>

export const taskListRoutes: readonly Route[] = [
  defineRoute({
    method: 'get',
    path: '/tasks',
    name: 'listTasks',
    tag: 'Tasks',
    summary: 'Lists tasks, newest first.',
    query: taskQuery,
    answers: {
      200: {
        description: 'A page of tasks.',
        schema: z.array(listed),
        headers: linkHeader,
      },
    },
    document: TasksDocument,
    async variables({ query, operations }) {
      const where = toFilter(query)
      const after = await placeOf(
        query,
        async (page) => (await operations.run(TaskPagesDocument, { where, ...page })).tasks.pageInfo,
      )
      return { where, first: query.limit, after }
    },
    answer: ({ tasks: { nodes, pageInfo } }, asked) => answerPage(nodes.map(toListed), pageInfo, asked),
  }),
]

function toFilter({ status, priority, type, label, createdFrom, createdTo }: TaskQuery): TaskFilter {
  return {
    ...(label && { labels: toLabels(label) }),
    ...(createdFrom !== undefined && { createdFrom }),
    ...(createdTo !== undefined && { createdTo }),
    ...(status && { status: status.flatMap(statusesOf) }),
    ...(priority && { priority: priority.map((name) => priorityOf[name]) }),
    ...(type && { type }),
  }
}

function toLabels(label: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    label.map((text) => {
      const end = text.indexOf('=')
      return [text.slice(0, end), text.slice(end + 1)]
    }),
  )
}

function toListed(task: TaskListItemFragment) {
  const { id: operationId, type, priority, status, runAt: scheduledFor, ...rest } = task
  const { progress, currentStep, createdAt, startedAt, finishedAt, labels } = rest
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
    labels,
  }
}
