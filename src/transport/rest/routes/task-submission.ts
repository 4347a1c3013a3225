import { z } from 'zod'
import { isRecord } from '#lib/json.ts'
import type { CreateTaskScheduleInput, SubmitTaskInput } from '#transport/rest/generated/graphql.ts'
import { type Refused, refusedInput } from '#transport/rest/refused.ts'
import { priorityNames, priorityOf } from '#transport/rest/task-report.ts'
import { recurrenceConfig, toRecurrence } from './task-recurrence.ts'

const dayMs = 24 * 60 * 60 * 1000
const backoffOf = { fixed: 'FIXED', linear: 'LINEAR', exponential: 'EXPONENTIAL' } as const

export const retryConfig = z
  .strictObject({
    maxAttempts: z.int().min(1).max(100).optional().describe('Maximum number of attempts.'),
    delay: z.int().min(0).max(dayMs).optional().describe('Delay before the second attempt, in milliseconds.'),
    backoff: z.enum(['fixed', 'linear', 'exponential']).optional().describe('How the delay grows.'),
    maxDelay: z
      .int()
      .min(0)
      .max(30 * dayMs)
      .optional()
      .describe('Upper limit of the delay, in milliseconds.'),
    jitter: z.number().min(0).max(1).optional().describe('Each delay is shortened by a random share of at most this.'),
    retryOn: z
      .array(z.string().min(1).max(64))
      .min(1)
      .max(50)
      .optional()
      .describe('Retry only after an error with one of these codes, or the loss of the worker.'),
  })
  .describe('The retry policy; absent fields come from the task type.')

/** What GraphQL takes for a number of milliseconds at most. */
const maxMs = 2 ** 31 - 1

/** What REST calls the operation's inputs. */
export const submissionNames = {
  input: 'data',
  runAt: 'scheduledFor',
  lockMs: 'lockDuration',
  timeoutMs: 'timeout',
  retry: 'retryConfig',
} as const

/** The body of `POST /tasks`. */
export const taskSubmission = z
  .strictObject({
    type: z.string().min(1).max(64).describe('The name of a task type.'),
    data: z.record(z.string(), z.unknown()).describe('The input, as the task type defines it.'),
    priority: z
      .enum(priorityNames)
      .optional()
      .describe(
        '`high` means `critical`, `low` means `batch`. The default is the task type’s priority, usually `normal`.',
      ),
    scheduleType: z
      .enum(['immediate', 'scheduled', 'recurring'])
      .default('immediate')
      .describe('`scheduled` needs `scheduledFor`, `recurring` needs `recurrenceConfig`.'),
    scheduledFor: z.iso.datetime({ offset: true }).optional().describe('Earliest start.'),
    lockDuration: z
      .int()
      .min(1_000)
      .max(dayMs)
      .optional()
      .describe('How long an attempt may go without a heartbeat, in milliseconds; default 300000.'),
    timeout: z
      .int()
      .min(1)
      .max(maxMs)
      .optional()
      .describe('How long an attempt may take, in milliseconds; the default is the task type’s.'),
    labels: z.record(z.string(), z.string()).optional().describe('At most 32 names with values, to find tasks by.'),
    fairnessKey: z
      .string()
      .optional()
      .describe('Its lane: tasks with the same key take turns with those of other keys.'),
    fairnessWeight: z
      .int()
      .min(1)
      .max(100)
      .optional()
      .describe('How many turns its lane gets where one of weight 1 gets one; default 1.'),
    rank: z
      .int()
      .min(-100)
      .max(100)
      .optional()
      .describe('Within its lane, tasks with a higher one start first; default 0.'),
    concurrencyKey: z
      .string()
      .optional()
      .describe('At most as many tasks with the same key run at once as the task type allows.'),
    singletonKey: z
      .string()
      .optional()
      .describe('While a task of the type with the same key waits or runs, the answer is that one.'),
    dependsOn: z
      .array(
        z.strictObject({
          taskId: z.string(),
          onFailure: z.enum(['FAIL', 'SKIP', 'RUN']).default('FAIL'),
        }),
      )
      .optional()
      .describe(
        'It starts when all of these tasks have ended, at most 100. When one fails or is cancelled, it fails, is cancelled (`SKIP`), or starts all the same (`RUN`).',
      ),
    parentId: z.string().optional().describe('The task that it is part of: cancelled with it.'),
    retryConfig: retryConfig.optional(),
    recurrenceConfig: recurrenceConfig.optional(),
  })
  .meta({ id: 'TaskSubmission', description: 'A task to submit.' })

