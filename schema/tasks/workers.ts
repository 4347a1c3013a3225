import { WorkerNotFound } from '#domain/tasks/errors.ts'
import type { WorkerRow } from '#domain/tasks/worker-row.ts'
import { decodeCursor, encodeCursor, InvalidCursor } from '#lib/cursor.ts'
import { InvalidInput } from '#lib/errors.ts'
import { builder } from '#schema/builder.ts'
import { connectionOf, pageOf, pageSize } from '#schema/pagination.ts'
import './failures.ts'

const WorkerRef = builder.objectRef<WorkerRow>('Worker').implement({
  description: 'What runs tasks: a process of the server, or a program of the account that claims tasks over the API.',
  fields: (t) => ({
    id: t.id({ description: 'Its id.', resolve: ({ id }) => String(id) }),
    name: t.exposeString('name', { description: 'Its name.' }),
    isRemote: t.boolean({
      description: 'Whether it is a program of the account; otherwise it is a process of the server.',
      resolve: ({ accountId }) => accountId !== null,
    }),
    version: t.exposeString('version', { nullable: true, description: 'Its version, as far as it is known.' }),
    types: t.stringList({
      description: 'The task types that it claims; empty for a process of the server.',
      resolve: ({ types }) => [...types],
    }),
    slots: t.exposeInt('slots', { description: 'How many tasks it runs at once.' }),
    running: t.exposeInt('running', {
      description: 'How many it is running now; for a process of the server, of all accounts.',
    }),
    startedAt: t.expose('startedAt', { type: 'DateTime', description: 'When it came.' }),
    lastSeenAt: t.expose('seenAt', { type: 'DateTime', description: 'When it last gave a sign of life.' }),
    drainingAt: t.expose('drainingAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was asked to claim nothing more; null while it claims.',
    }),
    drainedAt: t.expose('drainedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it had ended its last task after that.',
    }),
  }),
})

const WorkerConnection = connectionOf('Worker', WorkerRef)

builder.queryField('workers', (t) =>
  t.field({
    type: WorkerConnection,
    description: 'What runs the account’s tasks: the processes of the server and the account’s own programs.',
    args: {
      first: t.arg.int({ description: 'Page size, 1 to 200; default 50.' }),
      after: t.arg.string({ description: 'Continue after this cursor.' }),
    },
    resolve: async (_root, { first, after }, { caller, tasks }) => {
      const size = pageSize(first)
      const read = await tasks.workers(caller, after == null ? 0 : idBehind(after), size + 1)
      return pageOf(read, size, after, ({ id }) => encodeCursor('workers', [String(id)]))
    },
  }),
)

function idBehind(cursor: string): number {
  const [id = ''] = decodeCursor('workers', cursor, 1)
  if (!/^\d{1,9}$/.test(id)) throw new InvalidCursor()
  return Number(id)
}

function workerPayload(name: string, description: string) {
  return builder.objectRef<{ worker: WorkerRow }>(name).implement({
    description,
    fields: (t) => ({ worker: t.expose('worker', { type: WorkerRef, description: 'Its current state.' }) }),
  })
}

const DrainWorkerInput = builder.inputType('DrainWorkerInput', {
  description: 'A worker to drain.',
  fields: (t) => ({ id: t.id({ required: true, description: 'Its id.' }) }),
})

builder.mutationField('drainWorker', (t) =>
  t.field({
    type: workerPayload('DrainWorkerPayload', 'The worker claims nothing more.'),
    description:
      'Lets a worker claim nothing more; what it runs goes on. Processes of the server are drained by the account that was created first, and claim again after a restart. A program may drain itself.',
    args: { input: t.arg({ type: DrainWorkerInput, required: true, description: 'The worker.' }) },
    errors: { types: [WorkerNotFound] },
    resolve: async (_root, { input }, { caller, tasks }) => ({ worker: await tasks.drainWorker(caller, input.id) }),
  }),
)

const SetWorkerSlotsInput = builder.inputType('SetWorkerSlotsInput', {
  description: 'How many tasks a worker is to run at once.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'The worker’s id.' }),
    slots: t.int({ required: true, description: '1 to 1,000. What runs beyond it goes on.' }),
  }),
})

builder.mutationField('setWorkerSlots', (t) =>
  t.field({
    type: workerPayload('SetWorkerSlotsPayload', 'The worker has so many slots.'),
    description:
      'Changes how many tasks a worker runs at once, until it is restarted. Processes of the server are changed by the account that was created first.',
    args: { input: t.arg({ type: SetWorkerSlotsInput, required: true, description: 'The worker and its slots.' }) },
    errors: { types: [InvalidInput, WorkerNotFound] },
    resolve: async (_root, { input: { id, slots } }, { caller, tasks }) => ({
      worker: await tasks.setWorkerSlots(caller, id, slots),
    }),
  }),
)
