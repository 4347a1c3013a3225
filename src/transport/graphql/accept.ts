import { createNegotiation } from '#transport/accepted-types.ts'

/** What GraphQL's answers are sent as (GraphQL over HTTP §4). */
export const modernType = 'application/graphql-response+json'
export const legacyType = 'application/json'
const streamType = 'text/event-stream'

export type JsonType = typeof modernType | typeof legacyType

/** Which kinds of answer a client accepts. */
export interface Accepted {
  /** The media type of a JSON answer; undefined when the client accepts none. */
  readonly json: JsonType | undefined
  /** Whether the client accepts a stream of events. */
  readonly stream: boolean
}

/** In the order of our own preference, which decides where the client has none (GraphQL over HTTP §6.4). */
const allowedBy = createNegotiation([legacyType, modernType, streamType])

/**
 * Reads an `Accept` header: a client that has no preference gets `application/json`, for clients that are older than
 * the newer type.
 */
export function acceptedBy(header: string | undefined): Accepted {
  const allowed = allowedBy(header)
  return { json: allowed.find((type) => type !== streamType), stream: allowed.includes(streamType) }
}
