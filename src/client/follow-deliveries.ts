import type { SignalboxClient } from './client.ts'
import { DeliveryUpdatesDocument, type DeliveryUpdatesSubscription } from './generated/graphql.ts'
import { type FollowOptions, resume } from './resume.ts'

/** What an attempt to deliver to a webhook came to. */
export type DeliveryUpdate = DeliveryUpdatesSubscription['deliveryUpdates']

/**
 * What attempts come to from now on, or after a cursor, of one webhook or all: each once, across restarts of the server.
 * It never ends by itself. `LAGGED` is never yielded: what was dropped is fetched again.
 * @throws {SignalboxError} @throws {SignalboxUnreachable} when patience ends.
 */
export function followDeliveries(
  client: SignalboxClient,
  webhookId: string | undefined,
  options: FollowOptions = {},
): AsyncGenerator<DeliveryUpdate, void> {
  const { signal } = options
  // Those that ended together have one cursor but for the last, and are told again together.
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
