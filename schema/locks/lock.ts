import type { Lock, Waiter } from '#domain/locks/lock.ts'
import { builder } from '#schema/builder.ts'

const LockWaiterRef = builder.objectRef<Waiter>('LockWaiter').implement({
  description: 'Somebody who waits for a lock.',
  fields: (t) => ({
    actor: t.field({ type: 'Actor', description: 'Who.', resolve: ({ by }) => by.actor }),
    queuedAt: t.expose('queuedAt', { type: 'DateTime', description: 'Since when.' }),
    until: t.expose('until', { type: 'DateTime', description: 'Waits no longer than this.' }),
  }),
})

export const LockRef = builder.objectRef<Lock>('Lock').implement({
  description: 'A lock that somebody holds until its lease is over.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'Unique in the account.' }),
    fence: t.exposeFloat('fence', {
      description:
        'Grows with each grant. Show it to renew and release the lock, and with writes, which are refused once it is not the current one.',
    }),
    holder: t.expose('holder', { type: 'Actor', description: 'Who holds it.' }),
    acquiredAt: t.expose('acquiredAt', { type: 'DateTime', description: 'Since when.' }),
    expiresAt: t.expose('expiresAt', {
      type: 'DateTime',
      description: 'When the lease is over, unless it is renewed.',
    }),
    queue: t.field({
      type: [LockWaiterRef],
      description: 'Who waits for it, in the order of their turns.',
      args: {
        first: t.arg.int({ defaultValue: 10, required: true, description: 'How many, at most 200.' }),
      },
      resolve: ({ name }, { first }, { caller, locks }) => locks.queue(caller, name, Math.min(Math.max(first, 0), 200)),
    }),
  }),
})
