import { AppError } from './errors.ts'

/** The cursor is not one of ours, or belongs to another list or another account. */
export class InvalidCursor extends AppError {
  readonly code = 'INVALID_CURSOR'
  constructor(reason = 'it is not a cursor that this server made for this list') {
    super(`The cursor can't be used: ${reason}.`)
  }
}

const expiryReasons = {
  pruned: 'The cursor is older than what the journal keeps.',
  lost: 'The cursor belongs to a part of the journal that was lost when the database was restored or failed over.',
} as const

/** The events after the cursor can't all be read any more; start again without one. */
export class CursorExpired extends AppError {
  readonly code = 'CURSOR_EXPIRED'
  constructor(reason: keyof typeof expiryReasons = 'pruned') {
    super(`${expiryReasons[reason]} Read the current state and continue from there.`)
  }
}

/** Packs a list's name and a place in it into an opaque text. Parts may not contain `|`. */
export function encodeCursor(list: string, parts: readonly string[]): string {
  return Buffer.from([list, ...parts].join('|')).toString('base64url')
}

/** A list by paths has a path in its cursor, every byte of which may take three characters. */
const maxCursorLength = 4_096

/** The name of the list that a cursor belongs to, if it is a cursor at all. */
export function cursorList(cursor: string): string | undefined {
  return Buffer.from(cursor.slice(0, maxCursorLength), 'base64url').toString('utf8').split('|', 1)[0]
}

/** Unpacks a cursor of the named list. @throws {InvalidCursor} when it is malformed or of another list. */
export function decodeCursor(list: string, cursor: string, partCount: number): string[] {
  if (cursor.length > maxCursorLength || !/^[A-Za-z0-9_-]+$/.test(cursor)) throw new InvalidCursor()
  const [name, ...parts] = Buffer.from(cursor, 'base64url').toString('utf8').split('|')
  if (name !== list || parts.length !== partCount) throw new InvalidCursor()
  return parts
}
