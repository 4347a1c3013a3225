import type { IncomingHttpHeaders } from 'node:http'
import { classOfStatus } from '#platform/http/outbound-failure.ts'
import type { AttemptResult, ClaimedDelivery, Settled } from './delivery.ts'
import { type RetryPlan, waitMs } from './retry-plan.ts'

/** A receiver that sends this with the value `stop` wants no further attempt. */
const retryHeader = 'webhook-retry'
const gone = 410
/** Nobody was asked. */
const unsent: ReadonlySet<string> = new Set([
  'skipped',
  'expired',
  'not_allowed',
  'document_error',
  'filter_error',
  'internal_error',
])

/** Where a delivery stands after an attempt; `random` is 0 to 1. */
export function settle(
  plan: RetryPlan,
  { attempt, attemptBase }: Pick<ClaimedDelivery, 'attempt' | 'attemptBase'>,
  result: AttemptResult,
  random: number,
): Settled {
  if (result.outcome === 'success') return { status: 'DELIVERED' }
  if (result.outcome === 'skipped') return { status: 'SKIPPED' }
  const isGone = result.responseStatus === gone
  const made = attempt + 1 - attemptBase
  if (isGone || result.stop === true || made >= plan.maxAttempts || !mayHelp(plan, result))
    return { status: 'FAILED', isGone }
  return { status: 'PENDING', waitMs: waitMs(plan, made, random, result.retryAfterMs) }
}

/** Whether another attempt may come out better. */
function mayHelp({ statusCodes }: RetryPlan, { outcome, responseStatus }: AttemptResult): boolean {
  if (outcome === 'expired' || outcome === 'not_allowed') return false
  return responseStatus === undefined || statusCodes === undefined || statusCodes.includes(responseStatus)
}

/** Whether an attempt tells that the receiver works, or doesn't; undefined: it says nothing of that. */
export function tellsOfReceiver({ outcome, responseStatus }: AttemptResult): boolean | undefined {
  if (outcome === 'success') return true
  if (unsent.has(outcome)) return undefined
  if (responseStatus === undefined) return false
  // It answers, and refuses this one.
  return classOfStatus(responseStatus) === 'client_error' && responseStatus !== 429 ? undefined : false
}

export function isStopAsked(headers: IncomingHttpHeaders): boolean {
  return String(headers[retryHeader] ?? '').toLowerCase() === 'stop'
}
