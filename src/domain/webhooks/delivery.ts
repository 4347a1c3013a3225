import type { JournalEntry } from '#platform/journal/entry.ts'
import { hashedId } from '#platform/journal/event-id.ts'
import type { DeliveryStatus } from './webhook.ts'

/** A delivery that is to be attempted now, by this process. */
export interface ClaimedDelivery {
  readonly accountId: string
  readonly id: string
  readonly webhookId: string
  readonly eventXid: bigint
  readonly eventSeq: bigint
  readonly eventAt: Date
  /** Attempts made before. */
  readonly attempt: number
  /** Attempts that don't count for its plan. */
  readonly attemptBase: number
  /** Undefined when the journal has it no longer. */
  readonly event: JournalEntry | undefined
}

/** What one request came to. */
export interface AttemptResult {
  readonly at: Date
  readonly durationMs: number
  /** A class, as of outbound calls; `skipped`, `expired`, `not_allowed`, `document_error`, `filter_error` and `internal_error` when nothing was sent. */
  readonly outcome: string
  readonly responseStatus?: number | undefined
  readonly responseHeaders?: Readonly<Record<string, string>> | undefined
  /** The beginning. */
  readonly responseBody?: string | undefined
  readonly error?: string | undefined
  readonly retryAfterMs?: number | undefined
  /** Whether the receiver wants no further attempt. */
  readonly stop?: boolean | undefined
}

/** Where a delivery stands after an attempt. */
export interface Settled {
  readonly status: Extract<DeliveryStatus, 'PENDING' | 'DELIVERED' | 'FAILED' | 'SKIPPED'>
  /** PENDING: after how long the next attempt is due, in milliseconds. */
  readonly waitMs?: number | undefined
  /** Whether the receiver says that it is gone for good. */
  readonly isGone?: boolean
}

/**
 * The id of the delivery of an event to a webhook. It is deterministic, so that no event is delivered under two ids, and
 * sorts by the event's time (UUID version 7, RFC 9562 §5.7, with a hash instead of the random part).
 */
export function deliveryId(webhookId: string, event: Pick<JournalEntry, 'xid' | 'seq' | 'at'>): string {
  return hashedId(`${webhookId} ${event.xid} ${event.seq}`, event.at)
}
