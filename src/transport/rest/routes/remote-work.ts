import { z } from 'zod'
import {
  ClaimTasksDocument,
  CompleteTaskDocument,
  FailTaskDocument,
  HeartbeatTasksDocument,
  RegisterTaskTypesDocument,
  ReleaseTaskDocument,
  RemoveTaskTypesDocument,
  ReportTaskDocument,
} from '#transport/rest/generated/graphql.ts'
import { found } from '#transport/rest/refused.ts'
import { defineRoute, json, type Route } from '#transport/rest/route.ts'
import { nameOfPriority, priorityNames, priorityOf } from '#transport/rest/task-report.ts'
import { retryConfig, toRetry } from './task-submission.ts'

const tag = 'Workers'
const maxWaitMs = 60_000

const fence = z.int().min(1).describe('The fence of the lease.')
const progress = z.number().min(0).max(100).optional().describe('0 to 100.')
const step = z.string().optional().describe('The step that the task is in.')
const worker = z.string().describe('The worker’s name; it tells apart the workers of one token.')
const waitMs = (what: string) => z.int().min(0).max(maxWaitMs).default(0).describe(what)
const params = z.object({ taskId: z.string().describe('The task’s id.') })

const jsonSchema = z.union([z.record(z.string(), z.unknown()), z.boolean()])

const taskType = z.strictObject({
  name: z.string().describe('A lower-case letter, then letters, digits, `.`, `-` and `_`; at most 64 characters.'),
  description: z.string().optional(),
  inputSchema: jsonSchema.describe('The JSON Schema (2020-12) of its tasks’ `data`.'),
  resultSchema: jsonSchema.optional().describe('The JSON Schema of their results; default: any.'),
  priority: z.enum(priorityNames).optional().describe('The default priority of its tasks; default `normal`.'),
  timeout: z.int().optional().describe('How long an attempt may take, in milliseconds; default one hour.'),
  retryConfig: retryConfig.optional(),
  onWorkerLost: z
    .enum(['fail', 'retry'])
    .optional()
    .describe('What follows when an attempt’s worker is lost; default `fail`.'),
  concurrency: z.int().optional().describe('How many tasks with the same concurrency key run at once.'),
  rateLimit: z.strictObject({ limit: z.int(), perMs: z.int() }).optional().describe('How many may start in a time.'),
})

const typeRegistration = z
  .strictObject({ types: z.array(taskType).min(1).max(100) })
  .meta({ id: 'TaskTypeRegistration', description: 'Task types for workers.' })

const claimRequest = z
  .strictObject({
    worker,
    types: z.array(z.string()).min(1).max(100).describe('The registered types of which to take tasks.'),
    max: z.int().min(1).max(100).default(1).describe('How many tasks at most.'),
    waitMs: waitMs('How long to wait for a first task, in milliseconds.'),
    leaseMs: z.int().optional().describe('How long a lease lasts without a heartbeat, in milliseconds; default 30000.'),
    slots: z.int().optional().describe('How many leases the worker can have at once; default: `max`.'),
    version: z.string().optional().describe('The program’s version, for operators.'),
  })
  .meta({ id: 'TaskClaim', description: 'Which tasks a worker takes.' })

const lease = z
  .object({
    taskId: z.string(),
    type: z.string(),
    priority: z.enum(['critical', 'normal', 'batch']),
    data: z.unknown().describe('The task’s input.'),
    labels: z.record(z.string(), z.string()),
    timeout: z.int().describe('How long the attempt may take, in milliseconds.'),
    attempt: z.int().describe('The number of the attempt, from 1.'),
    fence: z.int().describe('Goes with everything that the worker says of the attempt.'),
    leaseUntil: z.iso.datetime().describe('When the lease ends unless a heartbeat renews it.'),
    checkpoint: z.unknown().describe('What an attempt before has saved; null when none has saved anything.'),
  })
  .meta({ id: 'TaskLease', description: 'A worker’s right to one attempt of a task, for a time.' })

const claimed = z.object({
  leases: z.array(lease),
  workerId: z.string(),
  slots: z.int().describe('How many leases the worker can have at once; an operator can change it.'),
  draining: z.boolean().describe('Whether the worker is to claim nothing more.'),
})

const leaseExample = {
  taskId: '019e7c3a-5b1e-7c3a-8a51-3f5d0c9a4b11',
  type: 'report.build',
  priority: 'normal' as const,
  data: { month: '2030-01' },
  labels: {},
  timeout: 3_600_000,
  attempt: 1,
  fence: 1,
  leaseUntil: '2030-01-01T04:00:30.000Z',
  checkpoint: null,
}

