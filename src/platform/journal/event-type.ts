import { z } from 'zod'

/** A type of event that the server writes, as the documentation and `eventTypes` describe it. */
export interface EventTypeFacts {
  /** What happened, as a sentence. */
  readonly description: string
  /** The shape of the event's data; further members may be added. */
  readonly data: z.ZodObject
}

/** The types of a family of events, by name. */
export type EventTypes<Type extends string = string> = Readonly<Record<Type, EventTypeFacts>>

export const actorShape = z.looseObject({ kind: z.string(), id: z.string(), name: z.string() })

/** Types whose data has the same shape, by their descriptions. */
export function eventTypesOf<Type extends string>(
  data: z.ZodObject,
  descriptions: Readonly<Record<Type, string>>,
): EventTypes<Type> {
  return Object.fromEntries(
    Object.entries<string>(descriptions).map(([type, description]) => [type, { description, data }]),
  ) as EventTypes<Type>
}
