import type { JournalEntry } from '#platform/journal/entry.ts'
import type { Endpoint } from './endpoint.ts'
import type { AccountEndpoints } from './endpoints.ts'
import { pingType, webhookIdOf } from './events.ts'

/** A webhook that gets an event, or whose filter takes too much to say so. */
export interface Addressee {
  readonly endpoint: Endpoint
  readonly isDecided: boolean
}

/** Which of the account's webhooks get an event. Filters that take long let others have their turn meanwhile. */
export async function addressees(
  endpoints: AccountEndpoints | undefined,
  event: JournalEntry,
): Promise<readonly Addressee[]> {
  if (endpoints === undefined) return []
  if (event.type === pingType) {
    const only = endpoints.get(webhookIdOf(event.subject) ?? '')
    return only?.status === 'ACTIVE' ? [{ endpoint: only, isDecided: true }] : []
  }
  const found: Addressee[] = []
  for (const endpoint of endpoints.values()) {
    if (endpoint.status !== 'ACTIVE') continue
    const matching = endpoint.matches(event)
    // Most have no filter: nothing is waited for then.
    const match = typeof matching === 'string' ? matching : await matching
    if (match !== 'UNMATCHED') found.push({ endpoint, isDecided: match === 'MATCHED' })
  }
  return found
}
