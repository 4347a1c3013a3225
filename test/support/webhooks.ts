import { graphql, graphqlData } from './graphql.ts'
import type { TestServer } from './server.ts'
import { until } from './until.ts'

type At = Pick<TestServer, 'url' | 'token'>

/** Receivers of tests are on loopback, which is nobody's to call otherwise. */
export const loopbackAllowed = { EGRESS_ALLOW: '127.0.0.0/8,::1/128' }

export interface MadeWebhook {
  readonly id: string
  readonly secret: string
}

/** Waits this long at most between attempts. */
export const quickRetry = { backoff: 'FIXED', delayMs: 20, maxDelayMs: 20 } as const

/** Creates a webhook, by default for `test.*`. */
export async function createWebhook(at: At, input: Record<string, unknown>): Promise<MadeWebhook> {
  const { createWebhook: made } = await graphqlData<{
    createWebhook: { code?: string; message?: string; secret: string; webhook: { id: string } }
  }>(
    at,
    `mutation ($input: CreateWebhookInput!) { createWebhook(input: $input) {
      ... on CreateWebhookPayload { secret webhook { id } } ... on Failure { code message } } }`,
    { input: { name: 'one', events: ['test.*'], ...input } },
  )
  if (made.code !== undefined) throw new Error(`${made.code}: ${made.message}`)
  return { id: made.webhook.id, secret: made.secret }
}

/** Changes a webhook; returns its name, or why it can't be changed. */
export async function updatedWebhook(at: At, input: Record<string, unknown>): Promise<string | undefined> {
  const { updateWebhook } = await graphqlData<{ updateWebhook: { webhook?: { name: string }; message?: string } }>(
    at,
    `mutation ($input: UpdateWebhookInput!) { updateWebhook(input: $input) {
      ... on UpdateWebhookPayload { webhook { name } } ... on Failure { message } } }`,
    { input },
  )
  return updateWebhook.webhook?.name ?? updateWebhook.message
}

export async function deleteWebhook(at: At, id: string): Promise<void> {
  await graphqlData(at, 'mutation ($input: DeleteWebhookInput!) { deleteWebhook(input: $input) { __typename } }', {
    input: { id },
  })
}

export interface Refusal {
  readonly code?: string
  readonly message?: string
  readonly issues?: readonly { readonly path: string; readonly message: string }[]
}

/** Why a webhook can't be made. */
export async function refusedWebhook(at: At, input: Record<string, unknown>, token?: string): Promise<Refusal> {
  const answer = await graphql<{ createWebhook: Refusal }>(
    at,
    `mutation ($input: CreateWebhookInput!) { createWebhook(input: $input) {
      ... on Failure { code message } ... on InvalidInput { issues { path message } } } }`,
    { input: { name: 'one', events: ['test.*'], ...input } },
    token,
  )
  const [error] = answer.errors ?? []
  if (error !== undefined) return { code: String(error.extensions?.['code']), message: error.message }
  return answer.data?.createWebhook ?? {}
}

export interface TriggeredEvent {
  readonly subject: string
  readonly deduplicated: boolean
  readonly deliveryIds: readonly string[]
}

/** Writes an event of the test's own. */
export async function trigger(at: At, input: Record<string, unknown>): Promise<TriggeredEvent> {
  const { triggerEvent } = await graphqlData<{ triggerEvent: TriggeredEvent & { message?: string } }>(
    at,
    `mutation ($input: TriggerEventInput!) { triggerEvent(input: $input) {
      ... on TriggerEventPayload { subject deduplicated deliveryIds } ... on Failure { message } } }`,
    { input },
  )
  if (triggerEvent.message !== undefined) throw new Error(triggerEvent.message)
  return triggerEvent
}

export interface ToldDelivery {
  readonly id: string
  readonly eventType: string
  readonly subject: string
  readonly status: string
  readonly attempt: number
  readonly outcome: string | null
  readonly responseStatus: number | null
  readonly nextAttemptAt: string | null
  readonly attempts: readonly {
    readonly number: number
    readonly outcome: string
    readonly responseStatus: number | null
    readonly responseBody: string | null
    readonly responseHeaders: Record<string, string> | null
    readonly error: string | null
    readonly durationMs: number
  }[]
}

/** A delivery once it is there, and that is true of it. */
export function deliveryThat(at: At, id: string, isIt: (delivery: ToldDelivery) => boolean): Promise<ToldDelivery> {
  const query = `query ($id: ID!) { delivery(id: $id) { id eventType subject status attempt outcome responseStatus nextAttemptAt
    attempts { number outcome responseStatus responseBody responseHeaders error durationMs } } }`
  return until(async () => {
    const { delivery } = await graphqlData<{ delivery: ToldDelivery | null }>(at, query, { id })
    return delivery !== null && isIt(delivery) && delivery
  })
}

/** A delivery that is over. */
export function endedDelivery(at: At, id: string): Promise<ToldDelivery> {
  return deliveryThat(at, id, ({ status }) => status !== 'PENDING' && status !== 'ACTIVE')
}
