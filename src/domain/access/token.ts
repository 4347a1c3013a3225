import { hash, randomInt } from 'node:crypto'
import { crc32 } from 'node:zlib'

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const prefix = 'sbx_'
const randomLength = 40
const checksumLength = 6

/** A new application token: `sbx_`, 40 random base62 characters (238 bits), and a checksum by which scanners know it. */
export function newToken(): string {
  const random = Array.from({ length: randomLength }, () => alphabet.charAt(randomInt(alphabet.length))).join('')
  return `${prefix}${random}${checksum(random)}`
}

/** What is stored of a token. Tokens are long and random, so a fast hash is enough. */
export function hashToken(token: string): Buffer {
  return hash('sha256', token, 'buffer')
}

function checksum(text: string): string {
  let value = crc32(text)
  let digits = ''
  for (let index = 0; index < checksumLength; index += 1) {
    digits = alphabet.charAt(value % alphabet.length) + digits
    value = Math.floor(value / alphabet.length)
  }
  return digits
}
