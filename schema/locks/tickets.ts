import { LockHeld, LockTicketNotFound, NotLockHolder } from '#domain/locks/errors.ts'
import type { LockTicket } from '#domain/locks/lock.ts'
import { InvalidInput } from '#lib/errors.ts'
import { builder } from '#schema/builder.ts'

const maxTickets = 200

const LockTicketStatus = builder.enumType('LockTicketStatus', {
  description: 'The status of a ticket.',
  values: {
    QUEUED: { description: 'It is waiting in the queue.' },
    ACQUIRED: { description: 'It holds the lock.' },
    RELEASED: { description: 'It has been released, or has left the queue.' },
  } as const,
})

const LockTicketRef = builder.objectRef<LockTicket>('LockTicket').implement({
  description: 'A place in the queue of a lock without staying connected, or the lock itself once its turn has come.',
  fields: (t) => ({
    id: t.exposeID('id', {
      description: 'Unique for the lock. For a lock acquired without a ticket, its fence.',
    }),
    name: t.exposeString('name', { description: 'The lock’s name.' }),
    status: t.expose('status', { type: LockTicketStatus, description: 'Its status.' }),
    actor: t.expose('actor', { type: 'Actor', description: 'Who requested it.' }),
    reason: t.string({ nullable: true, description: 'What it is needed for.', resolve: ({ reason }) => reason }),
    position: t.exposeInt('position', {
      description: 'Number of tickets ahead of this one, including the holder’s; 0 for the holder.',
    }),
    fence: t.float({
      nullable: true,
      description: 'The fence for `renewLock` and writes; null while it is queued.',
      resolve: ({ fence }) => fence,
    }),
    acquiredAt: t.expose('acquiredAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When its lease began; null while it is queued.',
    }),
    expiresAt: t.expose('expiresAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When its lease ends unless it is renewed; null while it is queued.',
    }),
    ttlMs: t.float({
      description: 'Length of the lease in milliseconds.',
      resolve: ({ ttlMs }) => ttlMs,
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was requested.' }),
  }),
})

const name = 'The lock’s name.'

builder.queryField('lockTickets', (t) =>
  t.field({
    type: [LockTicketRef],
    description: 'The tickets of a lock: its holder’s, then its queue in order; empty when there are none.',
    complexity: ({ first }) => ({ field: 1, multiplier: Math.min(Math.max(1, first), maxTickets) }),
    args: {
      name: t.arg.string({ required: true, description: name }),
      first: t.arg.int({ defaultValue: 50, required: true, description: `How many, at most ${maxTickets}.` }),
    },
    resolve: (_root, { name, first }, { caller, locks }) =>
      locks.listTickets(caller, name, Math.min(Math.max(first, 0), maxTickets)),
  }),
)

builder.queryField('lockTicket', (t) =>
  t.field({
    type: LockTicketRef,
    nullable: true,
    description:
      'One ticket of a lock; null when it was released, or when its lease or its time in the queue has ended.',
    args: {
      name: t.arg.string({ required: true, description: name }),
      id: t.arg.id({ required: true, description: 'The ticket’s id.' }),
    },
    resolve: async (_root, { name, id }, { caller, locks }) => (await locks.findTicket(caller, name, id)) ?? null,
  }),
)

const RequestLockInput = builder.inputType('RequestLockInput', {
  description: 'A lock to request.',
  fields: (t) => ({
    name: t.string({ required: true, description: name }),
    ttlMs: t.int({
      required: true,
      description: 'Length of the lease once it is acquired, in milliseconds: 1,000 to 86,400,000.',
    }),
    reason: t.string({ description: 'What it is needed for, at most 500 characters; shown to others.' }),
  }),
})

const ReleaseLockTicketInput = builder.inputType('ReleaseLockTicketInput', {
  description: 'A ticket to release.',
  fields: (t) => ({
    name: t.string({ required: true, description: name }),
    id: t.id({ required: true, description: 'The ticket’s id.' }),
  }),
})

function ticketPayload(name: string, description: string) {
  return builder.objectRef<LockTicket>(name).implement({
    description,
    fields: (t) => ({
      ticket: t.field({ type: LockTicketRef, description: 'Its current state.', resolve: (ticket) => ticket }),
    }),
  })
}

builder.mutationField('requestLock', (t) =>
  t.field({
    type: ticketPayload('RequestLockPayload', 'The lock was acquired, or requested.'),
    description:
      'Acquires a lock if it is free, or queues for it without waiting, for at most a day. The lease begins when the turn comes, so poll `lockTicket` often enough.',
    args: { input: t.arg({ type: RequestLockInput, required: true, description: 'The lock.' }) },
    errors: { types: [InvalidInput, LockHeld] },
    resolve: (_root, { input }, { caller, locks }) => locks.request(caller, input),
  }),
)

builder.mutationField('releaseLockTicket', (t) =>
  t.field({
    type: ticketPayload('ReleaseLockTicketPayload', 'The lock was released, or the ticket has left the queue.'),
    description: 'Releases the lock held by a ticket, or leaves the queue. Tickets of others need `access:admin`.',
    args: { input: t.arg({ type: ReleaseLockTicketInput, required: true, description: 'The ticket.' }) },
    errors: { types: [InvalidInput, LockTicketNotFound, NotLockHolder] },
    resolve: (_root, { input: { name, id } }, { caller, locks }) => locks.releaseTicket(caller, name, id),
  }),
)
