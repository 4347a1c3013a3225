import type { NewWebhook, WebhookChanges } from '#domain/webhooks/service.ts'
import { builder } from '#schema/builder.ts'
import { idempotencyKey } from '#schema/idempotency.ts'
import {
  SigningMethodEnum,
  WebhookBackoffEnum,
  WebhookFormatEnum,
  WebhookMethodEnum,
  WebhookOrderEnum,
  WebhookStatusEnum,
} from './enums.ts'

const WebhookRetryInput = builder.inputType('WebhookRetryInput', {
  description:
    'When a failed attempt is followed by another. Without anything: eight attempts over about a day, soon at first and then ever more seldom.',
  fields: (t) => ({
    maxAttempts: t.int({ description: 'How many there may be in all, 1 to 50; 8 when absent.' }),
    backoff: t.field({ type: WebhookBackoffEnum, description: 'How the wait grows; SCHEDULE when absent.' }),
    delayMs: t.int({ description: 'Wait before the second attempt, in milliseconds; 5,000 when absent.' }),
    maxDelayMs: t.int({ description: 'The longest wait, in milliseconds; 8 hours when absent, at most 7 days.' }),
    statusCodes: t.intList({ description: 'Statuses after which to try again; all but 2xx and 410 when absent.' }),
    scheduleMs: t.intList({ description: 'SCHEDULE: the waits in their order; the last one repeats.' }),
  }),
})

type Fields = Parameters<Parameters<typeof builder.inputType<'', never>>[1]['fields']>[0]

/** What a webhook consists of; `required` for a new one. */
function settings<Required extends boolean>(t: Fields, required: Required) {
  return {
    name: t.string({ required, description: 'For people; at most 100 characters.' }),
    url: t.string({
      required,
      description: 'Where deliveries go: https, and outside of production http too. No credentials in it.',
    }),
    events: t.stringList({
      required,
      description:
        'Types such as `task.completed`, families such as `task.*`, or `*` for all but what concerns security, which `auth.*` asks for.',
    }),
    filter: t.field({
      type: 'JSON',
      description:
        'What an event’s data must be like, in the language of document filters: `{ path: "priority", eq: "CRITICAL" }`.',
    }),
    method: t.field({ type: WebhookMethodEnum, description: 'POST when absent.' }),
    headers: t.field({
      type: 'JSON',
      description:
        'An object of texts that are sent as headers. Those whose names look like credentials are kept encrypted and never shown again.',
    }),
    secretHeaders: t.field({
      type: 'JSON',
      description: 'More of them, which are kept encrypted and never shown again whatever their names.',
    }),
    format: t.field({ type: WebhookFormatEnum, description: 'STANDARD when absent.' }),
    document: t.string({
      description:
        'GRAPHQL: one query, whose answer is the body. It may declare `$type`, `$subject`, `$id` (the subject without its kind), `$at` and `$data`, and is run with the rights of the last person or token that created or changed the webhook. When all its fields are null, nothing is sent; when it is answered with errors, that attempt has failed.',
    }),
    redact: t.stringList({
      description:
        'Paths of the data that are left out, such as `input.customer.email` or `**.ssn`. What looks like a credential is left out anyway.',
    }),
    timeoutMs: t.int({ description: 'How long a request may take, 100 to 30,000 ms; 10,000 when absent.' }),
    retry: t.field({ type: WebhookRetryInput, description: 'When a failed attempt is followed by another.' }),
    order: t.field({ type: WebhookOrderEnum, description: 'NONE when absent.' }),
    concurrency: t.int({ description: 'Requests under way at once, by each process, 1 to 100; 10 when absent.' }),
    ratePerSecond: t.int({ description: 'Requests begun in a second, by each process; no limit when absent.' }),
  }
}

export const CreateWebhookInput = builder.inputType('CreateWebhookInput', {
  description: 'A webhook to be made.',
  fields: (t) => ({
    ...settings(t as never, true),
    signing: t.field({ type: SigningMethodEnum, description: 'HMAC_SHA256 when absent.' }),
    handshake: t.boolean({
      description:
        'Whether the receiver is asked first if it wants to be called, by OPTIONS with `WebHook-Request-Origin` (CloudEvents).',
    }),
    idempotencyKey: t.string({
      description: `${idempotencyKey.description} A secret is shown once: the second answer is WebhookSecretShown.`,
    }),
  }),
})

export const UpdateWebhookInput = builder.inputType('UpdateWebhookInput', {
  description: 'What is to be changed; what is left out stays, and null stands for what is usual.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'The id of the webhook.' }),
    ...settings(t as never, false),
    status: t.field({ type: WebhookStatusEnum, description: 'ACTIVE or INACTIVE.' }),
  }),
})

/** As the domain takes it, which checks what is inside. */
export function toNewWebhook(input: typeof CreateWebhookInput.$inferInput): NewWebhook {
  return withoutNulls(input) as unknown as NewWebhook
}

export function toChanges({ id: _, retry, ...input }: typeof UpdateWebhookInput.$inferInput): WebhookChanges {
  return { ...input, retry: retry && withoutNulls(retry) } as unknown as WebhookChanges
}

function withoutNulls(input: object): object {
  const given = Object.entries(input).filter(([, value]) => value !== null && value !== undefined)
  return Object.fromEntries(given.map(([name, value]) => [name, name === 'retry' ? withoutNulls(value) : value]))
}
