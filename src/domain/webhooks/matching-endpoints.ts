import type { JournalEntry } from '#platform/journal/entry.ts'
import type { Endpoint } from './endpoint.ts'
import { pingType, webhookIdOf } from './events.ts'
import type { Seeing } from './sight.ts'

/** A webhook that gets an event, or whose filter takes too much to say so. */
export interface MatchingEndpoint {
  readonly endpoint: Endpoint
  readonly isDecided: boolean
}

/**
 * Which of an account's webhooks get an event: those that ask for it as their makers see it. Filters that take long let
 * others have their turn meanwhile.
 */
export async function matchingEndpoints(webhooks: readonly Seeing[], event: JournalEntry): Promise<readonly MatchingEndpoint[]> {
  if (event.type === pingType) {
    const id = webhookIdOf(event.subject)
    const only = webhooks.find(({ endpoint, sight }) => endpoint.id === id && sight.isValid)
    return only === undefined ? [] : [{ endpoint: only.endpoint, isDecided: true }]
  }
  const found: MatchingEndpoint[] = []
  for (const { endpoint, sight } of webhooks) {
    const matching = endpoint.matches(event, sight)
    // Most have no filter: nothing is waited for then.
    const match = typeof matching === 'string' ? matching : await matching
    if (match !== 'UNMATCHED') found.push({ endpoint, isDecided: match === 'MATCHED' })
  }
  return found
}
