import { z } from 'zod'
import { taskParams } from '#transport/rest/fields.ts'
import { TaskExistsDocument } from '#transport/rest/generated/graphql.ts'
import { found, Refused } from '#transport/rest/refused.ts'
import { defineRoute, json, type Route } from '#transport/rest/route.ts'
import { documentedStatuses } from '#transport/rest/task-report.ts'

const tag = 'Tasks'

const run = z
  .object({
    operationId: z.string(),
    scheduledFor: z.iso.datetime(),
    startedAt: z.iso.datetime().nullable(),
    finishedAt: z.iso.datetime().nullable(),
    status: z.enum(documentedStatuses),
    result: z.unknown().optional(),
  })
  .meta({ id: 'TaskRun', description: 'One run of a recurring task.' })

const message = z.object({ message: z.string() })

export const recurringTaskRoutes: readonly Route[] = [
  defineRoute({
    method: 'post',
    path: '/tasks/{operationId}/stop-recurring',
    name: 'stopRecurringTask',
    tag,
    summary: 'Stops a recurring task.',
    description: 'This version has no recurring tasks, so the response is 409 for every existing task.',
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
    summary: 'Lists the runs of a recurring task.',
    description: 'Empty for other tasks.',
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
