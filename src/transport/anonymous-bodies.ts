import type { IncomingMessage } from 'node:http'
import { AppError } from '#lib/errors.ts'
import { type BodyWatch, drain, readBody } from './body.ts'

/** One address has so many bytes of bodies under way that no more are taken from it. */
class AddressBodiesFull extends AppError {
  readonly code = 'RATE_LIMITED'
  readonly retryAfterMs = retryAfterMs
  constructor() {
    super('Too many bytes of requests from this address are in progress: try again in 5 s.')
  }
}

/** The callers who are not known have so many bytes of bodies under way together that no more are taken. */
class AnonymousBodiesFull extends AppError {
  readonly code = 'UNAVAILABLE'
  readonly retryAfterMs = retryAfterMs
  constructor() {
    super('Too many bytes of requests without a token are in progress: try again in 5 s.')
  }
}

/** A body arrived more slowly than is waited for. */
class BodyTooSlow extends AppError {
  readonly code = 'REQUEST_TIMEOUT'
  constructor() {
    super("The request's body did not arrive in time.")
  }
}

const retryAfterMs = 5_000
/** How long a body may take: this, and a second more for each MiB that has arrived. */
const patienceMs = 5_000
const bytesPerSecond = 1024 * 1024
/** Which part of all bytes one address may have, so that a few addresses don't keep the others out. */
const addressShare = 1 / 4

/** A body that was read, and what to call once it is of no use any more, or its caller is known. */
export interface HeldBody {
  readonly body: Buffer
  release(): void
}

/**
 * Bodies of callers who have not proved yet who they are. All together have a bound in this process, and so have those of
 * one address. A slow sender's connection is closed.
 */
export class AnonymousBodies {
  readonly #totalBytes: number
  readonly #addressBytes: number
  readonly #heldBy = new Map<string, number>()
  #held = 0

  /** @param totalBytes How much may be held at once. */
  constructor(totalBytes: number) {
    this.#totalBytes = totalBytes
    this.#addressBytes = Math.floor(totalBytes * addressShare)
  }

  /**
   * The body of a request from this address block, which counts until it is released.
   * @throws {BodyTooLarge} @throws {BodyTooSlow} @throws {AddressBodiesFull} @throws {AnonymousBodiesFull}
   */
  async read(req: IncomingMessage, limit: number, block: string): Promise<HeldBody> {
    let size = 0
    const release = () => {
      this.#add(block, -size)
      size = 0
    }
    const pace = new Pace()
    const watch: BodyWatch = {
      cut: pace.missed,
      arrived: (bytes) => {
        this.#mustHaveRoom(block, bytes)
        this.#add(block, bytes)
        size += bytes
        pace.received = size
      },
    }
    try {
      return { body: await readBody(req, limit, watch), release }
    } catch (error) {
      release()
      drain(req)
      throw error
    } finally {
      pace.stop()
    }
  }

  #mustHaveRoom(block: string, bytes: number): void {
    if ((this.#heldBy.get(block) ?? 0) + bytes > this.#addressBytes) throw new AddressBodiesFull()
    if (this.#held + bytes > this.#totalBytes) throw new AnonymousBodiesFull()
  }

  #add(block: string, bytes: number): void {
    this.#held += bytes
    const held = (this.#heldBy.get(block) ?? 0) + bytes
    if (held > 0) this.#heldBy.set(block, held)
    else this.#heldBy.delete(block)
  }
}

/** Whether a body keeps the pace. */
class Pace {
  /** Bytes so far. */
  received = 0
  /** Rejects with {@link BodyTooSlow} once it doesn't. */
  readonly missed: Promise<never>
  readonly #startedAt = performance.now()
  #timer: NodeJS.Timeout | undefined

  constructor() {
    this.missed = new Promise((_, reject) => {
      const look = () => {
        const leftMs = this.#startedAt + patienceMs + (this.received / bytesPerSecond) * 1000 - performance.now()
        if (leftMs > 0) this.#timer = setTimeout(look, leftMs)
        else reject(new BodyTooSlow())
      }
      look()
    })
    // Of a body that was read in time, nobody hears.
    this.missed.catch(() => undefined)
  }

  stop(): void {
    clearTimeout(this.#timer)
  }
}
