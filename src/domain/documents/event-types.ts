import { z } from 'zod'
import { type EventTypes, eventTypesOf } from '#platform/journal/event-type.ts'

const version = z.looseObject({ collection: z.string(), key: z.string(), version: z.int() })
const change = version.extend({
  previousVersion: z.int().describe('0 for the first version.'),
  sizeBytes: z.int(),
})
const collection = z.looseObject({ path: z.string() })

export const documentEventCatalog: EventTypes = {
  ...eventTypesOf(change, {
    'document.created': 'A document was created, or created again after its deletion.',
    'document.updated': 'A document was changed.',
    'document.repaired': 'An operator repaired a document that was behind its newest version.',
  }),
  'document.deleted': {
    description: 'A document was deleted; its versions stay.',
    data: change.extend({ reason: z.literal('expired').optional().describe('If it was deleted after its `ttlMs`.') }),
  },
  'document.restored': {
    description: 'An earlier version was restored as a new one.',
    data: change.extend({ restoredVersion: z.int() }),
  },
  ...eventTypesOf(version, {
    'document.version_pinned': 'A version will be kept for good.',
    'document.version_unpinned': 'Retention may delete this version again.',
  }),
  ...eventTypesOf(collection, {
    'collection.created': 'A collection was created.',
    'collection.updated': 'The settings of a collection were changed.',
  }),
  'collection.deleted': {
    description: 'A collection was deleted with all its documents.',
    data: collection.extend({ documents: z.int().optional().describe('How many documents.') }),
  },
}
