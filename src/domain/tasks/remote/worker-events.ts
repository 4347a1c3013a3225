import { z } from 'zod'
import type { By, NewEntry } from '#platform/journal/entry.ts'
import { type EventTypes, eventTypesOf } from '#platform/journal/event-type.ts'

export type WorkerEventType =
  | 'worker.joined'
  | 'worker.lost'
  | 'worker.draining'
  | 'worker.drained'
  | 'worker.slots_changed'

/** The worker that an event is about. */
export interface EventWorker {
  readonly id: number
  readonly accountId: string
  readonly name: string
}

const worker = z.looseObject({ name: z.string().describe('The name that it gave itself.') })

export const workerEventCatalog: EventTypes<WorkerEventType> = {
  ...eventTypesOf(worker, {
    'worker.lost': 'A remote worker has given no sign of life for a minute and has no leases.',
    'worker.draining': 'Somebody asked a worker to claim nothing more.',
    'worker.drained': 'A worker that was to claim nothing more has ended its last attempt.',
  }),
  'worker.joined': {
    description: 'A remote worker claimed tasks for the first time, or again after it was lost.',
    data: worker.extend({
      types: z.array(z.string()).describe('The task types that it claims.'),
      slots: z.int(),
      version: z.string().optional(),
    }),
  },
  'worker.slots_changed': {
    description: 'Somebody changed how many slots a worker has.',
    data: worker.extend({ slots: z.int().describe('How many it has now.') }),
  },
}

export function workerEvent(
  type: WorkerEventType,
  { id, accountId, name }: EventWorker,
  { actor, origin }: By,
  more: Readonly<Record<string, unknown>> = {},
): NewEntry {
  return { accountId, type, subject: `worker:${id}`, actor, origin, data: { name, ...more } }
}
