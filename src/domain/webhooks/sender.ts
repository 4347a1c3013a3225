import type { IncomingHttpHeaders } from 'node:http'
import type { Caller } from '#domain/access/service.ts'
import type { Clock } from '#lib/clock.ts'
import { mergeHeaders, parseRetryAfter } from '#lib/http-header.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { GuardedFetch, OutboundResponse } from '#platform/http/guarded-fetch.ts'
import { classOfStatus, OutboundFailure } from '#platform/http/outbound-failure.ts'
import type { JournalEntry } from '#platform/journal/entry.ts'
import type { Logger } from '#platform/telemetry/log.ts'
import type { AttemptResult, ClaimedDelivery } from './delivery.ts'
import type { Endpoint } from './endpoint.ts'
import { DocumentRefused } from './errors.ts'
import { isStopAsked } from './outcome.ts'
import { eventHeaders } from './payload/envelope.ts'
import { json, type Message, type Payload } from './payload/payload.ts'
import { render } from './payload/render.ts'
import { redact } from './redaction.ts'
import { lapsedReason, type Sight, type SightOf } from './sight.ts'

/** How much of an answer's body is kept, and how much is read so that its connection can be used again. */
const keptBytes = 4_096
const answerBytes = 65_536
const keptHeaders = 50
const maxHeaderLength = 1_000
const failedHere = 'The attempt failed inside the server, before anything was sent; the log says why.'
const redirected = 'Redirects are not followed: the webhook needs the address that this one leads to.'

/**
 * Runs a webhook's document as its maker; undefined: it had nothing to say.
 * @throws {DocumentRefused} when anything that it asks for can't be had
 */
export type RunDocument = (maker: Caller, document: string, event: JournalEntry) => Promise<object | undefined>

export interface SenderDeps {
  readonly outbound: Pick<GuardedFetch, 'fetch'>
  readonly clock: Clock
  readonly publicUrl: string | undefined
  readonly runDocument: RunDocument
  readonly sql: Sql
  readonly sightOf: SightOf
  readonly log: Logger
}

/** Makes one attempt; what comes of it is always a result, unless `signal` ends it. */
export function createSender({ outbound, clock, publicUrl, runDocument, sql, sightOf, log }: SenderDeps) {
  return async (endpoint: Endpoint, delivery: ClaimedDelivery, signal: AbortSignal): Promise<AttemptResult> => {
    const at = clock.now()
    const startedAt = performance.now()
    const result = await attempt(endpoint, delivery, at, signal).catch((error: unknown) => {
      if (signal.aborted) throw error
      log.error({ err: error, deliveryId: delivery.id }, 'an attempt of a delivery failed unexpectedly')
      return { outcome: 'internal_error', error: failedHere }
    })
    return { at, durationMs: performance.now() - startedAt, ...result }
  }

  async function attempt(
    endpoint: Endpoint,
    { id, event }: ClaimedDelivery,
    at: Date,
    signal: AbortSignal,
  ): Promise<Omit<AttemptResult, 'at' | 'durationMs'>> {
    if (event === undefined) return { outcome: 'expired', error: 'The event is older than what the journal keeps.' }
    const sight = await sightOf(sql, endpoint)
    const data = sight.of(event)
    if (data === undefined) return { outcome: 'not_allowed', error: notAllowed(endpoint, sight) }
    const payload = await payloadOf(endpoint, id, { ...event, data }, sight.maker).catch(reasonOf)
    if (payload === undefined) return { outcome: 'skipped' }
    // The receiver would take it for what it asked for, and what it did ask for would be lost.
    if (typeof payload === 'string') return { outcome: 'document_error', error: payload }
    const { url, method, timeoutMs } = endpoint
    try {
      const answer = await outbound.fetch({
        method,
        url,
        headers: headersOf(endpoint, { id, event, at, payload }),
        body: payload.body,
        timeoutMs,
        maxBytes: answerBytes,
        keptBytes,
        signal,
      })
      const outcome = classOfStatus(answer.status)
      return {
        outcome,
        responseStatus: answer.status,
        responseHeaders: headOf(answer.headers),
        responseBody: answer.body.toString('utf8'),
        retryAfterMs: parseRetryAfter(answer.headers['retry-after'], at),
        stop: isStopAsked(answer.headers),
        error: outcome === 'success' ? undefined : complaintOf(answer),
      }
    } catch (error) {
      if (error instanceof OutboundFailure) return { outcome: error.failure, error: error.message }
      throw error
    }
  }

  async function payloadOf(
    endpoint: Endpoint,
    id: string,
    event: JournalEntry,
    maker: Caller,
  ): Promise<Payload | undefined> {
    const { format } = endpoint
    if (format === 'GRAPHQL') {
      const result = await runDocument(maker, endpoint.document ?? '', event)
      return result && json(redact(result, endpoint.redact))
    }
    const message: Message = {
      id,
      webhookId: endpoint.id,
      webhookName: endpoint.name,
      event,
      data: redact(event.data, endpoint.redact),
      publicUrl,
    }
    return render(format, message)
  }
}

function notAllowed({ maker }: Endpoint, { isValid }: Sight): string {
  if (!isValid) return `The webhook is off: ${lapsedReason(maker)}`
  return `${maker.actor.name}, with whose rights the webhook runs, may not read this event.`
}

function reasonOf(error: unknown): string {
  if (error instanceof DocumentRefused) return error.message
  throw error
}

export type Send = ReturnType<typeof createSender>

/** What is wrong with an answer beyond what its status says. */
function complaintOf({ status, bodyError }: OutboundResponse): string | undefined {
  return status >= 300 && status < 400 ? redirected : bodyError?.message
}

interface Sent {
  readonly id: string
  readonly event: JournalEntry
  readonly at: Date
  readonly payload: Payload
}

/** A webhook's own headers replace ours, whatever the case of their names, except those that the signature needs. */
function headersOf(endpoint: Endpoint, { id, event, at, payload }: Sent): Record<string, string> {
  const ours = {
    'user-agent': 'Signalbox-Webhook/1.0',
    'content-type': payload.contentType,
    ...eventHeaders(event),
    ...payload.headers,
  }
  return { ...mergeHeaders(ours, endpoint.headers), ...endpoint.sign(id, at, payload.body) }
}

function headOf(headers: IncomingHttpHeaders): Record<string, string> {
  const entries = Object.entries(headers).slice(0, keptHeaders)
  return Object.fromEntries(entries.map(([name, value]) => [name, String(value).slice(0, maxHeaderLength)]))
}
