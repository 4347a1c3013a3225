import { followDeliveries } from '#client/follow-deliveries.ts'
import { DeliveriesDocument, type DeliveryFilter, type DeliverySummaryFragment } from '#client/generated/graphql.ts'
import { type ListState, useList } from './use-list.ts'
import { quietly } from './use-query.ts'
import { keyOf } from './use-resource.ts'

export interface DeliveriesOptions {
  readonly where?: DeliveryFilter | undefined
  /** Deliveries in a page, 1 to 200. Default: 50. */
  readonly pageSize?: number | undefined
  readonly skip?: boolean | undefined
}

const defaultPageSize = 50

/** Deliveries to webhooks, newest event first, as they are attempted. */
export function useDeliveries(options: DeliveriesOptions = {}): ListState<DeliverySummaryFragment> {
  const { where, pageSize = defaultPageSize, skip = false } = options
  const variables = { where, first: pageSize }
  return useList(skip ? undefined : keyOf('deliveries', variables), {
    document: DeliveriesDocument,
    variables,
    select: ({ deliveries }) => deliveries,
    idOf: ({ id }) => id,
    follow: (sink, refetch) =>
      quietly(sink, async () => {
        const webhookId = where?.webhookId == null ? undefined : String(where.webhookId)
        const connected = () => refetch.connected()
        for await (const _ of followDeliveries(sink.client, webhookId, sink.follow(connected))) refetch.soon()
      }),
  })
}
