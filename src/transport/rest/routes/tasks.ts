import { z } from 'zod'
import { longestWaitS, nextLink, oneWayToPage, pageQuery, taskParams, wholeNumber } from '#transport/rest/fields.ts'
import {
  CancelTaskDocument,
  SubmitTaskDocument,
  TaskExistsDocument,
  type TaskFilter,
  type TaskListItemFragment,
  TaskPagesDocument,
  TaskReportDocument,
  TasksDocument,
} from '#transport/rest/generated/graphql.ts'
import type { Operations } from '#transport/rest/operations.ts'
import { preferredWait } from '#transport/rest/prefer.ts'
import { found, Refused } from '#transport/rest/refused.ts'
import { defineRoute, json, type Route } from '#transport/rest/route.ts'
import {
  documentedStatuses,
  nameOfPriority,
  priorityNames,
  priorityOf,
  statusesOf,
  statusOf,
  taskResult,
  taskState,
  toResult,
  toState,
} from '#transport/rest/task-report.ts'
import { hasEnded, waitForEnd } from '#transport/rest/wait.ts'
import { taskSubmission, toSubmitTaskInput } from './task-submission.ts'

const tag = 'Tasks'
const mebibyte = 1024 * 1024
const exampleId = '019e7c3a-5b1e-7c3a-8a51-3f5d0c9a4b11'

const submitted = z
  .object({ operationId: z.string().describe('The task’s id.'), type: z.string() })
  .meta({ id: 'SubmittedTask', description: 'A task that was handed in.' })

const finished = submitted.extend(taskResult.shape).meta({ id: 'FinishedTask', description: 'A task that has ended.' })

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

const run = z
  .object({
    operationId: z.string(),
    scheduledFor: z.iso.datetime(),
    startedAt: z.iso.datetime().nullable(),
    finishedAt: z.iso.datetime().nullable(),
    status: z.enum(documentedStatuses),
    result: z.unknown().optional(),
  })
  .meta({ id: 'TaskRun', description: 'One run of a task that recurs.' })

const message = z.object({ message: z.string() })

const submitHeaders = z.object({
  'idempotency-key': z
    .string()
    .min(1)
    .max(255)
    .optional()
    .describe('The same key again, with the same content, answers with the same task instead of making another.'),
  prefer: z
    .string()
    .optional()
    .describe(`\`wait=N\`: waits up to N seconds, at most ${longestWaitS}, and answers with the result if the task ends in time.`),
})

const listQuery = z.object({
  status: z.array(z.enum(documentedStatuses)).optional().describe('One of these.'),
  priority: z.array(z.enum(priorityNames)).optional().describe('One of these.'),
  type: z.array(z.string().min(1).max(64)).optional().describe('One of these task types.'),
  ...pageQuery,
})
type ListQuery = z.output<typeof listQuery>

