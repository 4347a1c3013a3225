import {
  TaskAlreadyEnded,
  TaskKeyReused,
  TaskNotFound,
  TaskNotRetryable,
  UnknownTaskType,
} from '#domain/tasks/errors.ts'
import { builder } from '#schema/builder.ts'
import { Failure } from '#schema/failures.ts'

builder.objectType(UnknownTaskType, {
  name: 'UnknownTaskType',
  description: 'This server has no task type of that name.',
  interfaces: [Failure],
  isTypeOf: (value) => value instanceof UnknownTaskType,
  fields: (t) => ({
    knownTypes: t.stringList({
      description: 'The names that it knows.',
      resolve: (failure) => [...failure.knownTypes],
    }),
  }),
})

builder.objectType(TaskKeyReused, {
  name: 'IdempotencyKeyReused',
  description: 'The idempotency key belongs to a task that was submitted with another request.',
  interfaces: [Failure],
  isTypeOf: (value) => value instanceof TaskKeyReused,
  fields: (t) => ({ taskId: t.exposeID('taskId', { description: 'The task that holds the key.' }) }),
})

builder.objectType(TaskNotFound, {
  name: 'TaskNotFound',
  description: 'The account has no such task.',
  interfaces: [Failure],
  isTypeOf: (value) => value instanceof TaskNotFound,
})

builder.objectType(TaskAlreadyEnded, {
  name: 'TaskAlreadyEnded',
  description: 'The task has already ended, so there is nothing to stop.',
  interfaces: [Failure],
  isTypeOf: (value) => value instanceof TaskAlreadyEnded,
  fields: (t) => ({ status: t.exposeString('status', { description: 'How it has ended.' }) }),
})

builder.objectType(TaskNotRetryable, {
  name: 'TaskNotRetryable',
  description: 'Only a task that has failed or was cancelled can be tried again.',
  interfaces: [Failure],
  isTypeOf: (value) => value instanceof TaskNotRetryable,
  fields: (t) => ({ status: t.exposeString('status', { description: 'Where it stands.' }) }),
})
