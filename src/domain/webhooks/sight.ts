import type { Caller } from '#domain/access/service.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { JournalEntry } from '#platform/journal/entry.ts'
import type { WebhookMaker } from './webhook.ts'

/** What a caller may see of an entry's data; undefined: nothing of the entry. */
export type ShownData = (caller: Caller, entry: JournalEntry) => JournalEntry['data'] | undefined

/** What a webhook may send to its receiver: what its maker may see now, as in `events`. */
export class Sight {
  /** The maker with the rights that they have now. */
  readonly maker: Caller
  readonly #shownData: ShownData

  constructor(maker: Caller, shownData: ShownData) {
    this.maker = maker
    this.#shownData = shownData
  }

  /** Whether the maker may still have a webhook at all. */
  get isValid(): boolean {
    return this.maker.can('webhooks:admin')
  }

  /** The event's data as the maker may see it; undefined: nothing of the event. */
  of(event: JournalEntry): JournalEntry['data'] | undefined {
    return this.isValid ? this.#shownData(this.maker, event) : undefined
  }
}

/** Looks up what a webhook may send; a transaction passes itself, so that it waits for no other connection. */
export type SightOf = (
  sql: Sql,
  webhook: { readonly accountId: string; readonly maker: WebhookMaker },
) => Promise<Sight>

/** Why a webhook is switched off whose maker may have none any more. */
export function lapsedReason({ actor }: WebhookMaker): string {
  return `${actor.name}, with whose rights it runs, is gone or no longer has webhooks:admin. Setting it ACTIVE runs it with the rights of the caller who does so.`
}
