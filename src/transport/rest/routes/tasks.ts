import { z } from 'zod'
import { maxWaitS, taskParams, wholeNumber } from '#transport/rest/fields.ts'
import {
  CancelTaskDocument,
  RetryTaskDocument,
  SubmitTaskDocument,
  TaskReportDocument,
  type TaskStatus,
} from '#transport/rest/generated/graphql.ts'
import type { Operations } from '#transport/rest/operations.ts'
import { preferredWait } from '#transport/rest/prefer.ts'
import { latestRunOf, orElse } from '#transport/rest/recurring-run.ts'
import { found, Refused } from '#transport/rest/refused.ts'
import type { RestRequest } from '#transport/rest/request.ts'
import { type Answer, defineRoute, json, type Route } from '#transport/rest/route.ts'
import { documentedStatuses, statusOf, taskResult, taskState, toResult, toState } from '#transport/rest/task-report.ts'
import { hasEnded, throwAsLost, waitForEnd } from '#transport/rest/wait.ts'
import { recurringSubmission } from './recurring-tasks.ts'
import { isRecurring, submissionNames, taskSubmission, toSubmitTaskInput } from './task-submission.ts'

const tag = 'Tasks'
const mebibyte = 1024 * 1024
const exampleId = '019e7c3a-5b1e-7c3a-8a51-3f5d0c9a4b11'

const submitted = z
  .object({ operationId: z.string().describe('The task’s id.'), type: z.string() })
  .meta({ id: 'SubmittedTask', description: 'A submitted task.' })

const finished = submitted.extend(taskResult.shape).meta({ id: 'FinishedTask', description: 'A task that has ended.' })

const submitHeaders = z.object({
  'idempotency-key': z
    .string()
    .min(1)
    .max(255)
    .optional()
    .describe(
      'Repeating a request with the same key and the same content returns the same task instead of creating another.',
    ),
  prefer: z
    .string()
    .optional()
    .describe(
      `\`wait=N\`: waits up to N seconds, at most ${maxWaitS}, and answers with the result if the task ends in time.`,
    ),
})

