import type { Lock, Waiter } from '#domain/locks/lock.ts'
import { builder } from '#schema/builder.ts'

const LockWaiterRef = builder.objectRef<Waiter>('LockWaiter').implement({
  description: 'A caller that waits for a lock.',
  fields: (t) => ({
    actor: t.field({ type: 'Actor', description: 'Who.', resolve: ({ by }) => by.actor }),
    reason: t.string({ nullable: true, description: 'What it needs the lock for.', resolve: ({ reason }) => reason }),
    queuedAt: t.expose('queuedAt', { type: 'DateTime', description: 'Since when it waits.' }),
    until: t.expose('until', { type: 'DateTime', description: 'When it stops waiting.' }),
  }),
})

export const LockRef = builder.objectRef<Lock>('Lock').implement({
  description: 'A held lock with its lease.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'Unique in the account.' }),
    fence: t.exposeFloat('fence', {
      description:
        'The fencing token, which grows with each grant. Renewing and releasing the lock need it; writes with it are refused once it is not the current one.',
    }),
    holder: t.expose('holder', { type: 'Actor', description: 'Who holds it.' }),
    reason: t.string({ nullable: true, description: 'What the holder needs it for.', resolve: ({ reason }) => reason }),
    acquiredAt: t.expose('acquiredAt', { type: 'DateTime', description: 'When it was acquired.' }),
    expiresAt: t.expose('expiresAt', {
      type: 'DateTime',
      description: 'When the lease ends unless it is renewed.',
    }),
    queue: t.field({
      type: [LockWaiterRef],
      description: 'The waiting callers, in queue order.',
      args: {
        first: t.arg.int({ defaultValue: 10, required: true, description: 'How many, at most 200.' }),
      },
      resolve: ({ name }, { first }, { caller, locks }) => locks.queue(caller, name, Math.min(Math.max(first, 0), 200)),
    }),
  }),
})
