import { FenceLost, LockHeld, LockNotFound, NotLockHolder } from '#domain/locks/errors.ts'
import type { Lock } from '#domain/locks/lock.ts'
import { InvalidInput } from '#lib/errors.ts'
import { builder } from '#schema/builder.ts'
import { LockRef } from './lock.ts'

const name = 'Its name, with the same rules as an entry’s key; a scope narrowed to keys also limits lock names.'
const fence = 'The fence returned when the lock was acquired.'
const ttlMs = 'Length of the lease unless it is renewed, in milliseconds: 1,000 to 86,400,000.'

const AcquireLockInput = builder.inputType('AcquireLockInput', {
  description: 'A lock to acquire: the one of a name, or any of several.',
  fields: (t) => ({
    name: t.string({ description: name }),
    anyOf: t.stringList({
      description:
        'Instead of `name`: names of up to 20 locks; acquires the first that is free, or the one that becomes free first.',
    }),
    ttlMs: t.int({ required: true, description: ttlMs }),
    waitMs: t.int({
      defaultValue: 0,
      required: true,
      description: 'How long to wait if it is held, in milliseconds; at most 300,000.',
    }),
    reason: t.string({ description: 'What it is needed for, at most 500 characters; shown to others.' }),
  }),
})

const RenewLockInput = builder.inputType('RenewLockInput', {
  description: 'A lock to renew.',
  fields: (t) => ({
    name: t.string({ required: true, description: name }),
    fence: t.float({ required: true, description: fence }),
    ttlMs: t.int({ required: true, description: ttlMs }),
  }),
})

const ReleaseLockInput = builder.inputType('ReleaseLockInput', {
  description: 'A lock to release.',
  fields: (t) => ({
    name: t.string({ required: true, description: name }),
    fence: t.float({ required: true, description: fence }),
  }),
})

const ForceReleaseLockInput = builder.inputType('ForceReleaseLockInput', {
  description: 'A lock to release by force.',
  fields: (t) => ({
    name: t.string({ required: true, description: name }),
    queue: t.boolean({
      defaultValue: false,
      required: true,
      description: 'Whether to empty its queue, too.',
    }),
  }),
})

/** A payload that has nothing but the lock. */
function lockPayload(name: string, description: string, lock: string) {
  return builder.objectRef<Lock>(name).implement({
    description,
    fields: (t) => ({ lock: t.field({ type: LockRef, description: lock, resolve: (held) => held }) }),
  })
}

const AcquireLockPayload = lockPayload('AcquireLockPayload', 'The lock was acquired.', 'The lock with its fence.')
const RenewLockPayload = lockPayload('RenewLockPayload', 'The lease was renewed.', 'Its current state.')
const ReleaseLockPayload = lockPayload('ReleaseLockPayload', 'The lock was released.', 'Its last state.')

const ForceReleaseLockPayload = builder.objectRef<Lock>('ForceReleaseLockPayload').implement({
  description: 'The lock was released.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'The name of the lock.' }),
    fence: t.exposeFloat('fence', { description: 'The fence of the former holder, which is void now.' }),
    holder: t.expose('holder', { type: 'Actor', description: 'Who held it.' }),
  }),
})

builder.mutationField('acquireLock', (t) =>
  t.field({
    type: AcquireLockPayload,
    description:
      'Acquires a lock. Waiting callers are served in order; a caller that disconnects or completes the operation leaves the queue.',
    args: { input: t.arg({ type: AcquireLockInput, required: true, description: 'The lock to acquire.' }) },
    errors: { types: [InvalidInput, LockHeld] },
    resolve: (_root, { input }, { caller, locks, whenLeft }) => locks.acquire(caller, input, whenLeft()),
  }),
)

builder.mutationField('renewLock', (t) =>
  t.field({
    type: RenewLockPayload,
    description: 'Renews the lease of the caller’s own lock, counted from now.',
    args: { input: t.arg({ type: RenewLockInput, required: true, description: 'The lock to renew.' }) },
    errors: { types: [InvalidInput, FenceLost, NotLockHolder] },
    resolve: (_root, { input: { ttlMs, ...held } }, { caller, locks }) => locks.renew(caller, held, ttlMs),
  }),
)

builder.mutationField('releaseLock', (t) =>
  t.field({
    type: ReleaseLockPayload,
    description: 'Releases the caller’s own lock; the first waiting caller acquires it.',
    args: { input: t.arg({ type: ReleaseLockInput, required: true, description: 'The lock to release.' }) },
    errors: { types: [InvalidInput, FenceLost, NotLockHolder] },
    resolve: (_root, { input }, { caller, locks }) => locks.release(caller, input),
  }),
)

builder.mutationField('forceReleaseLock', (t) =>
  t.field({
    type: ForceReleaseLockPayload,
    description:
      'Releases a lock by force, for administrators of the account; writes with its fence are refused from then on.',
    args: { input: t.arg({ type: ForceReleaseLockInput, required: true, description: 'The lock to release.' }) },
    errors: { types: [InvalidInput, LockNotFound] },
    resolve: (_root, { input }, { caller, locks }) => locks.forceRelease(caller, input.name, { queue: input.queue }),
  }),
)
