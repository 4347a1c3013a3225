import { createHmac, hash, timingSafeEqual } from 'node:crypto'
import { Webhook, WebhookVerificationError } from 'standardwebhooks'
import { InvalidInput } from '#lib/errors.ts'
import { parseExactJson } from '#lib/exact-json.ts'
import { parseForm } from '#lib/form.ts'
import { isRecord, storableText } from '#lib/json.ts'
import { isNestedBeyond, tooDeep } from '#lib/json-depth.ts'
import { decodeUtf8 } from '#lib/utf8.ts'
import { HookSignatureRefused } from './errors.ts'
import { type HookCall, type HookConfig, type Sender, textAt } from './hook.ts'

/** A call as it came. */
export interface RawCall {
  /** By their names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

/** A hook with its secrets. */
export interface Hook extends HookConfig {
  readonly id: string
  readonly secrets: readonly string[]
}

interface SenderRules {
  /** Whether the raw bytes of the call are signed with the secret. */
  isSigned(call: RawCall, secret: string, hook: Hook): boolean
  /** Whether the headers alone can be right, so that the body is worth reading; undefined: they prove it all. */
  readonly mayBeSigned: ((headers: RawCall['headers']) => boolean) | undefined
  /** What the call is called, and the id that stays the same when it is sent again. */
  nameOf(headers: RawCall['headers'], body: unknown): Pick<HookCall, 'event' | 'deliveryId'>
  /** Whether the signature does not cover the id, so that this content can be sent again under another one. */
  isReplayable(body: unknown): boolean
}

/** A hexadecimal HMAC-SHA-256 of the raw body in a header. */
function signedIn(header: string): Pick<SenderRules, 'isSigned' | 'mayBeSigned'> {
  return {
    isSigned: ({ headers, body }, secret) =>
      isEqual(headers[header], `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`),
    mayBeSigned: (headers) => /^sha256=[\da-f]{64}$/.test(headers[header] ?? ''),
  }
}

/** What Bitbucket Data Center sends when somebody tests a connection. */
function isTestOfBitbucket(body: unknown): boolean {
  return isRecord(body) && body['test'] === true && Object.keys(body).length === 1
}

/** The event's id, for each subscription that sends it to this hook. */
function idOfAzureDevops(body: unknown): string | undefined {
  const id = textAt(body, 'id')
  const subscription = textAt(body, 'subscriptionId')
  return id === undefined || subscription === undefined ? id : `${subscription}.${id}`
}

/** The headers of Standard Webhooks, by whichever of their two sets of names they came; empty texts for missing ones. */
function standardHeaders(headers: RawCall['headers']) {
  const prefix = headers['webhook-id'] === undefined ? 'svix' : 'webhook'
  const header = (name: string) => headers[`${prefix}-${name}`] ?? ''
  return {
    'webhook-id': header('id'),
    'webhook-timestamp': header('timestamp'),
    'webhook-signature': header('signature'),
  }
}

/** A secret as it is, or as a bearer token. */
function plainSecretOf(shown: string | undefined): string | undefined {
  return shown?.replace(/^Bearer +/i, '')
}

/** The password of Basic authentication, with any user name (RFC 7617). */
function passwordOf(shown: string | undefined): string | undefined {
  const [, encoded] = /^Basic +([\w+/=-]+)$/i.exec(shown ?? '') ?? []
  if (encoded === undefined) return undefined
  const pair = Buffer.from(encoded, 'base64').toString()
  return pair.slice(pair.indexOf(':') + 1)
}

const rules: Readonly<Record<Sender, SenderRules>> = {
  // https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
  github: {
    ...signedIn('x-hub-signature-256'),
    nameOf(headers, body) {
      const event = headers['x-github-event'] ?? 'unknown'
      const action = textAt(body, 'action')
      return { event: action === undefined ? event : `${event}.${action}`, deliveryId: headers['x-github-delivery'] }
    },
    isReplayable: () => true,
  },
  // https://support.atlassian.com/bitbucket-cloud/docs/manage-webhooks/ and, for Data Center,
  // https://confluence.atlassian.com/bitbucketserver/manage-webhooks-938025878.html
  bitbucket: {
    ...signedIn('x-hub-signature'),
    nameOf: (headers, body) => ({
      // The header isn't signed, and every test of a connection has the same content.
      event: isTestOfBitbucket(body) ? 'diagnostics:ping' : (headers['x-event-key'] ?? 'unknown'),
      deliveryId: headers['x-request-uuid'] ?? headers['x-request-id'],
    }),
    isReplayable: (body) => !isTestOfBitbucket(body),
  },
  // https://learn.microsoft.com/en-us/azure/devops/service-hooks/services/webhooks
  'azure-devops': {
    isSigned: ({ headers }, secret, hook) => {
      const shown = headers[(hook.header ?? 'authorization').toLowerCase()]
      return isEqual(passwordOf(shown) ?? plainSecretOf(shown), secret)
    },
    mayBeSigned: undefined,
    nameOf: (headers, body) => ({
      event: textAt(body, 'eventType') ?? 'unknown',
      deliveryId: idOfAzureDevops(body) ?? headers['x-vss-activityid'],
    }),
    isReplayable: () => false,
  },
  // https://docs.gitlab.com/user/project/integrations/webhooks/
  gitlab: {
    isSigned: ({ headers }, secret) => isEqual(headers['x-gitlab-token'], secret),
    mayBeSigned: undefined,
    nameOf: (headers, body) => ({
      event: textAt(body, 'object_kind') ?? textAt(body, 'event_name') ?? 'unknown',
      deliveryId: headers['idempotency-key'] ?? headers['x-gitlab-event-uuid'],
    }),
    isReplayable: () => false,
  },
  'standard-webhooks': {
    isSigned(call, secret) {
      try {
        new Webhook(secret).verify(call.body, standardHeaders(call.headers), { jsonParse: false })
        return true
      } catch (error) {
        if (error instanceof WebhookVerificationError) return false
        throw error
      }
    },
    mayBeSigned: (headers) => Object.values(standardHeaders(headers)).every((value) => value !== ''),
    nameOf: (headers, body) => ({
      event: textAt(body, 'type') ?? 'unknown',
      deliveryId: standardHeaders(headers)['webhook-id'],
    }),
    isReplayable: () => false,
  },
  'shared-secret': {
    isSigned: ({ headers }, secret, hook) =>
      isEqual(plainSecretOf(headers[(hook.header ?? 'authorization').toLowerCase()]), secret),
    mayBeSigned: undefined,
    nameOf: (headers, body) => ({
      event: textAt(body, 'type') ?? textAt(body, 'event') ?? 'unknown',
      deliveryId: headers['idempotency-key'] ?? headers['webhook-id'],
    }),
    isReplayable: () => false,
  },
}

/** A call that may be believed. */
export interface VerifiedCall extends HookCall {
  /** Of the raw bytes. */
  readonly bodyHash: Buffer
  /** Whether the same content under another id is somebody's repetition. */
  readonly isReplayable: boolean
}

/**
 * What a call's headers say before its body is read: whether they prove where it comes from, which the body has to do
 * otherwise. @throws {HookSignatureRefused} when no body could make it right
 */
export function provesByHeaders(hook: Hook, headers: RawCall['headers']): boolean {
  const { mayBeSigned } = rules[hook.sender]
  const isRight = mayBeSigned === undefined ? isSigned(hook, { headers, body: nothing }) : mayBeSigned(headers)
  if (!isRight) throw new HookSignatureRefused()
  return mayBeSigned === undefined
}

const nothing = Buffer.alloc(0)

/** Whether the signature is right for any of the hook's secrets. */
function isSigned(hook: Hook, call: RawCall): boolean {
  // Each secret is tried, so that the time does not tell which one was right.
  return hook.secrets.map((secret) => rules[hook.sender].isSigned(call, secret, hook)).includes(true)
}

const maxIdLength = 128
const maxEventLength = 128

/**
 * Reads a call whose signature is valid for any of the hook's secrets.
 * @throws {HookSignatureRefused} @throws {InvalidInput} when the signature is valid and the content is not JSON.
 */
export function verify(hook: Hook, call: RawCall): VerifiedCall {
  const { nameOf, isReplayable } = rules[hook.sender]
  if (!isSigned(hook, call)) throw new HookSignatureRefused()
  const body = parseBody(call)
  const { event, deliveryId } = nameOf(call.headers, body)
  if (deliveryId !== undefined && !isPlainId(deliveryId))
    throw new InvalidInput(`The delivery id must be 1 to ${maxIdLength} visible ASCII characters.`)
  return {
    hook: hook.id,
    event: storableText(event.slice(0, maxEventLength)),
    deliveryId,
    headers: call.headers,
    body,
    bodyHash: hash('sha256', call.body, 'buffer'),
    isReplayable: isReplayable(body),
  }
}

function isPlainId(id: string): boolean {
  return id.length <= maxIdLength && /^[\x21-\x7e]+$/.test(id)
}

/**
 * JSON, or a form whose field `payload` is JSON, as GitHub sends it unless told otherwise. What is called a form and has
 * no such field is read as JSON: `curl -d` calls everything one.
 */
function parseBody({ headers, body }: RawCall): unknown {
  const isForm = /^application\/x-www-form-urlencoded *(;|$)/i.test(headers['content-type'] ?? '')
  const text = (isForm ? parseForm(body)?.get('payload') : undefined) ?? decodeUtf8(body)
  if (text === undefined) throw new InvalidInput("The call's body is not UTF-8.")
  const parsed = parseJson(text)
  if (isNestedBeyond(parsed)) throw new InvalidInput(`The call's body ${tooDeep()}.`)
  return parsed
}

function parseJson(text: string): unknown {
  try {
    return parseExactJson(text)
  } catch (cause) {
    throw new InvalidInput(`The call's body is not JSON: ${(cause as Error).message}`)
  }
}

function isEqual(given: string | undefined, expected: string): boolean {
  if (given === undefined) return false
  // Of hashes, so that both are of one length.
  return timingSafeEqual(hash('sha256', given, 'buffer'), hash('sha256', expected, 'buffer'))
}
