import { z } from 'zod'
import { type InputIssue, type InvalidInput, invalidInput } from '#lib/errors.ts'
import { parseLiveFilter } from '#lib/filter/live-filter.ts'
import { headerName, headerValue, isTransportHeader, mergeHeaders, repeatedHeader } from '#lib/http-header.ts'
import { isStorable } from '#lib/json.ts'
import { isNestedBeyond, tooDeep } from '#lib/json-depth.ts'
import { inWords, issuesOf } from '#lib/parse.ts'
import { isEventPattern } from './event-pattern.ts'
import { looksSensitive } from './redaction.ts'
import { defaultRetryPlan, webhookBackoffs } from './retry-plan.ts'
import { signingMethods } from './signature.ts'
import { type WebhookSettings, webhookFormats, webhookMethods, webhookOrders } from './webhook.ts'

const maxWaitMs = 7 * 24 * 60 * 60 * 1000
/** What the body, or the signature, says, beside what HTTP itself says. */
const ownHeaders = /^(content-type|webhook-(id|timestamp|signature)|ce-.*)$/i
const maxHeaders = 30

const wait = z.int().min(0).max(maxWaitMs)
const headers = z
  .record(
    z
      .string()
      .max(100)
      .regex(headerName, 'is not a header name')
      .refine((name) => !isTransportHeader(name) && !ownHeaders.test(name), 'is a header that the server sets itself'),
    z.string('must be a text').max(4_096).regex(headerValue, 'must be visible ASCII'),
  )
  .refine((all) => Object.keys(all).length <= maxHeaders, `must be at most ${maxHeaders}`)
  .refine((all) => repeatedHeader(Object.keys(all)) === undefined, 'has a header twice, in different case')

const retry = z.strictObject({
  maxAttempts: z.int().min(1).max(50).default(defaultRetryPlan.maxAttempts),
  backoff: z.enum(webhookBackoffs).optional(),
  delayMs: wait.default(defaultRetryPlan.delayMs),
  maxDelayMs: wait.default(defaultRetryPlan.maxDelayMs),
  scheduleMs: z.array(wait).min(1).max(50).optional(),
  statusCodes: z.array(z.int().min(300).max(599)).max(300).optional(),
})

const settings = z.strictObject({
  name: z.string().trim().min(1, 'must not be empty').max(100, 'must have at most 100 characters'),
  url: z.string().max(2_000),
  events: z
    .array(
      z
        .string()
        .refine(isEventPattern, 'is neither an event type, such as task.completed, nor a family, such as task.*'),
    )
    .min(1, 'must name at least one')
    .max(50),
  filter: z.unknown().optional(),
  method: z.enum(webhookMethods).default('POST'),
  headers: headers.default({}),
  secretHeaders: headers.default({}),
  format: z.enum(webhookFormats).default('STANDARD'),
  document: z.string().max(10_000).optional(),
  redact: z.array(z.string().min(1).max(200)).max(50).default([]),
  timeoutMs: z.int().min(100).max(30_000).default(10_000),
  retry: retry.default({ ...defaultRetryPlan, scheduleMs: [...defaultRetryPlan.scheduleMs], statusCodes: undefined }),
  order: z.enum(webhookOrders).default('NONE'),
  concurrency: z.int().min(1).max(100).default(10),
  ratePerSecond: z.int().min(1).max(10_000).optional(),
  signing: z.enum(signingMethods).default('HMAC_SHA256'),
})
export type WebhookInput = z.input<typeof settings>

/**
 * What somebody wants a webhook to be, with what they left open. Headers whose names look like credentials become secret
 * ones. @throws {InvalidInput} with path and reason of everything that is wrong
 */
export function parseWebhook(input: WebhookInput): WebhookSettings {
  const parsed = settings.safeParse(input, inWords)
  if (!parsed.success) throw invalidWebhook(issuesOf(parsed.error))
  const it = parsed.data
  if (isNestedBeyond(it.filter)) throw invalidWebhook([{ path: 'filter', message: tooDeep() }])
  if (!isStorable(it))
    throw invalidWebhook([{ path: '', message: 'holds a NUL character or half of a surrogate pair' }])
  if (it.filter !== undefined && it.filter !== null) parseLiveFilter(it.filter, 'filter')
  if ((it.format === 'GRAPHQL') !== (it.document !== undefined))
    throw invalidWebhook([{ path: 'document', message: 'goes with the format GRAPHQL, and only with it' }])
  const all = Object.entries(it.headers)
  const isSecret = ([name]: [string, string]) => looksSensitive(name) || /auth|key|token|secret/i.test(name)
  return {
    ...it,
    filter: it.filter ?? undefined,
    document: it.document,
    ratePerSecond: it.ratePerSecond,
    headers: Object.fromEntries(all.filter((header) => !isSecret(header))),
    secretHeaders: mergeHeaders(Object.fromEntries(all.filter(isSecret)), it.secretHeaders),
    retry: planOf(it.retry),
  }
}

/** A list of waits makes the plan one by schedule; without anything at all it is ours. */
function planOf(given: z.output<typeof retry>): WebhookSettings['retry'] {
  const { backoff, scheduleMs, statusCodes, ...rest } = given
  if (backoff !== undefined && backoff !== 'SCHEDULE' && scheduleMs !== undefined)
    throw invalidWebhook([{ path: 'retry.scheduleMs', message: 'goes with the backoff SCHEDULE only' }])
  return {
    ...rest,
    backoff: backoff ?? 'SCHEDULE',
    scheduleMs: scheduleMs ?? (backoff === undefined || backoff === 'SCHEDULE' ? defaultRetryPlan.scheduleMs : []),
    statusCodes,
  }
}

export function invalidWebhook(issues: readonly InputIssue[]): InvalidInput {
  return invalidInput('The webhook', issues)
}
