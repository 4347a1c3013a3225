import { randomFillSync } from 'node:crypto'
import { v7 } from 'uuid'

const idBytes = 16
/** Random bytes are drawn for many ids at once: asking the system costs more than the rest of an id. */
const pool = Buffer.alloc(idBytes * 256)
let used = pool.length

function random(): Uint8Array {
  if (used === pool.length) {
    randomFillSync(pool)
    used = 0
  }
  used += idBytes
  return pool.subarray(used - idBytes, used)
}

let lastMs = 0
let seq = 0

/** A new id: UUID version 7 (RFC 9562 §5.7 and §6.2), so that ids sort in the order in which this process made them. */
export function newId(): string {
  const bytes = random()
  const now = Date.now()
  if (now > lastMs) {
    lastMs = now
    // The counter begins somewhere in its lower half, so that it can't run over within a millisecond.
    seq = new DataView(bytes.buffer, bytes.byteOffset).getUint32(4) >>> 2
  } else seq += 1
  return v7({ random: bytes, msecs: lastMs, seq })
}

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i

/** Whether a text can be an id at all; one that can't names nothing that exists. */
export function isId(text: string): boolean {
  return uuidPattern.test(text)
}
