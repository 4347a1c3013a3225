import { z } from 'zod'
import { authEventCatalog } from '#domain/access/event-types.ts'
import { quietAuthEventTypes } from '#domain/access/events.ts'
import { documentEventCatalog } from '#domain/documents/event-types.ts'
import { entryEventCatalog } from '#domain/entries/event-types.ts'
import { hookEventCatalog } from '#domain/hooks/event-types.ts'
import { quietHookEventTypes } from '#domain/hooks/events.ts'
import { lockEventCatalog } from '#domain/locks/event-types.ts'
import { quietLockEventTypes } from '#domain/locks/events.ts'
import { taskEventCatalog } from '#domain/tasks/event-types.ts'
import { quietEventTypes } from '#domain/tasks/events.ts'
import { webhookEventCatalog } from '#domain/webhooks/event-types.ts'
import { quietWebhookEventTypes } from '#domain/webhooks/events.ts'
import type { EventTypeFacts, EventTypes } from './event-type.ts'

/** What only a stream says of itself. */
const streamEventCatalog: EventTypes = {
  'stream.lagged': {
    description: 'In a stream, in place of events that were dropped because the subscriber was too slow.',
    data: z.looseObject({
      skipped: z.int().nullable().describe('How many; null when retention deleted them.'),
    }),
  },
  'stream.warning': {
    description: 'In a stream, first, when the types asked for are probably misspelled.',
    data: z.looseObject({ warnings: z.array(z.string()) }),
  },
}

/** Every type of event that the server writes, by family. */
const catalog: EventTypes = {
  ...taskEventCatalog,
  ...documentEventCatalog,
  ...entryEventCatalog,
  ...lockEventCatalog,
  ...webhookEventCatalog,
  ...hookEventCatalog,
  ...authEventCatalog,
  ...streamEventCatalog,
}

/** The names of all types that the server writes. */
export const serverEventTypes: readonly string[] = Object.keys(catalog)

/** Left out of lists, subscriptions and webhooks that do not ask for them by name: there are many of them. */
export const frequentEventTypes: readonly string[] = [
  ...quietEventTypes,
  ...quietAuthEventTypes,
  ...quietHookEventTypes,
  ...quietWebhookEventTypes,
  ...quietLockEventTypes,
]

/** A type of event with the shape of its data as JSON Schema. */
export interface EventType {
  readonly name: string
  readonly description: string
  readonly dataSchema: Readonly<Record<string, unknown>>
  /** Whether it is left out unless it is asked for by name. */
  readonly isFrequent: boolean
}

let described: readonly EventType[] | undefined

/** All types that the server writes, those of a family together. */
export function describeEventTypes(): readonly EventType[] {
  described ??= Object.entries(catalog).map(([name, { description, data }]) => ({
    name,
    description,
    dataSchema: schemaOf(data),
    isFrequent: frequentEventTypes.includes(name),
  }))
  return described
}

function schemaOf(data: EventTypeFacts['data']): EventType['dataSchema'] {
  return z.toJSONSchema(data) as EventType['dataSchema']
}
