import type { Command } from 'commander'
import { examples, type Session } from '#cli/session.ts'
import { printable } from '#cli/text.ts'
import { payloadOf, TriggerEventDocument } from '#client/index.ts'
import { readJson } from './webhook-change.ts'

interface TriggerOptions {
  readonly data?: unknown
  readonly subject?: string
  readonly key?: string
}

export function addWebhookTriggerCommand(parent: Command, session: Session): void {
  const command = parent
    .command('trigger <type>')
    .summary('write an event of your own')
    .description('Publishes a custom event to webhooks and to everyone who follows events.')
    .option('--data <json>', 'an object', readJson)
    .option('--subject <subject>', 'what it is about, such as release:v1.4')
    .option('--key <key>', 'the same key again does nothing more, within a day')
    .addHelpText('after', () =>
      examples(`${session.invocation} webhook trigger release.published --data '{"version":"v1.4"}'`),
    )
  session.api(command, async ({ client, output, json }, { data, subject, key }: TriggerOptions, type: string) => {
    const input = { type, data, subject, idempotencyKey: key }
    const told = payloadOf((await client.request(TriggerEventDocument, { input })).triggerEvent)
    if (json) return output.document(told)
    const { length } = told.deliveryIds
    output.line(
      `${printable(told.subject)} was published; ${length === 1 ? '1 delivery follows' : `${length} deliveries follow`}.`,
    )
  })
}
