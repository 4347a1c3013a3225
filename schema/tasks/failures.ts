import {
  LeaseLost,
  TaskAlreadyEnded,
  TaskKeyReused,
  TaskNotFound,
  TaskNotRetryable,
  TooManyClaims,
  UnknownTaskType,
  WorkerNotFound,
} from '#domain/tasks/errors.ts'
import { builder } from '#schema/builder.ts'
import { Failure, failureType } from '#schema/failures.ts'

builder.objectType(UnknownTaskType, {
  name: 'UnknownTaskType',
  description: 'This server has no task type with that name.',
  interfaces: [Failure],
  isTypeOf: (value) => value instanceof UnknownTaskType,
  fields: (t) => ({
    knownTypes: t.stringList({
      description: 'The known names.',
      resolve: (failure) => [...failure.knownTypes],
    }),
  }),
})

builder.objectType(TaskKeyReused, {
  name: 'IdempotencyKeyReused',
  description: 'The idempotency key belongs to a task that was submitted by a different request.',
  interfaces: [Failure],
  isTypeOf: (value) => value instanceof TaskKeyReused,
  fields: (t) => ({ taskId: t.exposeID('taskId', { description: 'The task that owns the key.' }) }),
})

builder.objectType(TaskNotFound, {
  name: 'TaskNotFound',
  description: 'The account has no such task.',
  interfaces: [Failure],
  isTypeOf: (value) => value instanceof TaskNotFound,
})

builder.objectType(TaskAlreadyEnded, {
  name: 'TaskAlreadyEnded',
  description: 'The task has already ended.',
  interfaces: [Failure],
  isTypeOf: (value) => value instanceof TaskAlreadyEnded,
  fields: (t) => ({ status: t.exposeString('status', { description: 'Its final status.' }) }),
})

builder.objectType(TaskNotRetryable, {
  name: 'TaskNotRetryable',
  description: 'Only a failed or cancelled task can be retried.',
  interfaces: [Failure],
  isTypeOf: (value) => value instanceof TaskNotRetryable,
  fields: (t) => ({ status: t.exposeString('status', { description: 'Its status.' }) }),
})

failureType(
  LeaseLost,
  'LeaseLost',
  'The worker does not have the lease any more: it ran out, or the attempt has ended.',
)
failureType(WorkerNotFound, 'WorkerNotFound', 'There is no such worker, or it has left.')
failureType(TooManyClaims, 'TooManyClaims', 'Too many requests of the account are waiting for tasks.')
