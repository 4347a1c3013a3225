import { LockHeld, LockTicketNotFound, NotLockHolder } from '#domain/locks/errors.ts'
import type { LockTicket } from '#domain/locks/lock.ts'
import { InvalidInput } from '#lib/errors.ts'
import { builder } from '#schema/builder.ts'

const maxTickets = 200

const LockTicketStatus = builder.enumType('LockTicketStatus', {
  description: 'What a ticket is worth.',
  values: {
    QUEUED: { description: 'It waits for its turn.' },
    ACQUIRED: { description: 'It holds the lock.' },
    RELEASED: { description: 'It has been released, or has left the queue.' },
  } as const,
})

const LockTicketRef = builder.objectRef<LockTicket>('LockTicket').implement({
  description:
    'A place in the queue of a lock that nobody has to stay connected for, or the lock once its turn has come.',
  fields: (t) => ({
    id: t.exposeID('id', {
      description: 'Unique for the lock. A lock that was acquired without a ticket has its fence for an id.',
    }),
    name: t.exposeString('name', { description: 'The lock’s name.' }),
    status: t.expose('status', { type: LockTicketStatus, description: 'What it is worth now.' }),
    actor: t.expose('actor', { type: 'Actor', description: 'Who requested it.' }),
    position: t.exposeInt('position', {
      description: 'How many hold the lock, or wait for it, before this one; 0 for the one that holds it.',
    }),
    fence: t.float({
      nullable: true,
      description: 'The fence of the lock, as `renewLock` and writes need it; null while it waits.',
      resolve: ({ fence }) => fence,
    }),
    acquiredAt: t.expose('acquiredAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When its lease began; null while it waits.',
    }),
    expiresAt: t.expose('expiresAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When its lease ends unless it is renewed; null while it waits.',
    }),
    ttlMs: t.float({
      description: 'How long the lease lasts from its beginning, in milliseconds.',
      resolve: ({ ttlMs }) => ttlMs,
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was requested.' }),
  }),
})

const name = 'The lock’s name.'

builder.queryField('lockTickets', (t) =>
  t.field({
    type: [LockTicketRef],
    description: 'Who holds a lock and who waits for it, in the order of their turns; empty when nobody does.',
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
  description: 'A lock to be requested.',
  fields: (t) => ({
    name: t.string({ required: true, description: name }),
    ttlMs: t.int({
      required: true,
      description: 'How long its lease lasts once the turn has come, in milliseconds: 1,000 to 86,400,000.',
    }),
  }),
})

const ReleaseLockTicketInput = builder.inputType('ReleaseLockTicketInput', {
  description: 'A ticket to be released.',
  fields: (t) => ({
    name: t.string({ required: true, description: name }),
    id: t.id({ required: true, description: 'The ticket’s id.' }),
  }),
})

function ticketPayload(name: string, description: string) {
  return builder.objectRef<LockTicket>(name).implement({
    description,
    fields: (t) => ({
      ticket: t.field({ type: LockTicketRef, description: 'As it is now.', resolve: (ticket) => ticket }),
    }),
  })
}

builder.mutationField('requestLock', (t) =>
  t.field({
    type: ticketPayload('RequestLockPayload', 'The lock is held, or requested.'),
    description:
      'Takes a lock that nobody holds, or queues for it without waiting, for at most a day. Its lease begins when the turn has come, so ask `lockTicket` often enough.',
    args: { input: t.arg({ type: RequestLockInput, required: true, description: 'The lock.' }) },
    errors: { types: [InvalidInput, LockHeld] },
    resolve: (_root, { input }, { caller, locks }) => locks.request(caller, input),
  }),
)

builder.mutationField('releaseLockTicket', (t) =>
  t.field({
    type: ticketPayload('ReleaseLockTicketPayload', 'The lock is released, or no longer requested.'),
    description:
      'Releases the lock that is held with a ticket, or leaves its queue. The tickets of others need `access:admin`.',
    args: { input: t.arg({ type: ReleaseLockTicketInput, required: true, description: 'The ticket.' }) },
    errors: { types: [InvalidInput, LockTicketNotFound, NotLockHolder] },
    resolve: (_root, { input: { name, id } }, { caller, locks }) => locks.releaseTicket(caller, name, id),
  }),
)
