import { createHash } from 'node:crypto'
import { InvalidCursor } from '#lib/cursor.ts'
import { isStorable } from '#lib/json.ts'
import type { Place, SortColumn } from './order.ts'

/** Room for the longest names and texts that documents are sorted by, escaped. */
const maxCursorLength = 16_384

/** What tells one query from all others: its cursors are of no use to another one. */
export function queryMark(facts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(facts)).digest('base64url').slice(0, 16)
}

/** A place in the pages of a query. */
export function encodePlace(mark: string, place: Place): string {
  return Buffer.from(JSON.stringify([mark, ...place])).toString('base64url')
}

/** @throws {InvalidCursor} when it is malformed, or of another query. */
export function decodePlace(mark: string, cursor: string, columns: readonly SortColumn[]): Place {
  if (cursor.length > maxCursorLength || !/^[A-Za-z0-9_-]+$/.test(cursor)) throw new InvalidCursor()
  const [from, ...place] = parts(cursor)
  if (from !== mark) throw new InvalidCursor('it is of another query, or of none')
  if (place.length !== columns.length || !columns.every((column, index) => isOf(column, place[index])))
    throw new InvalidCursor()
  return place as Place
}

function parts(cursor: string): unknown[] {
  try {
    const read: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))
    return Array.isArray(read) ? read : []
  } catch (error) {
    if (error instanceof SyntaxError) return []
    throw error
  }
}

const largestInt = 2 ** 31 - 1

/** Whether it could be a value of the column. Cursors are not secret, so a forged one gets here. */
function isOf({ type, isNullable }: SortColumn, value: unknown): boolean {
  if (value === null) return isNullable
  if (type === 'boolean') return typeof value === 'boolean'
  if (type === 'integer') return typeof value === 'number' && Number.isInteger(value) && Math.abs(value) <= largestInt
  if (typeof value !== 'string') return false
  if (type === 'numeric') return /^-?\d{1,400}(\.\d{1,400})?$/.test(value)
  if (type === 'timestamptz')
    return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(value) && !Number.isNaN(Date.parse(value))
  return isStorable(value)
}
