import type { IncomingMessage } from 'node:http'
import { AppError } from '#lib/errors.ts'

export class BodyTooLarge extends AppError {
  readonly code = 'TOO_LARGE'
  constructor(limit: number) {
    super(`The request's body is larger than ${limit} bytes.`)
  }
}

/** The largest body of a caller who is not known, in bytes: signing in takes little. */
export const anonymousBytes = 16 * 1024

/** Watches a body as it arrives. */
export interface BodyWatch {
  /** So many bytes more have arrived. What it throws ends the reading. */
  arrived(bytes: number): void
  /** Rejects when the body may no longer go on. */
  readonly cut: Promise<never>
}

/**
 * The whole body of a request. @throws {BodyTooLarge} as soon as it is known to be larger than `limit` bytes, and whatever
 * the watch says; the request can still be answered then.
 */
export function readBody(req: IncomingMessage, limit: number, watch?: BodyWatch): Promise<Buffer> {
  if (Number(req.headers['content-length'] ?? 0) > limit) return Promise.reject(new BodyTooLarge(limit))
  // By events: an iterator over the request costs as much as parsing what it reads.
  return new Promise((resolve, reject) => {
    let pieces = new Pieces()
    let size = 0
    const stop = (error: unknown) => {
      req.removeAllListeners('data').pause()
      pieces = new Pieces()
      reject(error)
    }
    req.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size > limit) return stop(new BodyTooLarge(limit))
      pieces.add(chunk)
      try {
        watch?.arrived(chunk.length)
      } catch (error) {
        stop(error)
      }
    })
    req.once('end', () => resolve(pieces.whole()))
    req.once('error', reject)
    req.once('aborted', () => reject(new Error('The client disconnected in the middle of its request.')))
    watch?.cut.catch(stop)
  })
}

/** Pieces below this are copied together: a buffer takes some hundred bytes beside its own, and a chunk may have one. */
const smallBytes = 1024
const blockBytes = 16 * 1024

/** A body in pieces, which takes little more memory than it has bytes, however it is cut. */
class Pieces {
  readonly #pieces: Buffer[] = []
  #block: Buffer | undefined
  #used = 0

  add(piece: Buffer): void {
    if (piece.length >= smallBytes || this.#pieces.length === 0) {
      this.#closeBlock()
      this.#pieces.push(piece)
      return
    }
    if (this.#block !== undefined && this.#used + piece.length > blockBytes) this.#closeBlock()
    this.#block ??= Buffer.allocUnsafe(blockBytes)
    this.#used += piece.copy(this.#block, this.#used)
  }

  whole(): Buffer {
    this.#closeBlock()
    return this.#pieces.length === 1 ? (this.#pieces[0] as Buffer) : Buffer.concat(this.#pieces)
  }

  #closeBlock(): void {
    if (this.#block !== undefined) this.#pieces.push(this.#block.subarray(0, this.#used))
    this.#block = undefined
    this.#used = 0
  }
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
