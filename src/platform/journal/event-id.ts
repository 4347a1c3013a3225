import { createHash } from 'node:crypto'
import { v7 } from 'uuid'
import type { JournalEntry } from './entry.ts'

/**
 * An event's id: the same wherever it is read or sent, and sorting by the event's time (UUID version 7, RFC 9562 §5.7,
 * with a hash of the event's position in place of its random part).
 */
export function eventId({ xid, seq, at }: Pick<JournalEntry, 'xid' | 'seq' | 'at'>): string {
  return hashedId(`event ${xid} ${seq}`, at)
}

/** A UUID version 7 whose random part is a hash of the text. */
export function hashedId(text: string, at: Date): string {
  const random = createHash('sha256').update(text).digest().subarray(0, 16)
  return v7({ random, msecs: at.getTime() })
}
