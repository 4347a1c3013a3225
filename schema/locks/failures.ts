import { FenceLost, LockHeld, LockNotFound, LockTicketNotFound, NotLockHolder } from '#domain/locks/errors.ts'
import { builder } from '#schema/builder.ts'
import { Failure, failureType } from '#schema/failures.ts'
import { LockRef } from './lock.ts'

builder.objectType(LockHeld, {
  name: 'LockHeld',
  description: 'Somebody else holds the lock and did not release it within the waiting time.',
  interfaces: [Failure],
  isTypeOf: (value) => value instanceof LockHeld,
  fields: (t) => ({
    lock: t.field({
      type: LockRef,
      nullable: true,
      description: 'Its last known state; null when it was changing hands.',
      resolve: (failure) => failure.lock ?? null,
    }),
  }),
})

builder.objectType(FenceLost, {
  name: 'FenceLost',
  description: 'The lock is not held with this fence: its lease has ended, or it was released or taken away.',
  interfaces: [Failure],
  isTypeOf: (value) => value instanceof FenceLost,
  fields: (t) => ({
    lock: t.exposeString('lock', { description: 'The lock’s name.' }),
    currentFence: t.float({
      nullable: true,
      description: 'The current fence; null: nobody holds the lock.',
      resolve: (failure) => failure.currentFence ?? null,
    }),
  }),
})

failureType(LockNotFound, 'LockNotFound', 'Nobody holds a lock with this name.')
failureType(NotLockHolder, 'NotLockHolder', 'Somebody else holds the lock; `forceReleaseLock` takes it away.')
failureType(LockTicketNotFound, 'LockTicketNotFound', 'The lock has no such ticket (any more).')
