import {
  NoApprovalPending,
  SelfApprovalRefused,
  TaskAlreadyEnded,
  TaskNotFound,
  TooManySignals,
} from '#domain/tasks/errors.ts'
import { InvalidInput } from '#lib/errors.ts'
import { builder } from '#schema/builder.ts'
import { failureType } from '#schema/failures.ts'
import { TaskRef } from './task.ts'
import './failures.ts'

failureType(NoApprovalPending, 'NoApprovalPending', 'The task does not wait for this approval, or no longer.')
failureType(SelfApprovalRefused, 'SelfApprovalRefused', 'The type of the task wants somebody else to decide.')
failureType(TooManySignals, 'TooManySignals', 'The task keeps as many signals as it can.')

interface Decided {
  readonly id: string
}

function taskPayload(name: string, description: string) {
  return builder.objectRef<Decided>(name).implement({
    description,
    fields: (t) => ({
      task: t.prismaField({
        type: TaskRef,
        description: 'Its current state.',
        resolve: (query, { id }, _args, { caller, db }) =>
          db.task.findUniqueOrThrow({ ...query, where: { accountId_id: { accountId: caller.accountId, id } } }),
      }),
    }),
  })
}

type Fields = PothosSchemaTypes.InputFieldBuilder<typeof builder.$inferSchemaTypes, 'InputObject'>

const decisionFields = (t: Fields) => ({
  id: t.id({ required: true, description: 'The id of the task.' }),
  approval: t.string({ description: 'The name of the approval; the one that it waits for when absent.' }),
  comment: t.string({ description: 'Why, in at most 2,000 characters.' }),
})

const ApproveTaskInput = builder.inputType('ApproveTaskInput', {
  description: 'A task that waits for an approval.',
  fields: decisionFields,
})
const RejectTaskInput = builder.inputType('RejectTaskInput', {
  description: 'A task that waits for an approval.',
  fields: decisionFields,
})
const decisionErrors = [InvalidInput, TaskNotFound, TaskAlreadyEnded, NoApprovalPending, SelfApprovalRefused]

builder.mutationField('approveTask', (t) =>
  t.field({
    type: taskPayload('ApproveTaskPayload', 'The task continues.'),
    description: 'Approves what a task waits for. It continues in another attempt.',
    args: { input: t.arg({ type: ApproveTaskInput, required: true, description: 'Which task.' }) },
    errors: { types: decisionErrors },
    resolve: async (_root, { input }, { caller, tasks }) => ({ id: await tasks.approve(caller, given(input)) }),
  }),
)

builder.mutationField('rejectTask', (t) =>
  t.field({
    type: taskPayload('RejectTaskPayload', 'The approval is refused.'),
    description: 'Refuses what a task asks for. It fails with APPROVAL_REJECTED, unless its type handles that.',
    args: { input: t.arg({ type: RejectTaskInput, required: true, description: 'Which task.' }) },
    errors: { types: decisionErrors },
    resolve: async (_root, { input }, { caller, tasks }) => ({ id: await tasks.reject(caller, given(input)) }),
  }),
)

const SignalTaskInput = builder.inputType('SignalTaskInput', {
  description: 'An event for a task.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'The id of the task.' }),
    name: t.string({ required: true, description: 'The name of the event, at most 200 characters.' }),
    value: t.field({ type: 'JSON', description: 'What the task receives; at most 64 KiB as JSON.' }),
  }),
})

const SignalTaskPayload = builder
  .objectRef<Decided & { readonly isDelivered: boolean }>('SignalTaskPayload')
  .implement({
    description: 'The event was received.',
    fields: (t) => ({
      task: t.prismaField({
        type: TaskRef,
        description: 'Its current state.',
        resolve: (query, { id }, _args, { caller, db }) =>
          db.task.findUniqueOrThrow({ ...query, where: { accountId_id: { accountId: caller.accountId, id } } }),
      }),
      isDelivered: t.exposeBoolean('isDelivered', {
        description: 'False: the task does not wait for it yet, and it is kept until it does.',
      }),
    }),
  })

builder.mutationField('signalTask', (t) =>
  t.field({
    type: SignalTaskPayload,
    description: 'Sends an event to a task; one that waits for it continues.',
    args: { input: t.arg({ type: SignalTaskInput, required: true, description: 'The event.' }) },
    errors: { types: [InvalidInput, TaskNotFound, TaskAlreadyEnded, TooManySignals] },
    resolve: (_root, { input: { value, ...signal } }, { caller, tasks }) =>
      tasks.signal(caller, { ...signal, value: value ?? null }),
  }),
)

/** Without what was left open. */
function given(input: { id: string; approval?: string | null | undefined; comment?: string | null | undefined }) {
  const { id, approval, comment } = input
  return { id, ...(approval != null && { approval }), ...(comment != null && { comment }) }
}