const submitRoute = defineRoute({
  method: 'post',
  path: '/tasks',
  name: 'submitTask',
  tag,
  summary: 'Submits a task.',
  description:
    'Responds once the task is committed; with `Prefer: wait=N`, once it has ended. A recurring task has an id of its own, which stands for its latest run wherever a task’s id is expected.',
  headers: submitHeaders,
  body: taskSubmission,
  // The largest input, and room for how it may be written.
  bodyLimit: 2 * mebibyte,
  bodyExamples: {
    'at once': { type: 'probe', data: { durationMs: 1000, steps: 4 }, priority: 'critical' },
    'found by labels': { type: 'probe', data: {}, labels: { branch: 'main' }, timeout: 60_000 },
    later: { type: 'probe', data: {}, scheduleType: 'scheduled', scheduledFor: '2030-01-01T04:00:00Z' },
    'every night': {
      type: 'probe',
      data: {},
      scheduleType: 'recurring',
      recurrenceConfig: { cron: '30 2 * * *', timezone: 'Europe/Berlin', overlap: 'skip' },
    },
  },
  answers: {
    201: {
      description: 'The task is committed.',
      schema: submitted,
      example: { operationId: exampleId, type: 'probe' },
      headers: { Location: 'Where its state is.', 'Idempotent-Replayed': '`true` when it had been made before.' },
    },
    200: {
      description: 'The task ended within the time given by `Prefer`.',
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
  names: submissionNames,
  variables: ({ body, headers }) => ({ input: toSubmitTaskInput(body, headers['idempotency-key']) }),
  async answer({ submitTask: { task, deduplicated } }, { headers, prefix, operations, signal }) {
    const seconds = preferredWait(headers.prefer)
    const answer = { operationId: task.id, type: task.type }
    const about = {
      location: `${prefix}/tasks/${task.id}/status`,
      ...(deduplicated && { 'idempotent-replayed': 'true' }),
      ...(seconds !== undefined && { 'preference-applied': `wait=${seconds}` }),
    }
    if (seconds === undefined) return json(201, answer, about)
    const isOver = await waitForEnd({ operations, signal }, task.id, seconds).catch(throwAsLost)
    if (!isOver) return json(201, answer, about)
    return json(200, { ...answer, ...toResult(await report(operations, task.id)) }, about)
  },
})
const recurringRoute = recurringSubmission({
  path: '/tasks',
  summary: 'Submits a recurring task.',
  headers: submitHeaders,
})

const cancelRoute = defineRoute({
  method: 'delete',
  path: '/tasks/{operationId}',
  name: 'cancelTask',
  tag,
  summary: 'Asks a task to stop.',
  description:
    'A waiting task ends at once. A running one is asked to stop, and is killed after its grace period. Of a recurring task, the current run is cancelled.',
  params: taskParams,
  answers: {
    200: {
      description: 'The task was asked to stop; `status` is its current status.',
      schema: z
        .object({ message: z.string(), status: z.enum(documentedStatuses) })
        .meta({ id: 'CancelledTask', description: 'A task that was asked to stop.' }),
      example: { message: 'The task was cancelled.', status: 'cancelled' },
    },
  },
  refusals: [404, 409],
  document: CancelTaskDocument,
  variables: ({ params }) => ({ id: params.operationId }),
  answer: ({ cancelTask: { task } }) => cancelled(task.status),
})

export const taskRoutes: readonly Route[] = [
  {
    ...submitRoute,
    handle: (request) => (isRecurring(request.body) ? recurringRoute : submitRoute).handle(request),
  },
  defineRoute({
    method: 'get',
    path: '/tasks/{operationId}/status',
    name: 'getTaskStatus',
    tag,
    summary: 'Returns the status of a task.',
    params: taskParams,
    query: z.object({
      wait: wholeNumber(0, maxWaitS)
        .default(0)
        .describe('How many seconds to wait for the task to end before responding.'),
    }),
    answers: {
      200: {
        description: 'The status of the task.',
        schema: taskState,
        example: { status: 'active', progress: 40, currentStep: 'step 2 of 5' },
      },
    },
    refusals: [404],
    document: TaskReportDocument,
    variables: ({ params }) => ({ id: params.operationId }),
    async answer(data, { params: { operationId }, query: { wait }, operations, signal }) {
      const task = found(data.task ?? (await latestRunOf(operations, operationId)), `task ${operationId}`)
      // The id of a recurring task that had no run yet is not that of a task.
      const isWaitable = data.task !== null || task.id !== operationId
      if (wait === 0 || !isWaitable || hasEnded(task.status)) return json(200, toState(task))
      await waitForEnd({ operations, signal }, task.id, wait)
      return json(200, toState(await report(operations, task.id)))
    },
  }),
  defineRoute({
    method: 'get',
    path: '/tasks/{operationId}/result',
    name: 'getTaskResult',
    tag,
    summary: 'Returns the result of a task.',
    description: 'Until the task has completed, the response has no `result`. 410 when the result has expired.',
    params: taskParams,
    answers: {
      200: {
        description: 'The result of the task, or its status so far.',
        schema: taskResult,
        example: { status: 'completed', progress: 100, result: { steps: 4 } },
      },
    },
    refusals: [404, 410],
    document: TaskReportDocument,
    variables: ({ params }) => ({ id: params.operationId }),
    async answer(data, { params: { operationId }, operations }) {
      const task = found(data.task ?? (await latestRunOf(operations, operationId)), `task ${operationId}`)
      if (task.resultExpired) throw new Refused('RESULT_EXPIRED', `The result of task ${operationId} has expired.`)
      return json(200, toResult(task))
    },
  }),
  orElse(cancelRoute, cancelCurrentRun),
  defineRoute({
    method: 'post',
    path: '/tasks/{operationId}/retry',
    name: 'retryTask',
    tag,
    summary: 'Runs a failed or cancelled task again; 409 for any other.',
    params: taskParams,
    answers: {
      200: {
        description: 'The task waits for its next attempt.',
        schema: submitted
          .extend({ status: z.enum(documentedStatuses) })
          .meta({ id: 'RetriedTask', description: 'A task that runs again.' }),
        example: { operationId: exampleId, type: 'probe', status: 'pending' },
      },
    },
    refusals: [404, 409],
    document: RetryTaskDocument,
    variables: ({ params }) => ({ id: params.operationId }),
    answer: ({ retryTask: { task } }) =>
      json(200, { operationId: task.id, type: task.type, status: statusOf[task.status] }),
  }),
]

function cancelled(status: TaskStatus): Answer {
  const message = statusOf[status] === 'cancelled' ? 'The task was cancelled.' : 'The task was asked to stop.'
  return json(200, { message, status: statusOf[status] })
}

/** Cancels the current run of a recurring task; undefined when the id is not that of one. @throws {Refused} 409 without a current run */
async function cancelCurrentRun({
  operations,
  params: { operationId = '' },
}: RestRequest): Promise<Answer | undefined> {
  const run = await latestRunOf(operations, operationId)
  if (run === undefined) return undefined
  if (run.id === operationId || hasEnded(run.status))
    throw new Refused('TASK_ALREADY_ENDED', `The recurring task ${operationId} has no current run.`)
  const { cancelTask } = await operations.run(CancelTaskDocument, { id: run.id })
  return cancelled(cancelTask.task.status)
}

async function report(operations: Operations, id: string) {
  return found((await operations.run(TaskReportDocument, { id })).task, `task ${id}`)
}