export const taskRoutes: readonly Route[] = [
  defineRoute({
    method: 'post',
    path: '/tasks',
    name: 'submitTask',
    tag,
    summary: 'Hands in a task.',
    description: 'Answers once the task is committed. With `Prefer: wait=N`, waits for its end.',
    headers: submitHeaders,
    body: taskSubmission,
    // The largest input, and room for how it may be written.
    bodyLimit: 2 * mebibyte,
    bodyExamples: {
      'at once': { type: 'probe', data: { durationMs: 1000, steps: 4 }, priority: 'critical' },
      later: { type: 'probe', data: {}, scheduleType: 'scheduled', scheduledFor: '2030-01-01T04:00:00Z' },
    },
    answers: {
      201: {
        description: 'The task is committed.',
        schema: submitted,
        example: { operationId: exampleId, type: 'probe' },
        headers: { Location: 'Where its state is.', 'Idempotent-Replayed': '`true` when it had been made before.' },
      },
      200: {
        description: 'The task has ended in the time that `Prefer` gave it.',
        schema: finished,
        example: {
          operationId: exampleId,
          type: 'probe',
          status: 'completed',
          progress: 100,
          result: { steps: 4, durationMs: 1000 },
        },
        headers: { 'Preference-Applied': 'The wait that was kept to.' },
      },
    },
    refusals: [409],
    document: SubmitTaskDocument,
    names: { input: 'data' },
    variables: ({ body, headers }) => ({ input: toSubmitTaskInput(body, headers['idempotency-key']) }),
    async answer({ submitTask: { task, deduplicated } }, { headers, prefix, operations, signal }) {
      const seconds = preferredWait(headers.prefer)
      const answer = { operationId: task.id, type: task.type }
      const about = {
        location: `${prefix}/tasks/${task.id}/status`,
        ...(deduplicated && { 'idempotent-replayed': 'true' }),
        ...(seconds !== undefined && { 'preference-applied': `wait=${seconds}` }),
      }
      if (seconds === undefined || !(await waitForEnd({ operations, signal }, task.id, seconds)))
        return json(201, answer, about)
      return json(200, { ...answer, ...toResult(await report(operations, task.id)) }, about)
    },
  }),
  defineRoute({
    method: 'get',
    path: '/tasks',
    name: 'listTasks',
    tag,
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
  defineRoute({
    method: 'get',
    path: '/tasks/{operationId}/status',
    name: 'getTaskStatus',
    tag,
    summary: 'Says where a task stands.',
    params: taskParams,
    query: z.object({
      wait: wholeNumber(0, longestWaitS)
        .default(0)
        .describe('Waits up to so many seconds for the task’s end before it answers.'),
    }),
    answers: {
      200: {
        description: 'Where the task stands.',
        schema: taskState,
        example: { status: 'active', progress: 40, currentStep: 'step 2 of 5' },
      },
    },
    refusals: [404],
    document: TaskReportDocument,
    variables: ({ params }) => ({ id: params.operationId }),
    async answer(data, { params: { operationId }, query: { wait }, operations, signal }) {
      const task = found(data.task, `task ${operationId}`)
      if (wait === 0 || hasEnded(task.status)) return json(200, toState(task))
      await waitForEnd({ operations, signal }, operationId, wait)
      return json(200, toState(await report(operations, operationId)))
    },
  }),
  defineRoute({
    method: 'get',
    path: '/tasks/{operationId}/result',
    name: 'getTaskResult',
    tag,
    summary: 'Answers with a task’s result.',
    description: 'A task that has not ended yet is answered without `result`; one whose result is kept no longer is 410.',
    params: taskParams,
    answers: {
      200: {
        description: 'What the task came to so far.',
        schema: taskResult,
        example: { status: 'completed', progress: 100, result: { steps: 4 } },
      },
    },
    refusals: [404, 410],
    document: TaskReportDocument,
    variables: ({ params }) => ({ id: params.operationId }),
    answer(data, { params: { operationId } }) {
      const task = found(data.task, `task ${operationId}`)
      if (task.resultExpired) throw new Refused('RESULT_EXPIRED', `The result of task ${operationId} is kept no longer.`)
      return json(200, toResult(task))
    },
  }),
  defineRoute({
    method: 'delete',
    path: '/tasks/{operationId}',
    name: 'cancelTask',
    tag,
    summary: 'Asks a task to stop.',
    description: 'One that waits ends at once; one that runs is told so, and killed after its grace period.',
    params: taskParams,
    answers: {
      200: {
        description: 'The task was asked to stop; `status` is how it stands now.',
        schema: z
          .object({ message: z.string(), status: z.enum(documentedStatuses) })
          .meta({ id: 'CancelledTask', description: 'A task that was asked to stop.' }),
        example: { message: 'The task was cancelled.', status: 'cancelled' },
      },
    },
    refusals: [404, 409],
    document: CancelTaskDocument,
    variables: ({ params }) => ({ id: params.operationId }),
    answer({ cancelTask: { task } }) {
      const status = statusOf[task.status]
      const said = status === 'cancelled' ? 'The task was cancelled.' : 'The task was asked to stop.'
      return json(200, { message: said, status })
    },
  }),
  defineRoute({
    method: 'post',
    path: '/tasks/{operationId}/stop-recurring',
    name: 'stopRecurringTask',
    tag,
    summary: 'Ends a task’s recurrence.',
    description: 'No task recurs in this version, so each one that exists is answered with 409.',
    params: taskParams,
    answers: { 200: { description: 'There will be no further runs.', schema: message } },
    refusals: [404, 409],
    document: TaskExistsDocument,
    variables: ({ params }) => ({ id: params.operationId }),
    answer({ task }, { params: { operationId } }) {
      found(task, `task ${operationId}`)
      throw new Refused('TASK_DOES_NOT_RECUR', `Task ${operationId} does not recur, so there is nothing to stop.`)
    },
  }),
  defineRoute({
    method: 'get',
    path: '/tasks/{operationId}/recurring-instances',
    name: 'listTaskRuns',
    tag,
    summary: 'Lists the runs of a task that recurs.',
    description: 'Empty for a task that does not recur.',
    params: taskParams,
    answers: { 200: { description: 'The runs.', schema: z.array(run), example: [] } },
    refusals: [404],
    document: TaskExistsDocument,
    variables: ({ params }) => ({ id: params.operationId }),
    answer({ task }, { params: { operationId } }) {
      found(task, `task ${operationId}`)
      return json(200, [])
    },
  }),
]

async function report(operations: Operations, id: string) {
  return found((await operations.run(TaskReportDocument, { id })).task, `task ${id}`)
}

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
