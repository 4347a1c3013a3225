import { createHash } from 'node:crypto'
import { decodeCursor, encodeCursor, InvalidCursor } from '#lib/cursor.ts'
import type { Position } from './entry.ts'

const list = 'j1'

function accountTag(accountId: string): string {
  return createHash('sha256').update(accountId).digest('base64url').slice(0, 8)
}

/** A position as its account's outsiders see it. */
export function journalCursor(accountId: string, position: Position): string {
  return encodeCursor(list, [accountTag(accountId), position.xid.toString(36), position.seq.toString(36)])
}

/** @throws {InvalidCursor} when the cursor is malformed or another account's. */
export function parseJournalCursor(accountId: string, cursor: string): Position {
  const [tag, xid, seq] = decodeCursor(list, cursor, 3)
  if (tag !== accountTag(accountId)) throw new InvalidCursor('it belongs to another account')
  return { xid: parseBase36(xid), seq: parseBase36(seq) }
}

const largest = 2n ** 63n - 1n

function parseBase36(text: string | undefined): bigint {
  if (text === undefined || !/^[0-9a-z]{1,13}$/.test(text)) throw new InvalidCursor()
  let value = 0n
  for (const digit of text) value = value * 36n + BigInt(Number.parseInt(digit, 36))
  if (value > largest) throw new InvalidCursor()
  return value
}
