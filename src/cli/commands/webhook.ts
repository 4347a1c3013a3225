import type { Command } from 'commander'
import type { Session } from '#cli/session.ts'
import {
  addWebhookCreateCommand,
  addWebhookDeleteCommand,
  addWebhookRotateCommand,
  addWebhookUpdateCommand,
} from './webhook-change.ts'
import { addWebhookDeliveriesCommand, addWebhookDeliveryCommand } from './webhook-deliveries.ts'
import { addWebhookListCommand, addWebhookShowCommand } from './webhook-list.ts'
import { addWebhookListenCommand } from './webhook-listen.ts'
import { addWebhookRedeliverCommand, addWebhookTestCommand } from './webhook-send.ts'
import { addWebhookTriggerCommand } from './webhook-trigger.ts'

/** Everything about webhooks. */
export function addWebhookCommand(parent: Command, session: Session): void {
  const webhook = parent
    .command('webhook')
    .summary('send events to other systems')
    .description('Creates, changes and tests webhooks, and shows their deliveries.')
  for (const add of [
    addWebhookListCommand,
    addWebhookCreateCommand,
    addWebhookShowCommand,
    addWebhookUpdateCommand,
    addWebhookDeleteCommand,
    addWebhookRotateCommand,
    addWebhookTestCommand,
    addWebhookTriggerCommand,
    addWebhookDeliveriesCommand,
    addWebhookDeliveryCommand,
    addWebhookRedeliverCommand,
    addWebhookListenCommand,
  ])
    add(webhook, session)
}
