import { randomBytes, randomInt } from 'node:crypto'

/** Letters that are hard to mistake for others, and spell no words (RFC 8628 §6.1). */
const alphabet = 'BCDFGHJKLMNPQRSTVWXZ'
const half = 4
const form = new RegExp(`^[${alphabet}]{${half * 2}}$`)

/** What a device asks with; only it knows this. */
export function newDeviceCode(): string {
  return `sbd_${randomBytes(32).toString('base64url')}`
}

/** What a person types, such as `WDJB-MJHT`: about 34 bits, which hold for ten minutes and a few guesses. */
export function newUserCode(): string {
  const letters = Array.from({ length: half * 2 }, () => alphabet.charAt(randomInt(alphabet.length))).join('')
  return `${letters.slice(0, half)}-${letters.slice(half)}`
}

/** A code as it was given out, however it was typed; undefined for what is none. */
export function normalUserCode(text: string): string | undefined {
  const letters = text
    .slice(0, 100)
    .toUpperCase()
    .replaceAll(/[^A-Z0-9]/g, '')
  return form.test(letters) ? `${letters.slice(0, half)}-${letters.slice(half)}` : undefined
}
