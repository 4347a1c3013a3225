import { z } from 'zod'
import { taskParams } from '#transport/rest/fields.ts'
import { ApproveTaskDocument, RejectTaskDocument, SignalTaskDocument } from '#transport/rest/generated/graphql.ts'
import { defineRoute, json, type Route } from '#transport/rest/route.ts'
import { documentedStatuses, statusOf } from '#transport/rest/task-report.ts'

const tag = 'Tasks'
const example = { operationId: '019e7c3a-5b1e-7c3a-8a51-3f5d0c9a4b11', type: 'deploy', status: 'pending' } as const

const decision = z
  .strictObject({
    approval: z.string().optional().describe('The name of the approval; the one that the task waits for when absent.'),
    comment: z.string().optional().describe('Why, in at most 2,000 characters.'),
  })
  .meta({ id: 'TaskDecision', description: 'A decision about what a task waits to be approved.' })

const decided = z
  .object({ operationId: z.string(), type: z.string(), status: z.enum(documentedStatuses) })
  .meta({ id: 'DecidedTask', description: 'A task that somebody has decided about.' })

const signal = z
  .strictObject({
    name: z.string().describe('The name of the event, at most 200 characters.'),
    value: z.unknown().optional().describe('What the task receives; at most 64 KiB.'),
  })
  .meta({ id: 'TaskSignal', description: 'An event for a task.' })

const signalled = decided
  .extend({
    delivered: z.boolean().describe('False: the task does not wait for it yet, and it is kept until it does.'),
  })
  .meta({ id: 'SignalledTask', description: 'A task that an event was sent to.' })

/** What lets tasks continue that wait for somebody. */
export const taskDecisionRoutes: readonly Route[] = [
  defineRoute({
    method: 'post',
    path: '/tasks/{operationId}/approve',
    name: 'approveTask',
    tag,
    summary: 'Approves what a task waits for.',
    description: 'The task continues. 409 when it does not wait for this approval, or no longer.',
    params: taskParams,
    body: decision,
    bodyExamples: { 'with a comment': { comment: 'tested on staging' } },
    answers: { 200: { description: 'The task continues.', schema: decided, example } },
    refusals: [404, 409],
    document: ApproveTaskDocument,
    variables: ({ params, body }) => ({ input: { id: params.operationId, ...body } }),
    answer: ({ approveTask: { task } }) =>
      json(200, { operationId: task.id, type: task.type, status: statusOf[task.status] }),
  }),
  defineRoute({
    method: 'post',
    path: '/tasks/{operationId}/reject',
    name: 'rejectTask',
    tag,
    summary: 'Refuses what a task waits for.',
    description:
      'The task fails, unless its type handles that. 409 when it does not wait for this approval, or no longer.',
    params: taskParams,
    body: decision,
    bodyExamples: { 'with a comment': { comment: 'freeze until Monday' } },
    answers: { 200: { description: 'The approval is refused.', schema: decided, example } },
    refusals: [404, 409],
    document: RejectTaskDocument,
    variables: ({ params, body }) => ({ input: { id: params.operationId, ...body } }),
    answer: ({ rejectTask: { task } }) =>
      json(200, { operationId: task.id, type: task.type, status: statusOf[task.status] }),
  }),
  defineRoute({
    method: 'post',
    path: '/tasks/{operationId}/signal',
    name: 'signalTask',
    tag,
    summary: 'Sends an event to a task.',
    description: 'A task that waits for it continues; else it is kept until the task waits for it.',
    params: taskParams,
    body: signal,
    bodyExamples: { 'with a value': { name: 'tested', value: { passed: 212 } } },
    answers: {
      200: { description: 'The event was received.', schema: signalled, example: { ...example, delivered: true } },
    },
    refusals: [404, 409],
    document: SignalTaskDocument,
    variables: ({ params, body }) => ({ input: { id: params.operationId, ...body } }),
    answer: ({ signalTask: { task, isDelivered } }) =>
      json(200, { operationId: task.id, type: task.type, status: statusOf[task.status], delivered: isDelivered }),
  }),
]
