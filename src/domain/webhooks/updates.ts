import { endable } from '#lib/endable.ts'
import type { Journal, JournalStream } from '#platform/journal/journal.ts'
import { attemptedType } from './events.ts'
import type { AttemptNews } from './settler.ts'

/** What an attempt came to, as a stream tells it. */
export interface DeliveryUpdate {
  readonly kind: 'ATTEMPT' | 'LAGGED'
  /** Where a later stream goes on; those that ended together with this one may be told again from there. */
  readonly cursor: string
  readonly at: Date
  readonly attempt?: AttemptNews | undefined
  /** LAGGED: how many entries were dropped, each of one or more attempts. */
  readonly skipped?: number | undefined
}

/** Attempts from now on, or after a cursor, of one webhook or all. @throws {InvalidCursor} @throws {CursorExpired} */
export async function followDeliveries(
  journal: Journal,
  accountId: string,
  webhookId: string | undefined,
  after: string | undefined,
): Promise<AsyncGenerator<DeliveryUpdate>> {
  const stream = await journal.open({ accountId, types: [attemptedType] }, { after })
  return endable(tell(stream, webhookId), () => stream.close())
}

async function* tell(stream: JournalStream<never>, webhookId: string | undefined): AsyncGenerator<DeliveryUpdate> {
  try {
    let before = stream.cursor
    for await (const item of stream) {
      if (item.kind === 'lagged') yield { kind: 'LAGGED', cursor: item.cursor, at: new Date(), skipped: item.skipped }
      if (item.kind === 'entry') {
        const all = item.entry.data['attempts'] as readonly AttemptNews[]
        const told = all.filter((attempt) => webhookId === undefined || attempt.webhookId === webhookId)
        // Only the last attempt of an entry carries its cursor, so that resuming after another one misses nothing.
        for (const [index, attempt] of told.entries())
          yield {
            kind: 'ATTEMPT',
            cursor: index === told.length - 1 ? item.cursor : before,
            at: item.entry.at,
            attempt,
          }
      }
      before = item.cursor
    }
  } finally {
    stream.close()
  }
}