const heartbeat = z
  .strictObject({
    worker,
    leases: z.array(z.strictObject({ taskId: z.string(), fence, progress, step })).max(1_000),
    waitMs: waitMs('Answers after this time, or as soon as a task is to stop or is lost, in milliseconds.'),
  })
  .meta({ id: 'WorkerHeartbeat', description: 'A sign of life of a worker.' })

const leaseState = z.object({
  taskId: z.string(),
  leaseUntil: z.iso.datetime().nullable(),
  cancelRequested: z.boolean().describe('Somebody has asked the task to stop.'),
  lost: z.boolean().describe('The lease is lost: the worker drops the work.'),
})

const report = z
  .strictObject({
    fence,
    logs: z.array(z.string()).max(1_000).optional().describe('Log lines; an attempt has at most 10,000.'),
    progress,
    step,
    parts: z
      .array(
        z.strictObject({
          name: z.string(),
          contentType: z.string().optional(),
          text: z.string().optional(),
          json: z.unknown().optional(),
          bytes: z.base64().optional().describe('Base64.'),
          append: z.boolean().optional().describe('Adds to what this attempt has reported of the part.'),
          complete: z.boolean().optional().describe('Whether nothing of it follows; default true.'),
        }),
      )
      .max(10)
      .optional()
      .describe('Pieces of the result, each with exactly one of `text`, `json` and `bytes`.'),
  })
  .meta({ id: 'TaskReport', description: 'What an attempt has to say.' })

const failure = z
  .strictObject({
    fence,
    error: z.strictObject({
      code: z.string().describe('A stable code of capital letters, digits and `_`.'),
      message: z.string().optional(),
      retryable: z.boolean().optional().describe('Whether another attempt could help; default true.'),
      retryAfterMs: z.int().optional().describe('When another attempt may follow, in milliseconds.'),
    }),
  })
  .meta({ id: 'TaskFailure', description: 'Why an attempt failed.' })

const completion = z
  .strictObject({ fence, result: z.unknown().optional().describe('At most 256 KiB as JSON; default null.') })
  .meta({ id: 'TaskCompletion', description: 'The result of an attempt.' })

const release = z
  .strictObject({ fence, checkpoint: z.unknown().optional().describe('What the next attempt is to know.') })
  .meta({ id: 'TaskRelease', description: 'An attempt that is given up.' })

const ended = { 204: { description: 'The attempt has ended.' } }

const typeRoutes: readonly Route[] = [
  defineRoute({
    method: 'post',
    path: '/task-types',
    name: 'registerTaskTypes',
    tag,
    summary: 'Registers task types that workers run, in the place of earlier ones with the same names.',
    body: typeRegistration,
    bodyExamples: {
      report: { types: [{ name: 'report.build', inputSchema: { type: 'object', required: ['month'] } }] },
    },
    answers: {
      200: {
        description: 'The types are registered.',
        schema: z.array(z.object({ name: z.string(), changed: z.boolean() })),
        example: [{ name: 'report.build', changed: true }],
      },
    },
    document: RegisterTaskTypesDocument,
    names: { timeoutMs: 'timeout', retry: 'retryConfig' },
    variables: ({ body }) => ({
      input: {
        types: body.types.map(({ timeout, retryConfig: retry, priority, onWorkerLost, ...type }) => ({
          ...type,
          ...(priority && { priority: priorityOf[priority] }),
          ...(timeout !== undefined && { timeoutMs: timeout }),
          ...(retry && { retry: toRetry(retry) }),
          ...(onWorkerLost && { onWorkerLost: onWorkerLost === 'retry' ? ('RETRY' as const) : ('FAIL' as const) }),
        })),
      },
    }),
    answer: ({ registerTaskTypes: { types } }) => json(200, types),
  }),
  defineRoute({
    method: 'delete',
    path: '/task-types/{name}',
    name: 'removeTaskType',
    tag,
    summary: 'Removes a registered task type; its tasks that wait go on waiting.',
    params: z.object({ name: z.string() }),
    answers: { 204: { description: 'The type is removed.' } },
    refusals: [404],
    document: RemoveTaskTypesDocument,
    variables: ({ params: { name } }) => ({ input: { names: [name] } }),
    answer: ({ removeTaskTypes: { removed } }, { params: { name } }) => {
      found(removed[0], `registered task type "${name}"`)
      return { status: 204 }
    },
  }),
]

