import { type InputIssue, InvalidInput } from '#lib/errors.ts'

const longestPart = 128
const mostParts = 16
const longestPath = 512
const longestKeyBytes = 512

/** The collection of documents for which none is named. */
export const defaultCollection = 'default'

/** Whatever can't be seen, or is not a character at all: control, format, unassigned, blank and ignorable ones. */
const unseen = /[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}\u2800]/u
/** Alphabets whose letters look alike; a part has letters of one of them at most. */
const alike = [
  /\p{Script=Latin}/u,
  /\p{Script=Cyrillic}/u,
  /\p{Script=Greek}/u,
  /\p{Script=Armenian}/u,
  /\p{Script=Cherokee}/u,
]

/**
 * Checks a collection's path: 1 to 16 parts with `/` between them, each of 1 to 128 characters, at most 512 in all.
 * A part has visible characters only, without `*`, `\` and `"`, is not `.` or `..`, is the same under Unicode's NFKC
 * (so no character stands for another), and doesn't mix alphabets that look alike.
 * @throws {InvalidInput}
 */
export function checkPath(path: string, at = 'collection'): void {
  const parts = path.slice(0, longestPath + 1).split('/')
  const fault =
    (path.length > longestPath && `has more than ${longestPath} characters`) ||
    (parts.length > mostParts && `has more than ${mostParts} parts`) ||
    parts.map((part) => faultOf(part)).find((one) => one !== undefined)
  if (fault) refuse('A collection’s path', path, at, fault)
}

/** Checks a document's key: made as a path is ({@link checkPath}), 1 to 512 bytes. @throws {InvalidInput} */
export function checkKey(key: string, at = 'key'): void {
  const isLong = key.length > longestKeyBytes || Buffer.byteLength(key) > longestKeyBytes
  const fault = isLong
    ? `has more than ${longestKeyBytes} bytes`
    : key
        .split('/')
        .map((part) => faultOf(part, longestKeyBytes))
        .find((one) => one !== undefined)
  if (fault) refuse('A document’s key', key, at, fault)
}

/** Whether a name could be a document's at all; one that couldn't names nothing that exists. */
export function isName(collection: string, key: string): boolean {
  try {
    checkPath(collection)
    checkKey(key)
    return true
  } catch (error) {
    if (error instanceof InvalidInput) return false
    throw error
  }
}

function refuse(what: string, text: string, path: string, fault: string): never {
  const shown = text.length > 80 ? `${text.slice(0, 80)}…` : text
  const issues: InputIssue[] = [{ path, message: fault }]
  throw new InvalidInput(`${what} ${fault}: ${JSON.stringify(shown)}.`, issues)
}

function faultOf(part: string, limit: number = longestPart): string | undefined {
  if (part === '') return 'has an empty part'
  if (part === '.' || part === '..') return `has the part "${part}"`
  if (part.length > limit) return `has a part of more than ${limit} characters`
  if (!part.isWellFormed() || unseen.test(part)) return 'has a character that can’t be seen'
  if (/[*\\"]/.test(part)) return 'has one of the characters * \\ "'
  if (part.normalize('NFKC') !== part) return 'has a character that stands for another one (Unicode NFKC)'
  if (alike.filter((script) => script.test(part)).length > 1) return 'mixes alphabets that look alike in one part'
  return undefined
}
