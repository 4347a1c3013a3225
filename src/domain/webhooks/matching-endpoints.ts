import type { Sql } from '#platform/database/sql.ts'
import type { JournalEntry } from '#platform/journal/entry.ts'
import type { Endpoint } from './endpoint.ts'
import type { AccountEndpoints } from './endpoints.ts'
import { pingType, webhookIdOf } from './events.ts'
import type { Sight, SightOf } from './sight.ts'

/** A webhook that is switched on, with what it may send. */
export interface ActiveEndpoint {
  readonly endpoint: Endpoint
  readonly sight: Sight
}

/** The webhooks of an account that are switched on. */
export async function activeEndpoints(
  sql: Sql,
  endpoints: AccountEndpoints | undefined,
  sightOf: SightOf,
): Promise<ActiveEndpoint[]> {
  const active = [...(endpoints?.values() ?? [])].filter(({ status }) => status === 'ACTIVE')
  return Promise.all(active.map(async (endpoint) => ({ endpoint, sight: await sightOf(sql, endpoint) })))
}

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
  webhooks: readonly ActiveEndpoint[],
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
