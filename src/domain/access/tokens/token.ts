import { hash, randomInt } from 'node:crypto'
import { crc32 } from 'node:zlib'
import type { PersonRole } from '#domain/access/people/user.ts'
import { type Grant, grantsOf, grantsWithinRole, grantText } from '#domain/access/scope.ts'

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const prefix = 'sbx_'
const randomLength = 40
const checksumLength = 6
const form = new RegExp(`^${prefix}([0-9A-Za-z]{${randomLength}})([0-9A-Za-z]{${checksumLength}})$`)

/** A new application token: `sbx_`, 40 random base62 characters (238 bits), and a checksum for secret scanners. */
export function newToken(): string {
  const random = Array.from({ length: randomLength }, () => alphabet.charAt(randomInt(alphabet.length))).join('')
  return `${prefix}${random}${checksum(random)}`
}

/** Whether a text is a token by its form and checksum, as a secret scanner checks it. */
export function isTokenText(text: string): boolean {
  const [, random, check] = form.exec(text) ?? []
  return random !== undefined && checksum(random) === check
}

/** What is stored of a token. Tokens are long and random, so a fast hash is enough. */
export function hashToken(token: string): Buffer {
  return hash('sha256', token, 'buffer')
}

/** CRC-32 of the random part, in base62. */
function checksum(text: string): string {
  let value = crc32(text)
  let digits = ''
  for (let index = 0; index < checksumLength; index += 1) {
    digits = alphabet.charAt(value % alphabet.length) + digits
    value = Math.floor(value / alphabet.length)
  }
  return digits
}

const dayMs = 24 * 60 * 60 * 1000
/** In days, unless the account's policy says otherwise. */
export const tokenLifetime = { usual: 30, max: 365 } as const

/** How many days before its end a warning of a token is given, unless its lifetime is shorter. */
export const warnedDays = 14

/** When a token that is created now expires. */
export function expiryAfter(days: number, now: Date): Date {
  return new Date(now.getTime() + days * dayMs)
}

export const tokenStatuses = ['ACTIVE', 'EXPIRED', 'REVOKED'] as const
export type TokenStatus = (typeof tokenStatuses)[number]

/** The status of a token; revoked before expired, since that was somebody's decision. */
export function tokenStatus(token: { expiresAt: Date; revokedAt: Date | null }, now: Date): TokenStatus {
  if (token.revokedAt !== null) return 'REVOKED'
  return token.expiresAt <= now ? 'EXPIRED' : 'ACTIVE'
}

/** What a token was given, and whose current role limits it. */
export interface TokenRights {
  readonly scopes: readonly string[]
  /** The person whose personal token it is; null: it belongs to the account. */
  readonly ownerId: string | null
  /** Null without an owner, and when the owner was removed. */
  readonly ownerRole: PersonRole | null
}

/** What a token allows now: its scopes and, of a personal one, only what its owner's role has too. */
export function grantsOfToken({ scopes, ownerId, ownerRole }: TokenRights): Grant[] {
  if (ownerId === null) return grantsOf(scopes)
  return ownerRole === null ? [] : grantsWithinRole(scopes, ownerRole)
}

/** The same as scopes. One that stands for several, of a token of the account, stays as it is. */
export function scopesNow(token: TokenRights): readonly string[] {
  return token.ownerId === null ? token.scopes : [...new Set(grantsOfToken(token).map(grantText))]
}
