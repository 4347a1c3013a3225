import type { NewWebhook, WebhookChanges } from '#domain/webhooks/webhook-commands.ts'
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
  description: 'The retry policy. Default: eight attempts over about a day, at growing intervals.',
  fields: (t) => ({
    maxAttempts: t.int({ description: 'Maximum number of attempts, 1 to 50; default 8.' }),
    backoff: t.field({ type: WebhookBackoffEnum, description: 'How the delay grows; default SCHEDULE.' }),
    delayMs: t.int({ description: 'Delay before the second attempt, in milliseconds; default 5,000.' }),
    maxDelayMs: t.int({ description: 'Upper limit of the delay, in milliseconds; default 8 hours, at most 7 days.' }),
    statusCodes: t.intList({ description: 'Statuses to retry after; default: all except 2xx and 410.' }),
    scheduleMs: t.intList({ description: 'SCHEDULE: the delays in order; the last one repeats.' }),
  }),
})

type Fields = Parameters<Parameters<typeof builder.inputType<'', never>>[1]['fields']>[0]

/** The settings of a webhook; `required` for a new one. */
function settings<Required extends boolean>(t: Fields, required: Required) {
  return {
    name: t.string({ required, description: 'Its display name; at most 100 characters.' }),
    url: t.string({
      required,
      description: 'The URL to deliver to: https or, outside of production, http; without credentials.',
    }),
    events: t.stringList({
      required,
      description:
        'Types such as `task.completed`, families such as `task.*`, or `*` for all except security events, which need `auth.*`.',
    }),
    filter: t.field({
      type: 'JSON',
      description:
        'A condition on the event’s data, in the language of document filters: `{ path: "priority", eq: "CRITICAL" }`.',
    }),
    method: t.field({ type: WebhookMethodEnum, description: 'Default: POST.' }),
    headers: t.field({
      type: 'JSON',
      description:
        'An object with string values that are sent as headers. Those whose names look like credentials are stored encrypted and never shown again.',
    }),
    secretHeaders: t.field({
      type: 'JSON',
      description: 'Further headers, which are stored encrypted and never shown again whatever their names.',
    }),
    format: t.field({ type: WebhookFormatEnum, description: 'Default: STANDARD.' }),
    document: t.string({
      description:
        'GRAPHQL: one query, whose response is the body. It may declare `$type`, `$subject`, `$id` (the subject without its kind), `$at` and `$data`, and runs with the rights of the last person or token that created or changed the webhook. When all its fields are null, nothing is sent; when it returns errors, the attempt fails.',
    }),
    redact: t.stringList({
      description:
        'Paths to remove from the data, such as `input.customer.email` or `**.ssn`. Anything that looks like a credential is removed anyway.',
    }),
    timeoutMs: t.int({ description: 'How long a request may take, 100 to 30,000 ms; default 10,000.' }),
    retry: t.field({ type: WebhookRetryInput, description: 'The retry policy.' }),
    order: t.field({ type: WebhookOrderEnum, description: 'Default: NONE.' }),
    concurrency: t.int({ description: 'Maximum concurrent requests of each process, 1 to 100; default 10.' }),
    ratePerSecond: t.int({ description: 'Maximum requests per second of each process; default: no limit.' }),
  }
}

export const CreateWebhookInput = builder.inputType('CreateWebhookInput', {
  description: 'A webhook to create.',
  fields: (t) => ({
    ...settings(t as never, true),
    signing: t.field({ type: SigningMethodEnum, description: 'Default: HMAC_SHA256.' }),
    handshake: t.boolean({
      description:
        'Whether to ask the receiver first if it wants to be called, by OPTIONS with `WebHook-Request-Origin` (CloudEvents).',
    }),
    idempotencyKey: t.string({
      description: `${idempotencyKey.description} A secret is shown once: the second answer is WebhookSecretShown.`,
    }),
  }),
})

export const UpdateWebhookInput = builder.inputType('UpdateWebhookInput', {
  description: 'The fields to change; absent fields keep their values, and null restores the default.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'The id of the webhook.' }),
    ...settings(t as never, false),
    status: t.field({ type: WebhookStatusEnum, description: 'ACTIVE or INACTIVE.' }),
  }),
})

/** The input as the domain accepts it, which validates the content. */
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
