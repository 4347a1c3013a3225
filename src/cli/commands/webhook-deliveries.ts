import type { Command } from 'commander'
import { found } from '#cli/found.ts'
import { interruption } from '#cli/interrupt.ts'
import { choices, readCount, readList } from '#cli/options.ts'
import type { Output } from '#cli/output.ts'
import { reconnectionRemarks } from '#cli/reconnection.ts'
import { type Api, examples, type Session } from '#cli/session.ts'
import { moment, printable } from '#cli/text.ts'
import {
  DeliveriesDocument,
  DeliveryDocument,
  type DeliveryStatus,
  type DeliverySummaryFragment,
  type DeliveryUpdate,
  followDeliveries,
  WebhookDocument,
} from '#client/index.ts'
import { deliveryStyles, outcomeText } from './webhook-text.ts'

const statuses: readonly DeliveryStatus[] = ['PENDING', 'ACTIVE', 'DELIVERED', 'FAILED', 'SKIPPED', 'CANCELLED']

interface ListOptions {
  readonly status?: DeliveryStatus[]
  readonly types?: string[]
  readonly first: number
  readonly after?: string
  readonly follow?: boolean
}

export function addWebhookDeliveriesCommand(parent: Command, session: Session): void {
  const command = parent
    .command('deliveries [id]')
    .summary('what was delivered, and what was not')
    .description('Lists deliveries to one webhook, or to all, newest event first.')
    .option('-f, --follow', 'show the outcomes of new attempts, until Ctrl-C, across restarts of the server')
    .option('--status <statuses>', `some of ${statuses.join(', ')}`, choices(statuses))
    .option('--types <types>', 'of events of these types', readList)
    .option('--first <count>', 'how many, at most 200', readCount, 50)
    .option('--after <cursor>', 'continue after this cursor')
    .addHelpText('after', () => examples(`${session.invocation} webhook deliveries 01a20d99-… --status failed`))
  session.api(command, (api, options: ListOptions, id?: string) =>
    options.follow ? follow(api, id, options.after) : list(api, options, id),
  )
}

async function list({ client, output, json }: Api, options: ListOptions, webhookId: string | undefined): Promise<void> {
  const { status, types: eventType, first, after } = options
  const where = { webhookId, status, eventType }
  const { deliveries } = await client.request(DeliveriesDocument, { where, first, after })
  if (json) return output.document(deliveries)
  if (deliveries.nodes.length === 0) {
    if (webhookId !== undefined)
      found((await client.request(WebhookDocument, { id: webhookId })).webhook, `webhook ${webhookId}`)
    return output.remark('No deliveries.')
  }
  const webhook = {
    title: 'WEBHOOK',
    text: ({ webhook }: DeliverySummaryFragment) => printable(webhook.name),
    flexible: true,
  }
  output.table(deliveries.nodes, [
    { title: 'ID', text: ({ id }) => id },
    ...(webhookId === undefined ? [webhook] : []),
    { title: 'STATUS', text: ({ status }) => status, style: ({ status }) => deliveryStyles[status] },
    { title: 'EVENT', text: ({ eventType }) => printable(eventType), flexible: true },
    { title: 'SUBJECT', text: ({ subject }) => printable(subject), flexible: true, optional: true },
    { title: 'ATTEMPTS', text: ({ attempt }) => String(attempt) },
    { title: 'OUTCOME', text: ({ outcome, responseStatus }) => outcomeText(outcome, responseStatus), flexible: true },
    { title: 'MADE', text: ({ createdAt }) => moment(createdAt), optional: true },
    { title: 'NEXT', text: ({ nextAttemptAt }) => (nextAttemptAt ? moment(nextAttemptAt) : ''), optional: true },
  ])
  const { pageInfo } = deliveries
  if (pageInfo.hasNextPage) output.remark(`There are more: add --after ${pageInfo.endCursor}`)
}

async function follow(
  { client, output, json }: Api,
  webhookId: string | undefined,
  after: string | undefined,
): Promise<number> {
  using interrupted = interruption()
  const remarks = reconnectionRemarks((text) => output.remark(text))
  try {
    for await (const update of followDeliveries(client, webhookId, { after, signal: interrupted.signal, ...remarks })) {
      if (json) output.record(update)
      else tell(output, update)
    }
  } catch (error) {
    if (!interrupted.signal.aborted) throw error
    throw interrupted.signal.reason
  }
  return 0
}

function tell(output: Output, update: DeliveryUpdate): void {
  const { at, deliveryId, eventType, status, attempt, outcome, responseStatus, durationMs } = update
  const state = status ? output.styled(deliveryStyles[status], status) : ''
  const facts = `attempt ${attempt}, ${outcomeText(outcome, responseStatus)}, ${durationMs} ms`
  output.line(`${output.styled('dim', moment(at))}  ${deliveryId}  ${printable(eventType ?? '')}  ${state}  ${facts}`)
}

export function addWebhookDeliveryCommand(parent: Command, session: Session): void {
  const command = parent
    .command('delivery <id>')
    .summary('one delivery with its attempts')
    .description('Shows a delivery, with the answer of the receiver to each attempt.')
  session.api(command, async ({ client, output, json }, _options: object, id: string) => {
    const delivery = found((await client.request(DeliveryDocument, { id })).delivery, `delivery ${id}`)
    if (json) return output.document(delivery)
    output.properties([
      ['id', delivery.id],
      ['webhook', printable(`${delivery.webhook.name}, ${delivery.webhook.id}`)],
      ['event', printable(`${delivery.eventType}, ${delivery.subject}`)],
      ['status', delivery.status],
      ['next attempt', delivery.nextAttemptAt ? moment(delivery.nextAttemptAt) : undefined],
      ...delivery.attempts.map(
        (one) =>
          [
            `attempt ${one.number}`,
            printable(
              `${moment(one.at)}, ${outcomeText(one.outcome, one.responseStatus)}, ${one.durationMs} ms ${one.error ?? ''} ${one.responseBody?.slice(0, 200) ?? ''}`,
            ).trim(),
          ] as const,
      ),
    ])
  })
}
