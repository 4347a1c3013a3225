import { matches } from '#lib/filter/matches.ts'
import { parseFilter } from '#lib/filter/parse.ts'
import type { JournalEntry } from '#platform/journal/entry.ts'
import type { SecretBox } from '#platform/secrets/secret-box.ts'
import { selects } from './event-pattern.ts'
import { createSigner, type Signer, type StoredKey } from './signature.ts'
import type { WebhookRow } from './store/webhooks.ts'

/** A webhook as it is matched and sent to: its secrets opened, its filter ready. */
export interface Endpoint extends Omit<WebhookRow, 'keys' | 'secretHeaders' | 'headers' | 'ratePerSecond'> {
  /** All of them. */
  readonly headers: Readonly<Record<string, string>>
  readonly ratePerSecond: number | undefined
  readonly sign: Signer
  /** Whether it is told of this. */
  matches(entry: JournalEntry): boolean
}

/** Which types are not told of to whoever asks for many at once. */
export interface EventRules {
  /** Too frequent to be news: only to who names them. */
  readonly quietTypes: ReadonlySet<string>
  /** What concerns security: only to who names them or their family. */
  readonly securityTypes: ReadonlySet<string>
}

export async function openEndpoint(row: WebhookRow, secrets: SecretBox, rules: EventRules): Promise<Endpoint> {
  const { keys, secretHeaders, headers, ratePerSecond, events, filter } = row
  const hidden = secretHeaders === null ? {} : (JSON.parse(await secrets.open(secretHeaders)) as Record<string, string>)
  const stored = JSON.parse(await secrets.open(keys)) as StoredKey[]
  const passes = filter === null || filter === undefined ? undefined : compileFilter(filter)
  return {
    ...row,
    headers: { ...headers, ...hidden },
    ratePerSecond: ratePerSecond ?? undefined,
    sign: createSigner(stored),
    matches: ({ type, data }) => isAskedFor(events, type, rules) && (passes?.(data) ?? true),
  }
}

function isAskedFor(patterns: readonly string[], type: string, { quietTypes, securityTypes }: EventRules): boolean {
  if (quietTypes.has(type)) return patterns.includes(type)
  return patterns.some((pattern) => selects(pattern, type) && (pattern !== '*' || !securityTypes.has(type)))
}

function compileFilter(filter: unknown): (data: unknown) => boolean {
  const parsed = parseFilter(filter, 'filter')
  return (data) => matches(parsed, { data })
}
