import {
  IdempotencyKeyReused,
  TaskAlreadyEnded,
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

builder.objectType(IdempotencyKeyReused, {
  name: 'IdempotencyKeyReused',
  description: 'The key was used before for something else.',
  interfaces: [Failure],
  isTypeOf: (value) => value instanceof IdempotencyKeyReused,
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
