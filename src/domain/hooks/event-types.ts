import { z } from 'zod'
import type { EventTypes } from '#platform/journal/event-type.ts'
import type { HookEventType } from './events.ts'

const call = z.looseObject({ hook: z.string().describe('Id of the hook.') })

export const hookEventCatalog: EventTypes<HookEventType> = {
  'hook.received': {
    description: 'A call of a hook was accepted.',
    data: call.extend({ event: z.string().describe('As the sender names it.'), deliveryId: z.string() }),
  },
  'hook.refused': {
    description: 'A call of a hook was refused.',
    data: call.extend({
      sender: z.string(),
      reason: z.string().describe('The code of the refusal.'),
      event: z.string().optional().describe('Of a call that proved where it came from.'),
      deliveryId: z.string().optional(),
      suppressed: z.int().optional().describe('Further refusals in the same minute without an event of their own.'),
    }),
  },
}
