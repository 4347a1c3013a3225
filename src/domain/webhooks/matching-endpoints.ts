import type { JournalEntry } from '#platform/journal/entry.ts'
import type { Endpoint } from './endpoint.ts'
import { pingType, webhookIdOf } from './events.ts'
import type { Seeing } from './sight.ts'

/** A webhook that receives an event, or whose filter was too expensive to decide that. */
export interface MatchingEndpoint {
  readonly endpoint: Endpoint
  readonly isDecided: boolean
}

/**
 * The webhooks of an account that receive an event: those that match it as their makers may see it. Slow filters yield to
 * other work.
 */
export async function matchingEndpoints(
  webhooks: readonly Seeing[],
  event: JournalEntry,
): Promise<readonly MatchingEndpoint[]> {
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
