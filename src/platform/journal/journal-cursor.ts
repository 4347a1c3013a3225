import { createHash } from 'node:crypto'
import { cursorList, decodeCursor, encodeCursor, InvalidCursor } from '#lib/cursor.ts'
import type { Position } from './entry.ts'

const list = 'j2'
/** Cursors from before histories had numbers. */
const formerList = 'j1'

function accountTag(accountId: string): string {
  return createHash('sha256').update(accountId).digest('base64url').slice(0, 8)
}

/** A position in a history with this tag, as its account's clients see it. */
export function journalCursor(accountId: string, position: Position, historyTag: string): string {
  return encodeCursor(list, [accountTag(accountId), historyTag, position.xid.toString(36), position.seq.toString(36)])
}

/**
 * What a cursor says; `historyTag` is undefined in one from before histories had numbers.
 * @throws {InvalidCursor} when it is malformed or another account's.
 */
export function parseJournalCursor(
  accountId: string,
  cursor: string,
): { position: Position; historyTag: string | undefined } {
  const [account, historyTag, xid, seq] = decode(cursor)
  if (account !== accountTag(accountId)) throw new InvalidCursor('it belongs to another account')
  return { position: { xid: parseBase36(xid), seq: parseBase36(seq) }, historyTag }
}

function decode(cursor: string): (string | undefined)[] {
  if (cursorList(cursor) !== formerList) return decodeCursor(list, cursor, 4)
  const [account, xid, seq] = decodeCursor(formerList, cursor, 3)
  return [account, undefined, xid, seq]
}

const largest = 2n ** 63n - 1n

function parseBase36(text: string | undefined): bigint {
  if (text === undefined || !/^[0-9a-z]{1,13}$/.test(text)) throw new InvalidCursor()
  let value = 0n
  for (const digit of text) value = value * 36n + BigInt(Number.parseInt(digit, 36))
  if (value > largest) throw new InvalidCursor()
  return value
}
