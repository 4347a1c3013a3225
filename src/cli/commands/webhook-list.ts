import type { Command } from 'commander'
import { found } from '#cli/found.ts'
import { choices, readCount } from '#cli/options.ts'
import { type Api, examples, type Session } from '#cli/session.ts'
import { duration, printable } from '#cli/text.ts'
import { WebhookDocument, type WebhookStatus, WebhooksDocument } from '#client/index.ts'
import { tellWebhook, webhookStyles } from './webhook-text.ts'

interface ListOptions {
  readonly status?: WebhookStatus[]
  readonly first: number
  readonly after?: string
}

const statuses: readonly WebhookStatus[] = ['ACTIVE', 'INACTIVE', 'FAILED']

export function addWebhookListCommand(parent: Command, session: Session): void {
  const command = parent
    .command('list')
    .alias('ls')
    .summary('the webhooks, newest first')
    .description('Lists webhooks, newest first.')
    .option('--status <statuses>', `some of ${statuses.join(', ')}`, choices(statuses))
    .option('--first <count>', 'how many, at most 200', readCount, 50)
    .option('--after <cursor>', 'continue after this cursor')
    .addHelpText('after', () => examples(`${session.invocation} webhook list --status failed`))
  session.api(command, list)
}

async function list({ client, output, json }: Api, { status, first, after }: ListOptions): Promise<void> {
  const { webhooks } = await client.request(WebhooksDocument, { status, first, after })
  if (json) return output.document(webhooks)
  if (webhooks.nodes.length === 0) return output.remark('No webhooks.')
  const now = Date.now()
  output.table(webhooks.nodes, [
    { title: 'ID', text: ({ id }) => id },
    { title: 'NAME', text: ({ name }) => printable(name), flexible: true },
    { title: 'STATUS', text: ({ status }) => status, style: ({ status }) => webhookStyles[status] },
    { title: 'EVENTS', text: ({ events }) => events.join(','), flexible: true },
    { title: 'URL', text: ({ url }) => printable(url), flexible: true, optional: true },
    { title: 'TAKEN', text: ({ statistics }) => String(statistics.delivered) },
    { title: 'GIVEN UP', text: ({ statistics }) => String(statistics.undelivered), optional: true },
    {
      title: 'LAST',
      text: ({ statistics: { lastDeliveryAt: at } }) => (at ? `${duration(now - Date.parse(at))} ago` : 'never'),
      optional: true,
    },
  ])
  const { pageInfo } = webhooks
  if (pageInfo.hasNextPage) output.remark(`There are more: add --after ${pageInfo.endCursor}`)
}

export function addWebhookShowCommand(parent: Command, session: Session): void {
  const command = parent.command('show <id>').summary('one webhook').description('Shows everything about a webhook.')
  session.api(command, async ({ client, output, json }, _options: object, id: string) => {
    const webhook = found((await client.request(WebhookDocument, { id })).webhook, `webhook ${id}`)
    if (json) return output.document(webhook)
    tellWebhook(output, webhook)
  })
}
