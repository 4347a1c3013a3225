import type { FilterEvaluator } from '#lib/filter/filter-evaluator.ts'
import { readLiveFilter } from '#lib/filter/live-filter.ts'
import { FilterTooCostly } from '#lib/filter/step-budget.ts'
import { mergeHeaders } from '#lib/http-header.ts'
import type { JournalEntry } from '#platform/journal/entry.ts'
import type { SecretBox } from '#platform/secrets/secret-box.ts'
import { selects } from './event-pattern.ts'
import type { Sight } from './sight.ts'
import { createSigner, type Signer, type StoredKey } from './signature.ts'
import type { WebhookRow } from './store/webhooks.ts'

/** A webhook as it is matched and sent to: its secrets opened, its filter ready. */
export interface Endpoint extends Omit<WebhookRow, 'keys' | 'secretHeaders' | 'headers' | 'ratePerSecond'> {
  /** All of them. */
  readonly headers: Readonly<Record<string, string>>
  readonly ratePerSecond: number | undefined
  readonly sign: Signer
  /** Whether it asks for this event, as its maker sees it; at once when it has no filter. */
  matches(entry: JournalEntry, sight: Sight): Match | Promise<Match>
}

/** Whether a webhook asks for an event. UNDECIDED: its filter takes too much for this one. */
type Match = 'MATCHED' | 'UNMATCHED' | 'UNDECIDED'

/** Event types that are left out unless subscribed to by name. */
export interface EventRules {
  /** Too frequent to be news: only to who names them. */
  readonly quietTypes: ReadonlySet<string>
  /** What concerns security: only to who names them or their family. */
  readonly securityTypes: ReadonlySet<string>
  readonly filters: FilterEvaluator
}

export async function openEndpoint(row: WebhookRow, secrets: SecretBox, rules: EventRules): Promise<Endpoint> {
  const { keys, secretHeaders, headers, ratePerSecond, events, filter } = row
  const hidden = secretHeaders === null ? {} : (JSON.parse(await secrets.open(secretHeaders)) as Record<string, string>)
  const stored = JSON.parse(await secrets.open(keys)) as StoredKey[]
  const passes = filter === null || filter === undefined ? undefined : createMatcher(filter, rules.filters)
  return {
    ...row,
    headers: mergeHeaders(headers, hidden),
    ratePerSecond: ratePerSecond ?? undefined,
    sign: createSigner(stored),
    matches(entry, sight) {
      if (!isAskedFor(events, entry.type, rules)) return 'UNMATCHED'
      const data = sight.of(entry)
      if (data === undefined) return 'UNMATCHED'
      return passes === undefined ? 'MATCHED' : passes(entry, data)
    },
  }
}

function isAskedFor(patterns: readonly string[], type: string, { quietTypes, securityTypes }: EventRules): boolean {
  if (quietTypes.has(type)) return patterns.includes(type)
  return patterns.some((pattern) => selects(pattern, type) && (pattern !== '*' || !securityTypes.has(type)))
}

type Matcher = (entry: JournalEntry, data: JournalEntry['data']) => Promise<Match>

function createMatcher(filter: unknown, filters: FilterEvaluator): Matcher {
  const live = readLiveFilter(filter, 'filter')
  return async (entry, data) => {
    try {
      return (await filters.holds(live, entry, { data })) ? 'MATCHED' : 'UNMATCHED'
    } catch (error) {
      if (error instanceof FilterTooCostly) return 'UNDECIDED'
      throw error
    }
  }
}
