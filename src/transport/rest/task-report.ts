import { z } from 'zod'
import type { Priority, TaskReportFragment, TaskStatus } from './generated/graphql.ts'

export const documentedStatuses = ['pending', 'active', 'completed', 'failed', 'cancelled'] as const
export type DocumentedStatus = (typeof documentedStatuses)[number]

/** A task that is not due yet is one that waits, in the words of the documented API. */
export const statusOf = {
  SCHEDULED: 'pending',
  PENDING: 'pending',
  ACTIVE: 'active',
  COMPLETED: 'completed',
  FAILED: 'failed',
  CANCELLED: 'cancelled',
} as const satisfies Record<TaskStatus, DocumentedStatus>

/** Which statuses a documented one stands for. */
export function statusesOf(status: DocumentedStatus): TaskStatus[] {
  return (Object.keys(statusOf) as TaskStatus[]).filter((one) => statusOf[one] === status)
}

/** The priorities that requests may name, `high` and `low` being other words. */
export const priorityOf = {
  critical: 'CRITICAL',
  high: 'CRITICAL',
  normal: 'NORMAL',
  batch: 'BATCH',
  low: 'BATCH',
} as const satisfies Record<string, Priority>

export type PriorityName = keyof typeof priorityOf
export const priorityNames = Object.keys(priorityOf) as [PriorityName, ...PriorityName[]]

/** A priority as answers name it. */
export const nameOfPriority = {
  CRITICAL: 'critical',
  NORMAL: 'normal',
  BATCH: 'batch',
} as const satisfies Record<Priority, PriorityName>

const status = z.enum(documentedStatuses)
const progress = z.int().min(0).max(100).describe('0 to 100.')

const taskError = z
  .object({
    message: z.string(),
    code: z.string().describe('Stable, such as HANDLER_FAILED or TIMEOUT.'),
    stack: z.string().optional().describe('Where it was thrown; for owners only.'),
  })
  .meta({ id: 'TaskError', description: 'Why a task, or its latest attempt, has failed.' })

export const taskState = z
  .object({
    status,
    progress,
    currentStep: z.string().nullable().describe('The step that it is in, or was in last.'),
    error: taskError.optional(),
  })
  .meta({ id: 'TaskState', description: 'The status of a task.' })

export const taskResult = z
  .object({
    status,
    progress,
    result: z.unknown().optional().describe('Absent until the task has completed.'),
    error: taskError.optional(),
  })
  .meta({ id: 'TaskResult', description: 'The result of a task.' })

type Report = Omit<TaskReportFragment, 'id' | 'type' | 'resultExpired'>

/** A task's state in the documented shape. */
export function toState(task: Omit<Report, 'result'>): z.output<typeof taskState> {
  const { progress, currentStep } = task
  return { status: statusOf[task.status], progress, currentStep, ...errorOf(task) }
}

/** A task's result in the documented shape. */
export function toResult(task: Report): z.output<typeof taskResult> {
  const { progress, result } = task
  const isThere = task.status === 'COMPLETED'
  return { status: statusOf[task.status], progress, ...(isThere && { result }), ...errorOf(task) }
}

function errorOf({ error }: Pick<Report, 'error'>): { error?: z.output<typeof taskError> } {
  if (error === null) return {}
  const { message, code, stack } = error
  return { error: { message, code, ...(stack !== null && { stack }) } }
}