/** What programs do that run tasks. */
export const remoteWorkRoutes: readonly Route[] = [
  ...typeRoutes,
  defineRoute({
    method: 'post',
    path: '/workers/claims',
    name: 'claimTasks',
    tag,
    summary: 'Takes waiting tasks for a worker, or waits for a first one.',
    description:
      'The worker then sends heartbeats, and completes, fails or releases each task; otherwise the attempt counts as lost when its lease ends. A caller that disconnects while waiting takes nothing.',
    body: claimRequest,
    bodyExamples: { wait: { worker: 'host-1', types: ['report.build'], max: 2, waitMs: 30_000 } },
    answers: {
      200: {
        description: 'The leases; none when nothing came in time.',
        schema: claimed,
        example: { leases: [leaseExample], workerId: '7', slots: 2, draining: false },
      },
    },
    document: ClaimTasksDocument,
    variables: ({ body }) => ({ input: body }),
    answer: ({ claimTasks: { leases, workerId, slots, draining } }) =>
      json(200, {
        leases: leases.map(({ task: { id: taskId, input: data, priority, timeoutMs: timeout, ...task }, ...rest }) => ({
          taskId,
          ...task,
          priority: nameOfPriority[priority],
          data,
          timeout,
          ...rest,
        })),
        workerId,
        slots,
        draining,
      }),
  }),
  defineRoute({
    method: 'post',
    path: '/workers/heartbeats',
    name: 'heartbeatTasks',
    tag,
    summary: 'Renews the leases of a worker, and takes note of progress.',
    body: heartbeat,
    bodyExamples: { one: { worker: 'host-1', leases: [{ taskId: leaseExample.taskId, fence: 1, progress: 40 }] } },
    answers: {
      200: {
        description: 'What has become of each lease.',
        schema: z.array(leaseState),
        example: [
          { taskId: leaseExample.taskId, leaseUntil: leaseExample.leaseUntil, cancelRequested: false, lost: false },
        ],
      },
    },
    refusals: [404, 409],
    document: HeartbeatTasksDocument,
    variables: ({ body }) => ({ input: body }),
    answer: ({ heartbeatTasks: { leases } }) => json(200, leases),
  }),
  defineRoute({
    method: 'post',
    path: '/workers/tasks/{taskId}/report',
    name: 'reportTask',
    tag,
    summary: 'Reports log lines, progress and parts of an attempt.',
    params,
    body: report,
    bodyExamples: { lines: { fence: 1, logs: ['Reading orders.'], progress: 40 } },
    answers: {
      200: {
        description: 'The report is committed.',
        schema: z.object({ droppedLines: z.int().describe('Log lines that were dropped: the attempt has too many.') }),
        example: { droppedLines: 0 },
      },
    },
    refusals: [404, 409],
    document: ReportTaskDocument,
    variables: ({ params: { taskId }, body }) => ({ input: { taskId, ...body } }),
    answer: ({ reportTask: { droppedLines } }) => json(200, { droppedLines }),
  }),
  defineRoute({
    method: 'post',
    path: '/workers/tasks/{taskId}/complete',
    name: 'completeTask',
    tag,
    summary: 'Ends an attempt with a result.',
    params,
    body: completion,
    bodyExamples: { done: { fence: 1, result: { rows: 12 } } },
    answers: ended,
    refusals: [404, 409],
    document: CompleteTaskDocument,
    variables: ({ params: { taskId }, body: { fence, result } }) => ({
      input: { taskId, fence, ...(result !== undefined && { result }) },
    }),
    answer: () => ({ status: 204 }),
  }),
  defineRoute({
    method: 'post',
    path: '/workers/tasks/{taskId}/fail',
    name: 'failTask',
    tag,
    summary: 'Ends an attempt that has failed; another follows if the task’s retry policy allows it.',
    params,
    body: failure,
    bodyExamples: { busy: { fence: 1, error: { code: 'BUSY', message: 'The service is busy.', retryAfterMs: 5_000 } } },
    answers: ended,
    refusals: [404, 409],
    document: FailTaskDocument,
    variables: ({ params: { taskId }, body }) => ({ input: { taskId, ...body } }),
    answer: () => ({ status: 204 }),
  }),
  defineRoute({
    method: 'post',
    path: '/workers/tasks/{taskId}/release',
    name: 'releaseTask',
    tag,
    summary: 'Gives a task back: another attempt follows, and this one does not count.',
    params,
    body: release,
    bodyExamples: { stop: { fence: 1 } },
    answers: ended,
    refusals: [404, 409],
    document: ReleaseTaskDocument,
    variables: ({ params: { taskId }, body }) => ({ input: { taskId, ...body } }),
    answer: () => ({ status: 204 }),
  }),
]
