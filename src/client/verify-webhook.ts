import { createHmac, createPublicKey, timingSafeEqual, verify } from 'node:crypto'
import { SignalboxError } from './errors.ts'

/** How far a delivery's time may lie from ours, in milliseconds, unless the caller says otherwise. */
const usualToleranceMs = 5 * 60 * 1000
const hmacPrefix = 'whsec_'
const publicPrefix = 'whpk_'

export interface VerifyWebhookOptions {
  /** What `createWebhook` or `rotateWebhookSecret` gave: `whsec_…`, or the public key `whpk_…`; any of these is enough. */
  readonly secret: string | readonly string[]
  /** In milliseconds; five minutes when absent. Older deliveries may be somebody's copies. */
  readonly toleranceMs?: number
  readonly now?: Date
}

/** What a delivery says of itself once its signature is known to be genuine. */
export interface VerifiedWebhook {
  /** The same for all attempts: a receiver that has seen it before has nothing to do. */
  readonly id: string
  /** When this attempt was sent. */
  readonly at: Date
}

type Headers = Readonly<Record<string, string | readonly string[] | undefined>> | globalThis.Headers

/**
 * Checks that a delivery comes from whom the secret is shared with, and is fresh (Standard Webhooks). The body must be the
 * bytes as they came: parsed and written again they may differ.
 * @throws {SignalboxError} with the code WEBHOOK_NOT_GENUINE, saying what is wrong
 */
export function verifyWebhook(
  headers: Headers,
  body: string | Uint8Array,
  { secret, toleranceMs = usualToleranceMs, now = new Date() }: VerifyWebhookOptions,
): VerifiedWebhook {
  const id = headerOf(headers, 'webhook-id')
  const timestamp = headerOf(headers, 'webhook-timestamp')
  const signatures = headerOf(headers, 'webhook-signature').split(' ')
  if (!/^\d{1,12}$/.test(timestamp)) throw notGenuine('its timestamp is not a number')
  const at = new Date(Number(timestamp) * 1000)
  const distanceMs = now.getTime() - at.getTime()
  if (Math.abs(distanceMs) > toleranceMs) throw notGenuine(distanceMs > 0 ? 'it is too old' : 'it is of the future')
  const content = Buffer.concat([Buffer.from(`${id}.${timestamp}.`), Buffer.from(body as Uint8Array)])
  const isGenuine = [secret].flat().some((key) => signatures.some((text) => matches(key, content, text)))
  if (!isGenuine) throw notGenuine('no signature fits the secret')
  return { id, at }
}

function headerOf(headers: Headers, name: string): string {
  const value = headers instanceof globalThis.Headers ? headers.get(name) : headerValue(headers, name)
  if (value === null || value === undefined) throw notGenuine(`the header ${name} is missing`)
  return value
}

function headerValue(headers: Readonly<Record<string, string | readonly string[] | undefined>>, name: string) {
  const [, value] = Object.entries(headers).find(([key]) => key.toLowerCase() === name) ?? []
  return typeof value === 'string' ? value : value?.[0]
}

function matches(secret: string, content: Buffer, text: string): boolean {
  const [version, signature = ''] = text.split(',', 2)
  const given = Buffer.from(signature, 'base64')
  if (secret.startsWith(publicPrefix)) return version === 'v1a' && verify(null, content, publicKeyOf(secret), given)
  if (version !== 'v1') return false
  const key = Buffer.from(secret.startsWith(hmacPrefix) ? secret.slice(hmacPrefix.length) : secret, 'base64')
  const right = createHmac('sha256', key).update(content).digest()
  return right.length === given.length && timingSafeEqual(right, given)
}

function publicKeyOf(text: string) {
  const x = Buffer.from(text.slice(publicPrefix.length), 'base64').toString('base64url')
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
}

function notGenuine(reason: string): SignalboxError {
  return new SignalboxError(`The delivery can't be trusted: ${reason}.`, { code: 'WEBHOOK_NOT_GENUINE' })
}
