import type { Output, Style } from '#cli/output.ts'
import { duration, moment, printable } from '#cli/text.ts'
import type { DeliveryStatus, WebhookDetailsFragment, WebhookStatus } from '#client/index.ts'

export const webhookStyles: Readonly<Record<WebhookStatus, Style>> = { ACTIVE: 'green', INACTIVE: 'dim', FAILED: 'red' }
export const deliveryStyles: Readonly<Record<DeliveryStatus, Style>> = {
  PENDING: 'yellow',
  ACTIVE: 'cyan',
  DELIVERED: 'green',
  FAILED: 'red',
  SKIPPED: 'dim',
  CANCELLED: 'dim',
}

/** Everything about a webhook, for people. */
export function tellWebhook(output: Output, webhook: WebhookDetailsFragment): void {
  const { statistics, retry, headers, filter } = webhook
  const { delivered, undelivered, attempts, failedAttempts, averageMs, waiting } = statistics
  output.properties([
    ['id', webhook.id],
    ['name', printable(webhook.name)],
    ['status', webhook.statusReason ? `${webhook.status}: ${printable(webhook.statusReason)}` : webhook.status],
    ['url', `${webhook.method} ${printable(webhook.url)}`],
    ['events', webhook.events.join(', ')],
    ['filter', filter == null ? undefined : printable(JSON.stringify(filter))],
    ['format', webhook.format],
    ['query', webhook.document ? printable(webhook.document) : undefined],
    ['headers', printable(headerText(headers))],
    ['redacted', printable(webhook.redact.join(', '))],
    ['order', webhook.order],
    ['retries', `${retry.maxAttempts} attempts, ${planText(retry)}`],
    ['timeout', duration(webhook.timeoutMs)],
    ['signed by', webhook.publicKey ?? webhook.signing],
    ['verified', webhook.verifiedAt ? moment(webhook.verifiedAt) : 'not yet'],
    ['made', `${moment(webhook.createdAt)} by ${printable(webhook.createdBy.name)}`],
    ['runs as', `${printable(webhook.maker.actor.name)}: ${webhook.maker.scopes.join(', ') || 'no rights left'}`],
    ['deliveries', `${delivered} taken, ${undelivered} given up, ${waiting} waiting`],
    [
      'requests',
      `${attempts}, of which ${failedAttempts} failed${averageMs === null ? '' : `; ${averageMs.toFixed(1)} ms each`}`,
    ],
  ])
}

function headerText(headers: unknown): string {
  return Object.entries(headers as Record<string, string>)
    .map(([name, value]) => `${name}: ${value}`)
    .join(', ')
}

function planText({ backoff, delayMs, scheduleMs }: WebhookDetailsFragment['retry']): string {
  if (backoff !== 'SCHEDULE') return `${backoff.toLowerCase()} from ${duration(delayMs)}`
  return `after ${scheduleMs.map(duration).join(', ')}`
}

/** What an attempt came to, in a word or two. */
export function outcomeText(outcome: string | null, responseStatus: number | null): string {
  return [outcome ?? '', responseStatus === null ? '' : String(responseStatus)].filter(Boolean).join(' ')
}
