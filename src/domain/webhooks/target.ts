import { mergeHeaders } from '#lib/http-header.ts'
import { within } from '#lib/within.ts'
import { EgressRefused, type EgressRule } from '#platform/http/egress.ts'
import { reachableAddresses } from '#platform/http/guarded-connector.ts'
import type { GuardedFetch } from '#platform/http/guarded-fetch.ts'
import { OutboundFailure } from '#platform/http/outbound-failure.ts'
import { WebhookNotAccepted } from './errors.ts'
import { invalidWebhook } from './webhook-input.ts'

/** How long a look-up of a host is waited for, in milliseconds: it is looked up again for each attempt. */
const lookupMs = 2_000
const handshakeMs = 10_000

export interface TargetRules {
  readonly mayReach: EgressRule
  /** Whether `http:` is taken, too. */
  readonly allowHttp: boolean
}

/** A scheme, and a host right behind its slashes: what parsers of URLs make of anything else is not what was written. */
const written = /^[a-z][a-z0-9+.-]*:\/\/[^\s\\/?#][^\s\\]*$/i
const withCredentials = /^[^/]*\/\/[^/?#]*@/

/** Checks where somebody wants deliveries to go. @throws {InvalidInput} */
export async function mustBeTarget(text: string, { mayReach, allowHttp }: TargetRules): Promise<void> {
  const url = URL.parse(text)
  if (url === null || url.hostname === '' || !written.test(text))
    throw refused('must be a URL with a host, without blanks or backslashes, such as https://example.com/hook')
  if (url.protocol !== 'https:' && !(allowHttp && url.protocol === 'http:'))
    throw refused(
      allowHttp
        ? 'must be an https: or http: URL'
        : 'must be an https: URL, since the server runs with NODE_ENV=production',
    )
  if (withCredentials.test(text))
    throw refused('must not carry credentials: give them as a header, which is kept encrypted')
  if (url.hash !== '') throw refused('must not have a fragment: it would never be sent')
  await within(lookupMs, mustBeReachable(url.hostname, mayReach))
}

async function mustBeReachable(host: string, mayReach: EgressRule): Promise<void> {
  try {
    await reachableAddresses(host, mayReach)
  } catch (error) {
    // A name that nobody knows yet may be known when there is something to deliver.
    if (error instanceof EgressRefused)
      throw refused(
        `leads where nothing may be sent: ${error.message.replace(/\.$/, '')} unless EGRESS_ALLOW names its network`,
      )
  }
}

function refused(message: string) {
  return invalidWebhook([{ path: 'url', message }])
}

/**
 * Asks a receiver whether it wants to be called (CloudEvents, "Abuse protection": HTTP Webhook §4).
 * @throws {WebhookNotAccepted} unless it agrees
 */
export async function mustAccept(
  outbound: Pick<GuardedFetch, 'fetch'>,
  url: string,
  headers: Readonly<Record<string, string>>,
  origin: string,
): Promise<void> {
  const asked = mergeHeaders({ 'webhook-request-origin': origin }, headers)
  const answer = await outbound
    .fetch({ method: 'OPTIONS', url, headers: asked, timeoutMs: handshakeMs, maxBytes: 65_536, keptBytes: 0 })
    .catch((error: unknown) => {
      if (error instanceof OutboundFailure) throw new WebhookNotAccepted(error.message)
      throw error
    })
  if (answer.status < 200 || answer.status > 299)
    throw new WebhookNotAccepted(`it answered ${answer.status} to OPTIONS`)
  const allowed = String(answer.headers['webhook-allowed-origin'] ?? '')
  if (allowed !== '*' && allowed.toLowerCase() !== origin.toLowerCase())
    throw new WebhookNotAccepted('its answer to OPTIONS does not name us in WebHook-Allowed-Origin')
}
