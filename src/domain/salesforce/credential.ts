import { createPrivateKey, hash, type KeyObject } from 'node:crypto'
import { z } from 'zod'
import { type InvalidInput, invalidValue } from '#lib/errors.ts'

/** What access tokens are requested with; encrypted where it is stored. */
const credentialSchema = z.discriminatedUnion('method', [
  z.object({ method: z.literal('JWT_BEARER'), clientId: z.string(), username: z.string(), privateKey: z.string() }),
  z.object({ method: z.literal('CLIENT_CREDENTIALS'), clientId: z.string(), clientSecret: z.string() }),
  z.object({
    method: z.enum(['WEB', 'AUTH_URL']),
    clientId: z.string(),
    clientSecret: z.string().optional(),
    refreshToken: z.string(),
  }),
])
export type Credential = z.output<typeof credentialSchema>

/** A credential as it is encrypted. */
export function credentialText(credential: Credential): string {
  return JSON.stringify(credential)
}

/** What {@link credentialText} has made. */
export function parseCredential(text: string): Credential {
  return credentialSchema.parse(JSON.parse(text))
}

/** The parts of a credential that no text for people may repeat. */
export function secretsOf(credential: Credential): string[] {
  const { clientSecret, privateKey, refreshToken } = credential as Partial<Record<string, string>>
  return [clientSecret, privateKey, refreshToken].filter((secret) => secret !== undefined)
}

/** SHA-256 of the refresh token; undefined for credentials without one. */
export function refreshTokenHash(credential: Credential): Buffer | undefined {
  return 'refreshToken' in credential ? hash('sha256', credential.refreshToken, 'buffer') : undefined
}

const minKeyBits = 2_048

/** A private key out of PEM (PKCS #8 or PKCS #1). @throws {InvalidInput} for anything but an RSA key of 2048 bits or more */
export function readPrivateKey(pem: string, path: string): KeyObject {
  const key = parseKey(pem)
  if (key === undefined)
    throw refused(path, 'must be a private key in PEM without a passphrase: -----BEGIN PRIVATE KEY----- …')
  if (key.asymmetricKeyType !== 'rsa') throw refused(path, `must be an RSA key; this one is ${key.asymmetricKeyType}`)
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0
  if (bits < minKeyBits) throw refused(path, `must have at least ${minKeyBits} bits; this one has ${bits}`)
  return key
}

/** The error is left out: it could repeat parts of the key. */
function parseKey(pem: string): KeyObject | undefined {
  try {
    return createPrivateKey(pem)
  } catch {
    return undefined
  }
}

/** The parts of an SFDX auth URL: `force://<client id>:<client secret>:<refresh token>@<host>`. */
export interface AuthUrl {
  readonly clientId: string
  readonly clientSecret: string | undefined
  readonly refreshToken: string
  readonly host: string
}

const authUrlForm = /^force:\/\/([\w.-]+):([\w.-]*):([\w.-]+={0,2})@([\w.-]+(?::\d{1,5})?)$/

/** Reads an SFDX auth URL as the Salesforce CLI writes it. @throws {InvalidInput} which does not repeat it */
export function readAuthUrl(text: string, path: string): AuthUrl {
  const trimmed = text.trim()
  if (!trimmed.startsWith('force://')) throw refused(path, 'must start with force://')
  const [, clientId = '', clientSecret = '', refreshToken = '', host = ''] = authUrlForm.exec(trimmed) ?? []
  if (host === '')
    throw refused(
      path,
      'must have the form force://<client id>:<client secret>:<refresh token>@<host>; was it cut off?',
    )
  return { clientId, clientSecret: clientSecret || undefined, refreshToken, host }
}

function refused(path: string, fault: string): InvalidInput {
  return invalidValue(`\`${path}\``, path, fault)
}
