import type { IncomingMessage } from 'node:http'
import { AppError } from '#lib/errors.ts'

export class BodyTooLarge extends AppError {
  readonly code = 'TOO_LARGE'
  constructor(limit: number) {
    super(`The request's body is larger than ${limit} bytes.`)
  }
}

/**
 * The whole body of a request. @throws {BodyTooLarge} as soon as it is known to be larger than `limit` bytes; the
 * request can still be answered then.
 */
export function readBody(req: IncomingMessage, limit: number): Promise<Buffer> {
  if (Number(req.headers['content-length'] ?? 0) > limit) return Promise.reject(new BodyTooLarge(limit))
  // By events: an iterator over the request costs as much as parsing what it reads.
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    req.on('data', (chunk: Buffer) => {
      size += chunk.length
      chunks.push(chunk)
      if (size <= limit) return
      req.removeAllListeners('data').pause()
      reject(new BodyTooLarge(limit))
    })
    req.once('end', () => resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)))
    req.once('error', reject)
    req.once('aborted', () => reject(new Error('The client went away in the middle of its request.')))
  })
}

/** How long a client that is refused may go on sending, in milliseconds. */
const lingerMs = 1_000

/**
 * Drops what a refused client still sends. Its connection is cut only if that takes long, since an answer on a
 * connection that is cut at once may never be read (RFC 9112 §9.6).
 */
export function drain(req: IncomingMessage): void {
  if (req.complete) return
  const timer = setTimeout(() => req.socket.destroy(), lingerMs)
  for (const event of ['end', 'close']) req.once(event, () => clearTimeout(timer))
  req.resume()
}
