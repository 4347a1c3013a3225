import { z } from 'zod'
import type { EventTypeFacts, EventTypes } from '#platform/journal/event-type.ts'

/** What only a stream says of itself. */
const streamEventTypes: EventTypes = {
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

/** A type of event with the shape of its data as JSON Schema. */
export interface EventType {
  readonly name: string
  readonly description: string
  readonly dataSchema: Readonly<Record<string, unknown>>
  /** Whether it is left out unless it is asked for by name. */
  readonly isFrequent: boolean
}

/** Every type of event that the server writes: those of all domains, and of streams. */
export class EventCatalog {
  readonly #types: EventTypes
  /** The names of all types. */
  readonly names: readonly string[]
  /** Left out of lists, subscriptions and webhooks that do not ask for them by name: there are many of them. */
  readonly frequent: readonly string[]
  #described: readonly EventType[] | undefined

  constructor({ families, frequent }: { families: readonly EventTypes[]; frequent: readonly string[] }) {
    this.#types = Object.assign({}, ...families, streamEventTypes) as EventTypes
    this.names = Object.keys(this.#types)
    this.frequent = frequent
  }

  /** All types, those of a family together. */
  describe(): readonly EventType[] {
    this.#described ??= Object.entries(this.#types).map(([name, { description, data }]) => ({
      name,
      description,
      dataSchema: schemaOf(data),
      isFrequent: this.frequent.includes(name),
    }))
    return this.#described
  }
}

function schemaOf(data: EventTypeFacts['data']): EventType['dataSchema'] {
  return z.toJSONSchema(data) as EventType['dataSchema']
}
