import { z } from 'zod'
import { actorShape, type EventTypes, eventTypesOf } from '#platform/journal/event-type.ts'

const lock = z.looseObject({
  name: z.string(),
  fence: z.int(),
  renewals: z.int().optional().describe('Renewals since the previous event of this lock.'),
})
const lease = lock.extend({ expiresAt: z.iso.datetime().describe('When the lease ends unless it is renewed.') })
const released = lock.extend({ holder: actorShape.optional().describe('Who held it.') })

export const lockEventCatalog: EventTypes = {
  'lock.acquired': {
    description: 'Somebody got the lock.',
    data: lease.extend({
      waiterId: z.string().optional().describe('The waiter whose turn it was.'),
      reason: z.string().optional().describe('What it is needed for.'),
    }),
  },
  'lock.renewed': { description: 'The holder renewed the lease; at most one event a minute.', data: lease },
  ...eventTypesOf(released, {
    'lock.released': 'The holder released the lock.',
    'lock.expired': 'The lease ended without being renewed.',
  }),
  'lock.forced': {
    description: 'Somebody with access:admin took the lock away.',
    data: released.extend({ cleared: z.boolean().optional().describe('Whether its queue was cleared, too.') }),
  },
}
