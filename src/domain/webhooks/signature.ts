import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  type KeyObject,
  randomBytes,
  sign,
} from 'node:crypto'

/** How deliveries can be signed: with a secret that both sides hold, or with a key whose other half anybody may know. */
export const signingMethods = ['HMAC_SHA256', 'ED25519'] as const
export type SigningMethod = (typeof signingMethods)[number]

/** What a webhook signs with; as it is stored, sealed. */
export interface StoredKey {
  readonly method: SigningMethod
  /** `whsec_` or `whsk_`, and base64 (Standard Webhooks, "Secret"). */
  readonly key: string
  /** Until when it signs alongside its successor, in ISO format; undefined: it is the current key. */
  readonly until?: string | undefined
}

const secretBytes = 32
const prefixes = { HMAC_SHA256: 'whsec_', ED25519: 'whsk_' } as const satisfies Record<SigningMethod, string>
/** What comes before the 32 bytes of an ed25519 key in PKCS #8 (RFC 8410 §7). */
const pkcs8Header = Buffer.from('302e020100300506032b657004220420', 'hex')

export function newStoredKey(method: SigningMethod): StoredKey {
  return { method, key: `${prefixes[method]}${randomBytes(secretBytes).toString('base64')}` }
}

/** What a receiver verifies with: the shared secret (`whsec_…`), or the public key (`whpk_…`). */
export function verificationKey({ method, key }: StoredKey): string {
  if (method === 'HMAC_SHA256') return key
  const { x = '' } = createPublicKey(privateKeyOf(key)).export({ format: 'jwk' })
  return `whpk_${Buffer.from(x, 'base64url').toString('base64')}`
}

/** The keys after a rotation: a new one, and those before it for as long as they still sign. */
export function rotatedKeys(
  keys: readonly StoredKey[],
  { method, until, now }: { readonly method: SigningMethod; readonly until: Date; readonly now: Date },
): StoredKey[] {
  const ending = keys
    .map((key) => ({ ...key, until: earlier(key.until, until).toISOString() }))
    .filter((key) => new Date(key.until) > now)
  return [newStoredKey(method), ...ending]
}

function earlier(given: string | undefined, limit: Date): Date {
  const own = given === undefined ? limit : new Date(given)
  return own < limit ? own : limit
}

/** The headers that prove who sent a body and when; `at` is the attempt's own time, `id` the same for all attempts. */
export type Signer = (id: string, at: Date, body: string | Buffer) => Record<string, string>

/** Signs with every key that still does, each signature marked with its version (Standard Webhooks, "Signature scheme"). */
export function createSigner(keys: readonly StoredKey[]): Signer {
  const signers = keys.map(({ method, key, until }) => ({
    until: until === undefined ? undefined : Date.parse(until),
    sign: method === 'HMAC_SHA256' ? hmacSigner(key) : ed25519Signer(key),
  }))
  return (id, at, body) => {
    const timestamp = String(Math.floor(at.getTime() / 1000))
    const content = [`${id}.${timestamp}.`, body] as const
    const valid = signers.filter(({ until }) => until === undefined || until > at.getTime())
    return {
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      'webhook-signature': valid.map((one) => one.sign(content)).join(' '),
    }
  }
}

type Content = readonly [head: string, body: string | Buffer]

function hmacSigner(text: string): (content: Content) => string {
  const key = createSecretKey(text.slice(prefixes.HMAC_SHA256.length), 'base64')
  return ([head, body]) => `v1,${createHmac('sha256', key).update(head).update(body).digest('base64')}`
}

function ed25519Signer(text: string): (content: Content) => string {
  const key = privateKeyOf(text)
  return ([head, body]) => {
    const content = Buffer.concat([Buffer.from(head), Buffer.from(body)])
    return `v1a,${sign(null, content, key).toString('base64')}`
  }
}

function privateKeyOf(text: string): KeyObject {
  const seed = Buffer.from(text.slice(prefixes.ED25519.length), 'base64')
  return createPrivateKey({ key: Buffer.concat([pkcs8Header, seed]), format: 'der', type: 'pkcs8' })
}
