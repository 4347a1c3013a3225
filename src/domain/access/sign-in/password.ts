import { argon2, randomBytes, randomInt, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { type InvalidInput, invalidValue } from '#lib/errors.ts'

const derive = promisify(argon2)

/** OWASP's second choice for argon2id: 19 MiB, two passes, one lane; about 40 ms here. */
const cost = { memory: 19_456, passes: 2, parallelism: 1 } as const
const tagLength = 32
const saltLength = 16

const length = { least: 12, most: 256 } as const

/** @throws {InvalidInput} when a password is too short, too long to be hashed within reason, or not text. */
export function checkPassword(password: string): void {
  if (!password.isWellFormed()) throw invalidPassword('must not hold half of a surrogate pair')
  if (!isTooLong(password) && [...password].length >= length.least) return
  throw invalidPassword(`must have ${length.least} to ${length.most} characters`)
}

/** In code points, as people count an emoji; without splitting a text of any length into them. */
function isTooLong(password: string): boolean {
  return password.length > length.most * 2 || [...password].length > length.most
}

function invalidPassword(message: string): InvalidInput {
  return invalidValue('The password', 'password', message)
}

/** Without characters that look alike. */
const alphabet = 'abcdefghjkmnpqrstuvwxyz23456789'

/** A random password that people can type: five groups of five characters, 123 bits. */
export function newPassword(): string {
  const group = () => Array.from({ length: 5 }, () => alphabet.charAt(randomInt(alphabet.length))).join('')
  return Array.from({ length: 5 }, group).join('-')
}

/** What is stored of a password: argon2id in PHC string format. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(saltLength)
  const tag = await tagOf(password, salt, cost)
  const { memory, passes, parallelism } = cost
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${unpadded(salt)}$${unpadded(tag)}`
}

const form = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/

/** Whether it is the password; takes as long for a person who has none, or isn't there. */
export async function isPassword(password: string, stored: string | undefined): Promise<boolean> {
  const [, memory, passes, parallelism, salt, tag] = form.exec(stored ?? '') ?? (await nobody())
  const expected = Buffer.from(tag ?? '', 'base64')
  const parameters = { memory: Number(memory), passes: Number(passes), parallelism: Number(parallelism) }
  // One that is too long to be anyone's takes as long to refuse as any other.
  const isPossible = !isTooLong(password)
  const given = await tagOf(isPossible ? password : '', Buffer.from(salt ?? '', 'base64'), parameters)
  return timingSafeEqual(given, expected) && stored !== undefined && isPossible
}

let unusable: Promise<RegExpExecArray | null> | undefined

/** The parts of a hash that no password has. */
async function nobody(): Promise<readonly string[]> {
  unusable ??= hashPassword(randomBytes(32).toString('base64')).then((stored) => form.exec(stored))
  return (await unusable) ?? []
}

function tagOf(password: string, nonce: Buffer, parameters: Record<keyof typeof cost, number>): Promise<Buffer> {
  return derive('argon2id', { message: password.normalize('NFKC'), nonce, tagLength, ...parameters })
}

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replaceAll('=', '')
}
