import type { Socket } from 'node:net'

const interim = Buffer.from('HTTP/1.1 100')
const headEnd = '\r\n\r\n'
const maxHeadBytes = 16 * 1024
const nothing: Buffer = Buffer.alloc(0)

/**
 * Makes a client's socket leave out `100 Continue` before a response. Any server may send it, and a client must be able to
 * parse it unasked (RFC 9110 §15.2); undici takes it for a broken response. For connections without pipelining.
 */
export function skipContinue<Connection extends Socket>(socket: Connection): Connection {
  const { read, write } = socket
  /** Whether the next byte begins a response. */
  let isBefore = true
  let held = nothing

  function afterInterim(chunk: Buffer): Buffer {
    let rest = held.length === 0 ? chunk : Buffer.concat([held, chunk])
    held = nothing
    while (rest.length > 0) {
      const known = Math.min(rest.length, interim.length)
      if (!rest.subarray(0, known).equals(interim.subarray(0, known)) || rest.length > maxHeadBytes) {
        isBefore = false
        return rest
      }
      const end = rest.indexOf(headEnd)
      if (end === -1) {
        held = rest
        return nothing
      }
      rest = rest.subarray(end + headEnd.length)
    }
    return rest
  }

  socket.write = function (this: Connection, ...sent: unknown[]) {
    isBefore = true
    return Reflect.apply(write, this, sent)
  }
  socket.read = function (this: Connection, size?: number) {
    for (;;) {
      const chunk: Buffer | null = Reflect.apply(read, this, [size])
      if (chunk === null || !isBefore) return chunk
      const rest = afterInterim(chunk)
      if (rest.length > 0) return rest
    }
  }
  return socket
}
