import type { SignalboxClient } from './client.ts'
import { DeliveryUpdatesDocument, type DeliveryUpdatesSubscription } from './generated/graphql.ts'
import { type FollowOptions, resume } from './resume.ts'

/** What an attempt to deliver to a webhook came to. */
export type DeliveryUpdate = DeliveryUpdatesSubscription['deliveryUpdates']

/**
 * The outcomes of delivery attempts from now on, or after a cursor, of one webhook or all: each once, across restarts of
 * the server. The stream has no end. `LAGGED` is never yielded: dropped updates are fetched again.
 * @throws {SignalboxError} @throws {SignalboxUnreachable} when patience ends.
 */
export function followDeliveries(
  client: SignalboxClient,
  webhookId: string | undefined,
  options: FollowOptions = {},
): AsyncGenerator<DeliveryUpdate, void> {
  const { signal } = options
  // Attempts that ended together share one cursor, except the last one, and are sent again together.
  const told = new Map<string | null, Set<number | null>>()
  let cursor: string | undefined
  return resume<DeliveryUpdate>(
    {
      async *open(after, onConnected) {
        const stream = client.subscribe(DeliveryUpdatesDocument, { webhookId, after }, { signal, onConnected })
        for await (const { deliveryUpdates: update } of stream) {
          const { deliveryId, attempt } = update
          if (update.kind === 'ATTEMPT' && told.get(deliveryId)?.has(attempt)) continue
          if (update.cursor !== cursor) told.clear()
          cursor = update.cursor
          told.set(deliveryId, (told.get(deliveryId) ?? new Set()).add(attempt))
          yield update
        }
      },
      cursorOf: (update) => update.cursor,
      isLagged: ({ kind }) => kind === 'LAGGED',
      isLast: () => false,
      isOver: async () => false,
    },
    options,
  )
}
