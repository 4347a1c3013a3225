import type { Actor } from '#platform/journal/entry.ts'
import { builder } from '#schema/builder.ts'
import { described } from '#schema/described.ts'

const approvalStatuses = ['PENDING', 'APPROVED', 'REJECTED', 'TIMED_OUT', 'CANCELLED'] as const

const TaskApprovalStatusEnum = builder.enumType('TaskApprovalStatus', {
  description: 'Where an approval is.',
  values: described<(typeof approvalStatuses)[number]>({
    PENDING: 'Nobody has decided yet.',
    APPROVED: 'It was approved.',
    REJECTED: 'It was rejected.',
    TIMED_OUT: 'Nobody decided in time.',
    CANCELLED: 'The task ended before somebody decided.',
  }),
})

interface ApprovalFields {
  readonly name: string
  readonly startedAt: Date
  readonly deadline: Date
  readonly endedAt: Date | null
  readonly outcome: string | null
  readonly endedBy: unknown
  readonly comment: string | null
  readonly maySubmitterDecide: boolean
  readonly isTaskOver: boolean
}

export const TaskApproval = builder.objectRef<ApprovalFields>('TaskApproval').implement({
  description: 'Something that a task asks somebody to approve before it continues.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'What for, such as `production`.' }),
    status: t.field({ type: TaskApprovalStatusEnum, description: 'Where it is.', resolve: statusOf }),
    requestedAt: t.expose('startedAt', { type: 'DateTime', description: 'When the task asked.' }),
    expiresAt: t.expose('deadline', { type: 'DateTime', description: 'Until when somebody can decide.' }),
    maySubmitterDecide: t.exposeBoolean('maySubmitterDecide', {
      description: 'Whether the principal who submitted the task may decide.',
    }),
    decidedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When somebody decided.',
      resolve: ({ endedAt, endedBy }) => (endedBy === null ? null : endedAt),
    }),
    decidedBy: t.field({
      type: 'Actor',
      nullable: true,
      description: 'Who decided.',
      resolve: ({ endedBy }) => endedBy as Actor | null,
    }),
    comment: t.string({ nullable: true, description: 'Their comment.', resolve: ({ comment }) => comment }),
  }),
})

function statusOf({ outcome, deadline, isTaskOver }: ApprovalFields): (typeof approvalStatuses)[number] {
  const decided = approvalStatuses.find((status) => status === outcome)
  if (decided !== undefined) return decided
  if (isTaskOver) return 'CANCELLED'
  return deadline <= new Date() ? 'TIMED_OUT' : 'PENDING'
}

interface StepFields {
  readonly name: string
  readonly attempt: number
  readonly startedAt: Date
  readonly finishedAt: Date
  readonly sizeBytes: number
}

export const TaskStep = builder.objectRef<StepFields>('TaskStep').implement({
  description: 'A step that a task has done, and whose result is kept for later attempts.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'Unique within the task.' }),
    attempt: t.exposeInt('attempt', { description: 'The number of the attempt that did it.' }),
    startedAt: t.expose('startedAt', { type: 'DateTime', description: 'When it began.' }),
    finishedAt: t.expose('finishedAt', { type: 'DateTime', description: 'When its result was kept.' }),
    sizeBytes: t.exposeInt('sizeBytes', { description: 'The size of its result as JSON.' }),
  }),
})
