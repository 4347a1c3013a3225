import { z } from 'zod'
import { type EventTypes, eventTypesOf } from '#platform/journal/event-type.ts'

const entry = z.looseObject({
  key: z.string(),
  version: z.int(),
  revision: z.int().describe('Of the account: grows with each request that changes entries.'),
})

export const entryEventCatalog: EventTypes = {
  'entry.set': {
    description: 'An entry was created or changed.',
    data: entry.extend({
      created: z.boolean().describe('Whether it did not exist before.'),
      sizeBytes: z.int(),
      expiresAt: z.iso.datetime().optional(),
      value: z.unknown().optional().describe('If it is small and the reader may read the entry.'),
    }),
  },
  ...eventTypesOf(entry, {
    'entry.deleted': 'An entry was deleted.',
    'entry.expired': 'An entry was deleted after its `ttlMs`.',
  }),
}
