import { FenceLost, LockHeld, LockNotFound, NotLockHolder } from '#domain/locks/errors.ts'
import type { Lock } from '#domain/locks/lock.ts'
import { InvalidInput } from '#lib/errors.ts'
import { builder } from '#schema/builder.ts'
import { LockRef } from './lock.ts'

const name = 'Its name, by the rules of an entry’s key; a scope that is narrowed to keys is narrowed to these names.'
const fence = 'What acquiring it answered with.'
const ttlMs = 'For how long it is held unless it is renewed, in milliseconds: 1,000 to 86,400,000.'

const AcquireLockInput = builder.inputType('AcquireLockInput', {
  description: 'A lock to be taken.',
  fields: (t) => ({
    name: t.string({ required: true, description: name }),
    ttlMs: t.int({ required: true, description: ttlMs }),
    waitMs: t.int({
      defaultValue: 0,
      required: true,
      description: 'How long to wait when it is held, in milliseconds: at most 300,000.',
    }),
  }),
})

const RenewLockInput = builder.inputType('RenewLockInput', {
  description: 'A lock to be held for longer.',
  fields: (t) => ({
    name: t.string({ required: true, description: name }),
    fence: t.float({ required: true, description: fence }),
    ttlMs: t.int({ required: true, description: ttlMs }),
  }),
})

const ReleaseLockInput = builder.inputType('ReleaseLockInput', {
  description: 'A lock to be given back.',
  fields: (t) => ({
    name: t.string({ required: true, description: name }),
    fence: t.float({ required: true, description: fence }),
  }),
})

const ForceReleaseLockInput = builder.inputType('ForceReleaseLockInput', {
  description: 'A lock to be taken away.',
  fields: (t) => ({
    name: t.string({ required: true, description: name }),
    queue: t.boolean({
      defaultValue: false,
      required: true,
      description: 'Whether those who wait for it are sent away, too.',
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

const AcquireLockPayload = lockPayload('AcquireLockPayload', 'The lock is held.', 'With its fence.')
const RenewLockPayload = lockPayload('RenewLockPayload', 'The lock is held for longer.', 'As it is now.')
const ReleaseLockPayload = lockPayload('ReleaseLockPayload', 'The lock is given back.', 'As it was.')

const ForceReleaseLockPayload = builder.objectRef<Lock>('ForceReleaseLockPayload').implement({
  description: 'The lock is taken away.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'The name of the lock.' }),
    fence: t.exposeFloat('fence', { description: 'With which it was held; it is worth nothing now.' }),
    holder: t.expose('holder', { type: 'Actor', description: 'Who held it.' }),
  }),
})

builder.mutationField('acquireLock', (t) =>
  t.field({
    type: AcquireLockPayload,
    description:
      'Takes a lock. Who waits has their turn in the order of asking; who closes the connection meanwhile, or completes the operation, waits no longer.',
    args: { input: t.arg({ type: AcquireLockInput, required: true, description: 'The lock to acquire.' }) },
    errors: { types: [InvalidInput, LockHeld] },
    resolve: (_root, { input }, { caller, locks, whenLeft }) => locks.acquire(caller, input, whenLeft()),
  }),
)

builder.mutationField('renewLock', (t) =>
  t.field({
    type: RenewLockPayload,
    description: 'Holds the caller’s own lock for so long from now on.',
    args: { input: t.arg({ type: RenewLockInput, required: true, description: 'The lock to renew.' }) },
    errors: { types: [InvalidInput, FenceLost, NotLockHolder] },
    resolve: (_root, { input: { ttlMs, ...held } }, { caller, locks }) => locks.renew(caller, held, ttlMs),
  }),
)

builder.mutationField('releaseLock', (t) =>
  t.field({
    type: ReleaseLockPayload,
    description: 'Releases the caller’s own lock; the first waiter has it then.',
    args: { input: t.arg({ type: ReleaseLockInput, required: true, description: 'The lock to release.' }) },
    errors: { types: [InvalidInput, FenceLost, NotLockHolder] },
    resolve: (_root, { input }, { caller, locks }) => locks.release(caller, input),
  }),
)

builder.mutationField('forceReleaseLock', (t) =>
  t.field({
    type: ForceReleaseLockPayload,
    description:
      'Takes a lock away from its holder, for administrators of the account; what is written with its fence is refused from then on.',
    args: { input: t.arg({ type: ForceReleaseLockInput, required: true, description: 'The lock to take away.' }) },
    errors: { types: [InvalidInput, LockNotFound] },
    resolve: (_root, { input }, { caller, locks }) => locks.forceRelease(caller, input.name, { queue: input.queue }),
  }),
)
