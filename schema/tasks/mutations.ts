import { QuotaExceeded } from '#domain/quotas/errors.ts'
import {
  TaskAlreadyEnded,
  TaskKeyReused,
  TaskNotFound,
  TaskNotRetryable,
  UnknownTaskType,
} from '#domain/tasks/errors.ts'
import type { Submitted } from '#domain/tasks/submitter.ts'
import { InvalidInput } from '#lib/errors.ts'
import { builder } from '#schema/builder.ts'
import { SubmitTaskInput, toSubmission } from './inputs.ts'
import { TaskRef } from './task.ts'
import './failures.ts'

const SubmitTaskPayload = builder.objectRef<Submitted>('SubmitTaskPayload').implement({
  description: 'The task is committed.',
  fields: (t) => ({
    task: t.prismaField({
      type: TaskRef,
      description: 'The new task, or the one with the same idempotency key or singleton key.',
      resolve: (query, { taskId: id, task }, _args, { caller, db }) =>
        selectFrom(task && freshTask(task), query) ??
        db.task.findUniqueOrThrow({ ...query, where: { accountId_id: { accountId: caller.accountId, id } } }),
    }),
    deduplicated: t.exposeBoolean('deduplicated', { description: 'Whether the task already existed.' }),
  }),
})

/** The columns of a task that was only submitted so far. */
function freshTask(task: NonNullable<Submitted['task']>) {
  const { accountId, id, type, priority, status, input, labels, createdAt, runAt, retry, by } = task
  return {
    accountId,
    id,
    type,
    priority,
    status,
    input,
    labels,
    createdAt,
    runAt,
    retry,
    createdBy: by.actor,
    attempt: 0,
  }
}

/** The selected fields, when all of them are known already, so that the most frequent mutation needs no read. */
function selectFrom<Known extends object>(known: Known | undefined, query: { select?: object }): never | undefined {
  const wanted = Object.keys(query.select ?? { everything: true })
  return known !== undefined && wanted.every((column) => column in known) ? (known as never) : undefined
}

builder.mutationField('submitTask', (t) =>
  t.field({
    type: SubmitTaskPayload,
    description: 'Submits a task.',
    args: { input: t.arg({ type: SubmitTaskInput, required: true, description: 'The task.' }) },
    errors: { types: [UnknownTaskType, InvalidInput, TaskKeyReused, QuotaExceeded] },
    resolve: (_root, { input: { waitMs, ...input } }, { caller, tasks, whenLeft }) =>
      tasks.submitAndWait(caller, toSubmission(input), waitMs ?? 0, whenLeft),
  }),
)

const SubmitTasksInput = builder.inputType('SubmitTasksInput', {
  description: 'Tasks to submit together.',
  fields: (t) => ({
    tasks: t.field({ type: [SubmitTaskInput], required: true, description: 'At most 1,000.' }),
  }),
})

const SubmitTasksPayload = builder.objectRef<{ submitted: readonly Submitted[] }>('SubmitTasksPayload').implement({
  description: 'All tasks are committed.',
  fields: (t) => ({
    tasks: t.prismaField({
      type: [TaskRef],
      description: 'In the order of the input.',
      resolve: async (query, { submitted }, _args, { db }) => {
        const ids = submitted.map((one) => one.taskId)
        const found = await db.task.findMany({ ...query, where: { id: { in: ids } } })
        const byId = new Map(found.map((task) => [task.id, task]))
        return ids.flatMap((id) => byId.get(id) ?? [])
      },
    }),
    deduplicated: t.int({
      description: 'How many of them already existed.',
      resolve: ({ submitted }) => submitted.filter((one) => one.deduplicated).length,
    }),
  }),
})

builder.mutationField('submitTasks', (t) =>
  t.field({
    type: SubmitTasksPayload,
    description: 'Submits up to 1,000 tasks: all of them, or none.',
    args: { input: t.arg({ type: SubmitTasksInput, required: true, description: 'The tasks.' }) },
    errors: { types: [UnknownTaskType, InvalidInput, TaskKeyReused, QuotaExceeded] },
    resolve: async (_root, { input }, { caller, tasks }) => ({
      submitted: await tasks.submitAll(caller, input.tasks.map(toSubmission)),
    }),
  }),
)

/** A payload that is one task, read again. */
function taskPayload(name: string, description: string) {
  return builder.objectRef<{ id: string }>(name).implement({
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

const CancelTaskInput = builder.inputType('CancelTaskInput', {
  description: 'A task to cancel.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'Its id.' }),
    reason: t.string({ description: 'The reason, in at most 500 characters.' }),
  }),
})

builder.mutationField('cancelTask', (t) =>
  t.field({
    type: taskPayload('CancelTaskPayload', 'The task was asked to stop.'),
    description:
      'Cancels a task. A waiting task ends at once; a running one is asked to stop, and killed after its grace period.',
    args: { input: t.arg({ type: CancelTaskInput, required: true, description: 'The task to cancel.' }) },
    errors: { types: [TaskNotFound, TaskAlreadyEnded, InvalidInput] },
    resolve: async (_root, { input }, { caller, tasks }) => ({
      id: await tasks.cancel(caller, input.id, input.reason ?? undefined),
    }),
  }),
)

const RetryTaskInput = builder.inputType('RetryTaskInput', {
  description: 'A task to retry.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'Its id.' }),
    input: t.field({
      type: 'JSON',
      description: 'Another input, which its type must accept; its checkpoint is forgotten. Default: its own.',
    }),
  }),
})

builder.mutationField('retryTask', (t) =>
  t.field({
    type: taskPayload('RetryTaskPayload', 'The task is waiting for another attempt.'),
    description: 'Retries a failed or cancelled task.',
    args: { input: t.arg({ type: RetryTaskInput, required: true, description: 'The task to retry.' }) },
    errors: { types: [TaskNotFound, TaskNotRetryable, QuotaExceeded, InvalidInput, UnknownTaskType] },
    resolve: async (_root, { input }, { caller, tasks }) => ({
      id: await tasks.retry(caller, input.id, input.input ?? undefined),
    }),
  }),
)

const DeleteTaskLogsInput = builder.inputType('DeleteTaskLogsInput', {
  description: 'The task whose log to delete.',
  fields: (t) => ({ id: t.id({ required: true, description: 'The task’s id.' }) }),
})

const DeleteTaskLogsPayload = builder.objectRef<{ deleted: number }>('DeleteTaskLogsPayload').implement({
  description: 'The log was deleted.',
  fields: (t) => ({ deleted: t.exposeInt('deleted', { description: 'Number of deleted lines.' }) }),
})

builder.mutationField('deleteTaskLogs', (t) =>
  t.field({
    type: DeleteTaskLogsPayload,
    description: 'Permanently deletes what a task has logged so far.',
    args: {
      input: t.arg({ type: DeleteTaskLogsInput, required: true, description: 'The task whose log is deleted.' }),
    },
    errors: { types: [TaskNotFound] },
    resolve: async (_root, { input }, { caller, tasks }) => ({ deleted: await tasks.removeLogs(caller, input.id) }),
  }),
)
