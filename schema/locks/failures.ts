import { FenceLost, LockHeld, LockNotFound, LockTicketNotFound, NotLockHolder } from '#domain/locks/errors.ts'
import { builder } from '#schema/builder.ts'
import { Failure, failureType } from '#schema/failures.ts'
import { LockRef } from './lock.ts'

builder.objectType(LockHeld, {
  name: 'LockHeld',
  description: 'Somebody else holds the lock, and went on holding it for as long as was waited.',
  interfaces: [Failure],
  isTypeOf: (value) => value instanceof LockHeld,
  fields: (t) => ({
    lock: t.field({
      type: LockRef,
      nullable: true,
      description: 'As it was last seen; null when it was just about to change hands.',
      resolve: (failure) => failure.lock ?? null,
    }),
  }),
})

builder.objectType(FenceLost, {
  name: 'FenceLost',
  description: 'The lock is not held with this fence: its lease was over, or it was released or taken away.',
  interfaces: [Failure],
  isTypeOf: (value) => value instanceof FenceLost,
  fields: (t) => ({
    lock: t.exposeString('lock', { description: 'The lock’s name.' }),
    currentFence: t.float({
      nullable: true,
      description: 'With which it is held now; null: nobody holds it.',
      resolve: (failure) => failure.currentFence ?? null,
    }),
  }),
})

failureType(LockNotFound, 'LockNotFound', 'Nobody holds a lock of this name.')
failureType(NotLockHolder, 'NotLockHolder', 'Somebody else holds the lock; `forceReleaseLock` takes it away.')
failureType(LockTicketNotFound, 'LockTicketNotFound', 'The lock has no such ticket, or no longer.')
