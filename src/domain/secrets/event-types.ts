import { z } from 'zod'
import { type EventTypes, eventTypesOf } from '#platform/journal/event-type.ts'
import type { SecretEventType } from './events.ts'

const secret = z.looseObject({ name: z.string() })

export const secretEventCatalog: EventTypes<SecretEventType> = {
  ...eventTypesOf(secret, {
    'secret.created': 'A secret was created.',
    'secret.updated': 'The value of a secret was replaced.',
    'secret.deleted': 'A secret was deleted.',
  }),
  'secret.used': {
    description: 'A secret was given to an attempt of a task.',
    data: secret.extend({ taskId: z.string(), taskType: z.string(), attempt: z.int() }),
  },
}