type TaskSubmission = z.output<typeof taskSubmission>

/** Whether a body asks for a recurring task. */
export function isRecurring(body: unknown): boolean {
  return isRecord(body) && body['scheduleType'] === 'recurring'
}

/** A recurring task as a schedule. @throws {Refused} 422 when it contradicts itself */
export function toCreateScheduleInput(
  task: TaskSubmission,
  idempotencyKey: string | undefined,
): CreateTaskScheduleInput {
  const { recurrenceConfig: config, type } = task
  if (config === undefined) throw refused('recurrenceConfig', 'is needed when scheduleType is "recurring"')
  if (task.scheduledFor !== undefined) throw refused('scheduledFor', 'needs scheduleType "scheduled"')
  return {
    name: config.name ?? type,
    task: toTask(task),
    ...toRecurrence(config),
    ...(idempotencyKey !== undefined && { idempotencyKey }),
  }
}

/** A single task. @throws {Refused} 422 when the schedule contradicts itself */
export function toSubmitTaskInput(task: TaskSubmission, idempotencyKey: string | undefined): SubmitTaskInput {
  refuseSchedule(task)
  return { ...toTask(task), ...(idempotencyKey !== undefined && { idempotencyKey }) }
}

function toTask(task: TaskSubmission): SubmitTaskInput {
  const {
    type,
    data,
    priority,
    scheduledFor,
    lockDuration,
    timeout,
    labels,
    fairnessKey,
    fairnessWeight,
    rank,
    concurrencyKey,
    singletonKey,
    dependsOn,
    parentId,
  } = task
  return {
    type,
    input: data,
    ...(priority !== undefined && { priority: priorityOf[priority] }),
    ...(scheduledFor !== undefined && { runAt: scheduledFor }),
    ...(lockDuration !== undefined && { lockMs: lockDuration }),
    ...(timeout !== undefined && { timeoutMs: timeout }),
    ...(labels !== undefined && { labels }),
    ...(fairnessKey !== undefined && { fairnessKey }),
    ...(fairnessWeight !== undefined && { fairnessWeight }),
    ...(rank !== undefined && { rank }),
    ...(concurrencyKey !== undefined && { concurrencyKey }),
    ...(singletonKey !== undefined && { singletonKey }),
    ...(dependsOn !== undefined && { dependsOn }),
    ...(parentId !== undefined && { parentId }),
    ...(task.retryConfig !== undefined && { retry: toRetry(task.retryConfig) }),
  }
}

function refuseSchedule({ scheduleType, scheduledFor, recurrenceConfig }: TaskSubmission): void {
  if (recurrenceConfig !== undefined) throw refused('recurrenceConfig', 'needs scheduleType "recurring"')
  if (scheduleType === 'scheduled' && scheduledFor === undefined)
    throw refused('scheduledFor', 'is needed when scheduleType is "scheduled"')
  if (scheduleType === 'immediate' && scheduledFor !== undefined)
    throw refused('scheduledFor', 'needs scheduleType "scheduled"')
}

function refused(path: string, message: string): Refused {
  return refusedInput('INVALID_INPUT', 'The body', [{ path, message }])
}

export function toRetry({ maxAttempts, delay, backoff, maxDelay, jitter, retryOn }: z.output<typeof retryConfig>) {
  return {
    ...(maxAttempts !== undefined && { maxAttempts }),
    ...(delay !== undefined && { delayMs: delay }),
    ...(backoff !== undefined && { backoff: backoffOf[backoff] }),
    ...(maxDelay !== undefined && { maxDelayMs: maxDelay }),
    ...(jitter !== undefined && { jitter }),
    ...(retryOn !== undefined && { retryOn }),
  }
}
