import { type Command, InvalidArgumentError } from 'commander'
import { CommandFailure, exitCodes } from '#cli/exit-codes.ts'
import { parseJson } from '#cli/input.ts'
import { choice, collect, readCount, readDuration, readList } from '#cli/options.ts'
import type { Output } from '#cli/output.ts'
import { type Api, examples, type Session } from '#cli/session.ts'
import { duration, printable } from '#cli/text.ts'
import {
  CreateWebhookDocument,
  DeleteWebhookDocument,
  payloadOf,
  RotateWebhookSecretDocument,
  type SigningMethod,
  UpdateWebhookDocument,
  type WebhookFormat,
} from '#client/index.ts'
import { tellWebhook } from './webhook-text.ts'

interface Settings {
  readonly events?: readonly string[]
  readonly filter?: unknown
  readonly header?: readonly string[]
  readonly format?: WebhookFormat
  readonly query?: string
  readonly redact?: readonly string[]
  readonly timeout?: number
  readonly attempts?: number
  readonly ordered?: boolean
}

const formats: readonly WebhookFormat[] = [
  'STANDARD',
  'CLOUDEVENTS_STRUCTURED',
  'CLOUDEVENTS_BINARY',
  'DOCUMENTED',
  'SLACK',
  'TEAMS',
  'DISCORD',
  'GRAPHQL',
]
const methods: readonly SigningMethod[] = ['HMAC_SHA256', 'ED25519']

/** What `create` and `update` have in common. */
function addSettings(command: Command): Command {
  return command
    .option('--events <types>', 'types or families, such as task.completed,document.*; or *', readList)
    .option('--filter <json>', 'what an event’s data must be like, such as \'{"path":"size","gte":10}\'', readJson)
    .option('-H, --header <header>', 'a header, such as "Authorization: Bearer …"; may be repeated', collect)
    .option('--format <format>', `one of ${formats.join(', ')}`, choice(formats))
    .option('--query <graphql>', 'the query whose answer is the body, with --format graphql')
    .option('--redact <paths>', 'paths of the data that are left out, such as input.customer.email', readList)
    .option('--timeout <duration>', 'how long a request may take: 5s, at most 30s', readDuration)
    .option('--attempts <count>', 'how many attempts there may be', readCount)
    .option('--ordered', 'what happens to one subject arrives in its order')
}

export function addWebhookCreateCommand(parent: Command, session: Session): void {
  const command = parent
    .command('create <name> <url>')
    .summary('create a webhook')
    .description(
      'Creates a webhook, and sends it a first event, webhook.ping. Standard output has the key that receivers verify signatures with and nothing else; a secret is shown only once.',
    )
  addSettings(command)
    .option('--signing <method>', `one of ${methods.join(', ')}`, choice(methods))
    .option('--handshake', 'ask the receiver first whether it wants to be called')
    .addHelpText('after', () =>
      examples(
        `SECRET=$(${session.invocation} webhook create deployments https://example.com/hook --events task.completed,task.failed)`,
        `${session.invocation} webhook create chat https://hooks.slack.com/services/… --events task.failed --format slack`,
      ),
    )
  session.api(command, create)
}

async function create(
  { client, output, json }: Api,
  { signing, handshake, ...options }: Settings & { signing?: SigningMethod; handshake?: boolean },
  name: string,
  url: string,
): Promise<void> {
  const input = { name, url, events: ['*'], ...settingsOf(options), signing, handshake }
  const { createWebhook } = await client.request(CreateWebhookDocument, { input })
  const payload = payloadOf(createWebhook)
  if (options.events === undefined) output.remark('Without --events it receives all events.')
  for (const warning of payload.webhook.eventWarnings) output.remark(printable(warning))
  tellKeyed(output, json, payload, `was created: ${printable(name)}`)
}

export function addWebhookUpdateCommand(parent: Command, session: Session): void {
  const command = parent
    .command('update <id>')
    .summary('change a webhook')
    .description('Updates a webhook, for deliveries from now on; options that are left out keep their values.')
    .option('--name <name>', 'for people')
    .option('--target <url>', 'where deliveries go')
    .option('--no-ordered', 'events arrive as they come')
    .option('--status <status>', 'active or inactive', choice(['ACTIVE', 'INACTIVE'] as const))
  addSettings(command).addHelpText('after', () =>
    examples(`${session.invocation} webhook update 01a20d99-… --status inactive`),
  )
  session.api(command, update)
}

