import { z } from 'zod'
import { taskParams, wholeNumber } from '#transport/rest/fields.ts'
import {
  CreateRecurringTaskDocument,
  RecurringTaskRunsDocument,
  StopRecurringTaskDocument,
  TaskExistsDocument,
} from '#transport/rest/generated/graphql.ts'
import { orElse } from '#transport/rest/recurring-run.ts'
import { found, Refused } from '#transport/rest/refused.ts'
import { defineRoute, type GraphqlRow, json, type Route } from '#transport/rest/route.ts'
import { documentedStatuses, statusOf } from '#transport/rest/task-report.ts'
import { recurrenceNames } from './task-recurrence.ts'
import { submissionNames, taskSubmission, toCreateScheduleInput } from './task-submission.ts'

const tag = 'Tasks'

const run = z
  .object({
    operationId: z.string(),
    scheduledFor: z.iso.datetime().describe('The time that the run stands for.'),
    startedAt: z.iso.datetime().nullable(),
    finishedAt: z.iso.datetime().nullable(),
    status: z.enum(documentedStatuses),
    result: z.unknown().optional(),
  })
  .meta({ id: 'TaskRun', description: 'One run of a recurring task.' })

const message = z.object({ message: z.string() })
const exampleId = '019e7c3a-5b1e-7c3a-8a51-3f5d0c9a4b11'

type SubmissionHeaders = z.ZodObject<{ 'idempotency-key': z.ZodOptional<z.ZodString> }>

/** The row of a submission whose `scheduleType` is `recurring`, with what its documentation has in common with others. */
export function recurringSubmission<Headers extends SubmissionHeaders>(
  docs: Pick<GraphqlRow<unknown, unknown, never, never, Headers, typeof taskSubmission>, 'path' | 'summary'> & {
    readonly headers: Headers
  },
): Route {
  return defineRoute({
    ...docs,
    method: 'post',
    name: 'submitRecurringTask',
    tag,
    body: taskSubmission,
    answers: { 201: { description: 'The recurring task is committed.' } },
    document: CreateRecurringTaskDocument,
    names: { ...submissionNames, ...recurrenceNames },
    variables: ({ body, headers }) => ({
      input: toCreateScheduleInput(body, (headers as { 'idempotency-key'?: string })['idempotency-key']),
    }),
    answer({ createTaskSchedule: { schedule } }, { prefix }) {
      const location = `${prefix}/tasks/${schedule.id}/status`
      return json(201, { operationId: schedule.id, type: schedule.type }, { location })
    },
  })
}

const stopRecurring = defineRoute({
  method: 'post',
  path: '/tasks/{operationId}/stop-recurring',
  name: 'stopRecurringTask',
  tag,
  summary: 'Stops a recurring task.',
  description:
    'There are no further runs; one that is running goes on. Harmless to repeat. 409 for a task that runs once.',
  params: taskParams,
  answers: {
    200: {
      description: 'There will be no further runs.',
      schema: message,
      example: { message: 'The recurring task has no further runs.' },
    },
  },
  refusals: [404, 409],
  document: StopRecurringTaskDocument,
  variables: ({ params }) => ({ id: params.operationId }),
  answer: () => json(200, { message: 'The recurring task has no further runs.' }),
})

export const recurringTaskRoutes: readonly Route[] = [
  orElse(stopRecurring, async ({ operations, params: { operationId = '' } }) => {
    const { task } = await operations.run(TaskExistsDocument, { id: operationId })
    found(task, `task ${operationId}`)
    throw new Refused('TASK_DOES_NOT_RECUR', `Task ${operationId} does not recur, so there is nothing to stop.`)
  }),
  defineRoute({
    method: 'get',
    path: '/tasks/{operationId}/recurring-instances',
    name: 'listTaskRuns',
    tag,
    summary: 'Lists the runs of a recurring task, newest first.',
    description: 'Empty for other tasks.',
    params: taskParams,
    query: z.object({ limit: wholeNumber(1, 200).default(50).describe('How many, 1 to 200.') }),
    answers: {
      200: {
        description: 'The runs.',
        schema: z.array(run),
        example: [
          {
            operationId: exampleId,
            scheduledFor: '2030-01-01T04:00:00.000Z',
            startedAt: '2030-01-01T04:00:00.021Z',
            finishedAt: '2030-01-01T04:00:01.412Z',
            status: 'completed',
            result: { steps: 4 },
          },
        ],
      },
    },
    refusals: [404],
    document: RecurringTaskRunsDocument,
    variables: ({ params, query }) => ({ id: params.operationId, first: query.limit }),
    answer({ task, taskSchedule }, { params: { operationId } }) {
      if (taskSchedule === null) found(task, `task ${operationId}`)
      const runs = taskSchedule?.runs.nodes ?? []
      return json(
        200,
        runs.map(({ id, status, result, ...times }) => ({
          operationId: id,
          ...times,
          status: statusOf[status],
          ...(status === 'COMPLETED' && { result }),
        })),
      )
    },
  }),
]
