import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from 'commander'
import { CommandFailure, exitCodes } from '#cli/exit-codes.ts'
import { readDuration } from '#cli/options.ts'
import { type Api, examples, type Session } from '#cli/session.ts'
import { printable } from '#cli/text.ts'
import { DeliveryDocument, payloadOf, RedeliverDocument, TestWebhookDocument } from '#client/index.ts'
import { readJson } from './webhook-change.ts'
import { outcomeText } from './webhook-text.ts'

export function addWebhookTestCommand(parent: Command, session: Session): void {
  const command = parent
    .command('test <id>')
    .summary('send a webhook an event of its own')
    .description('Sends the event webhook.ping to a webhook, and prints the id of the delivery.')
    .option('--payload <json>', 'what it has as data.payload', readJson)
    .option('-w, --watch', 'wait for the first attempt, and show its outcome')
    .addHelpText('after', () => examples(`${session.invocation} webhook test 01a20d99-… --watch`))
  session.api(command, test)
}

async function test(
  api: Api,
  { payload, watch = false }: { payload?: unknown; watch?: boolean },
  id: string,
): Promise<number> {
  const { client, output, json } = api
  const { testWebhook } = await client.request(TestWebhookDocument, { input: { id, payload } })
  const { deliveryId } = payloadOf(testWebhook)
  if (watch) return tellAttempt(api, deliveryId)
  if (json) output.document({ deliveryId })
  else output.line(`webhook.ping is on its way: see \`webhook delivery ${deliveryId}\`.`)
  return exitCodes.ok
}

/** Longer than a request may take. */
const maxWaitMs = 40_000
const askAgainMs = 200

async function tellAttempt({ client, output, json }: Api, id: string): Promise<number> {
  for (const until = Date.now() + maxWaitMs; ; await sleep(askAgainMs)) {
    const { delivery } = await client.request(DeliveryDocument, { id })
    const [attempt] = delivery?.attempts.toReversed() ?? []
    if (attempt !== undefined && delivery !== null) {
      const { outcome, responseStatus, durationMs, error } = attempt
      if (json) output.document(delivery)
      else
        output.line(
          printable(`webhook.ping: ${outcomeText(outcome, responseStatus)}, ${durationMs} ms ${error ?? ''}`).trim(),
        )
      return outcome === 'success' || outcome === 'skipped' ? exitCodes.ok : exitCodes.failed
    }
    if (Date.now() < until) continue
    throw new CommandFailure(`There was no attempt yet: see \`webhook delivery ${id}\`.`, exitCodes.unavailable)
  }
}

interface RedeliverOptions {
  readonly delivery?: string
  readonly failedSince?: number
  readonly eventsSince?: number
  readonly dryRun?: boolean
}

export function addWebhookRedeliverCommand(parent: Command, session: Session): void {
  const command = parent
    .command('redeliver [id]')
    .summary('deliver again')
    .description(
      'Delivers again under the same ids: one delivery, what has FAILED of a webhook, or all events of a time that it asks for.',
    )
    .option('--delivery <id>', 'this one')
    .option('--failed-since <duration>', 'deliveries created since then that have failed: 2h, 1d', readDuration)
    .option('--events-since <duration>', 'all events since then, delivered or not', readDuration)
    .option('--dry-run', 'only say how many that would be')
    .addHelpText('after', () =>
      examples(`${session.invocation} webhook redeliver 01a20d99-… --failed-since 1d --dry-run`),
    )
  session.api(command, redeliver)
}

async function redeliver({ client, output, json }: Api, options: RedeliverOptions, webhookId?: string): Promise<void> {
  const { delivery: deliveryId, failedSince, eventsSince, dryRun = false } = options
  const kinds = [deliveryId, failedSince, eventsSince].filter((given) => given !== undefined)
  if (kinds.length !== 1 || (deliveryId === undefined) !== (webhookId !== undefined))
    throw new CommandFailure(
      'Say what: --delivery <id>, or the id of a webhook with either --failed-since or --events-since.',
      exitCodes.invalid,
    )
  const input = { deliveryId, webhookId, failedSince: ago(failedSince), eventsFrom: ago(eventsSince), dryRun }
  const { count, isMore } = payloadOf((await client.request(RedeliverDocument, { input })).redeliver)
  if (json) return output.document({ count, isMore, dryRun })
  const what = count === 1 ? '1 delivery' : `${count} deliveries`
  output.line(dryRun ? `${what} would be made again.` : `${what} will be made again.`)
  if (isMore) output.remark('There are more: run it once more.')
}

function ago(durationMs: number | undefined): string | undefined {
  return durationMs === undefined ? undefined : new Date(Date.now() - durationMs).toISOString()
}