async function update(
  { client, output, json }: Api,
  { name, target, status, ...options }: Settings & { name?: string; target?: string; status?: 'ACTIVE' | 'INACTIVE' },
  id: string,
): Promise<void> {
  const input = { id, name, url: target, status, ...settingsOf(options) }
  const { webhook } = payloadOf((await client.request(UpdateWebhookDocument, { input })).updateWebhook)
  for (const warning of webhook.eventWarnings) output.remark(printable(warning))
  if (json) return output.document(webhook)
  tellWebhook(output, webhook)
}

export function addWebhookDeleteCommand(parent: Command, session: Session): void {
  const command = parent
    .command('delete <id>')
    .alias('rm')
    .summary('delete a webhook')
    .description(
      'Deletes a webhook and its pending deliveries; its history is kept within the retention of deliveries.',
    )
  session.api(command, async ({ client, output, json }, _options: object, id: string) => {
    const { webhook } = payloadOf((await client.request(DeleteWebhookDocument, { id })).deleteWebhook)
    if (json) return output.document(webhook)
    output.line(`Webhook ${webhook.id} was deleted: ${printable(webhook.name)}.`)
  })
}

export function addWebhookRotateCommand(parent: Command, session: Session): void {
  const command = parent
    .command('rotate-secret <id>')
    .summary('give a webhook a new key')
    .description('Replaces the signing key of a webhook. Standard output has the new key and nothing else.')
    .option('--overlap <duration>', 'how long the old key signs beside the new one: 1h, at most 7d', readDuration)
    .option('--signing <method>', `how it signs from now on: one of ${methods.join(', ')}`, choice(methods))
    .addHelpText('after', () =>
      examples(`SECRET=$(${session.invocation} webhook rotate-secret 01a20d99-… --overlap 24h)`),
    )
  session.api(command, rotate)
}

async function rotate(
  { client, output, json }: Api,
  { overlap = 0, signing }: { overlap?: number; signing?: SigningMethod },
  id: string,
): Promise<void> {
  const input = { id, overlapMs: overlap, signing }
  const { rotateWebhookSecret } = await client.request(RotateWebhookSecretDocument, { input })
  const old = overlap > 0 ? `signs for another ${duration(overlap)}` : 'signs no longer'
  tellKeyed(output, json, payloadOf(rotateWebhookSecret), `has a new key; the old one ${old}`)
}

/** The key alone goes to standard output, so that a script can take it as it is. */
function tellKeyed(
  output: Output,
  json: boolean,
  { secret, webhook }: { secret: string; webhook: { id: string } },
  what: string,
): void {
  if (json) return output.document({ secret, webhook })
  output.remark(`Webhook ${webhook.id} ${what}.`)
  output.remark('Receivers verify signatures with this; a secret is shown only once:')
  output.line(secret)
}

/** Only what these commands ask for: every command has options of its own beside. */
function settingsOf(options: Settings) {
  const { events, filter, header, format, query, redact, timeout, attempts, ordered } = options
  return {
    ...(filter !== undefined && { filter }),
    ...(format && { format }),
    ...(events && { events: [...events] }),
    ...(redact && { redact: [...redact] }),
    ...(header && { headers: Object.fromEntries(header.map(readHeader)) }),
    ...(query && { document: query }),
    ...(timeout && { timeoutMs: timeout }),
    ...(attempts && { retry: { maxAttempts: attempts } }),
    ...(ordered !== undefined && { order: ordered ? ('PER_SUBJECT' as const) : ('NONE' as const) }),
  }
}

function readHeader(text: string): [name: string, value: string] {
  const colon = text.indexOf(':')
  if (colon < 1) throw new CommandFailure(`A header is "Name: value"; "${printable(text)}" is none.`, exitCodes.invalid)
  return [text.slice(0, colon).trim(), text.slice(colon + 1).trim()]
}

export function readJson(text: string): unknown {
  try {
    return parseJson(text, 'It')
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message)
  }
}
