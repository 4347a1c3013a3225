import type { IncomingMessage } from 'node:http'
import proxyAddr from 'proxy-addr'
import type { RequestOrigin } from '#domain/access/caller.ts'
import { Unauthenticated } from '#domain/access/errors.ts'
import type { AccessService, Caller } from '#domain/access/service.ts'
import type { Allowance } from '#domain/limits/allowance.ts'
import type { LimitService } from '#domain/limits/service.ts'
import type { Work } from '#domain/limits/work.ts'
import { addressBlock, plainAddress } from '#lib/address.ts'
import { AnonymousBodies } from './anonymous-bodies.ts'
import { readBody } from './body.ts'
import { requestToken } from './credentials.ts'
import { forwardedFor } from './forwarded.ts'
import { requestIdOf } from './request-id.ts'

/** What is known of a request under way. */
interface Visit {
  readonly origin: RequestOrigin
  /** Takes back that the address was counted. */
  uncount?: () => void
  /** Lets go of the body of a caller who was not known. */
  releaseBody?: () => void
  caller?: Caller
  allowance?: Allowance
  work?: Work
  release?: () => void
  isOver: boolean
}

export interface EntranceOptions {
  readonly access: AccessService
  readonly limits: Pick<LimitService, 'of' | 'ofAddress'>
  /** Addresses and networks whose word on where a request came from is taken. */
  readonly trustedProxies: readonly string[]
  /** How many bytes of bodies are held at once for callers who are not known. */
  readonly anonymousBodyBytes: number
}

/** Where every request shows who makes it, and is counted, whatever door it goes to. */
export class Entrance {
  readonly #access: AccessService
  readonly #limits: EntranceOptions['limits']
  readonly #isTrusted: (address: string, hop: number) => boolean
  readonly #bodies: AnonymousBodies
  readonly #visits = new WeakMap<IncomingMessage, Visit>()

  constructor({ access, limits, trustedProxies, anonymousBodyBytes }: EntranceOptions) {
    this.#bodies = new AnonymousBodies(anonymousBodyBytes)
    this.#access = access
    this.#limits = limits
    this.#isTrusted = trustedProxies.length === 0 ? () => false : proxyAddr.compile([...trustedProxies])
  }

  /** How the request came: always the same for one request. */
  originOf(req: IncomingMessage): RequestOrigin {
    return this.#visit(req).origin
  }

  /**
   * Who makes the request, by the token in its header or the one that came otherwise, and counts it: for whoever is
   * not known, by the address. `end` is called when that right is taken away before {@link leave}.
   * @throws {Unauthenticated} @throws {RateLimited}
   */
  async admit(
    req: IncomingMessage,
    end: () => void = () => req.socket.destroy(),
    token = requestToken(req.headers),
  ): Promise<Caller> {
    const visit = this.#visit(req)
    const caller = await this.#access
      .authenticate(token, visit.origin)
      .catch((error: unknown) => this.#turnAway(visit, error))
    visit.release?.()
    visit.caller = caller
    visit.allowance = this.#limits.of(caller)
    const counting = visit.allowance.request()
    if (counting instanceof Promise) await counting
    // Whoever has gone meanwhile must not be held for ever.
    if (!visit.isOver) visit.release = this.#access.hold(caller, end)
    return caller
  }

  /**
   * Counts a request of a caller who has proved otherwise than by a token who they are, and no longer for the address.
   * @throws {RateLimited}
   */
  async admitKnown(req: IncomingMessage, caller: Caller): Promise<void> {
    const visit = this.#visit(req)
    visit.uncount?.()
    visit.releaseBody?.()
    visit.caller = caller
    visit.allowance = this.#limits.of(caller)
    await visit.allowance.request()
  }

  /** Counts a request of somebody who shows nothing. @throws {RateLimited} */
  async admitAnybody(req: IncomingMessage): Promise<void> {
    await this.#countAddress(this.#visit(req))
  }

  /**
   * The whole body of a request; of a caller who is not known, within what all of them may have under way together.
   * @throws {BodyTooLarge} @throws {BodyTooSlow} @throws {AddressBodiesFull} @throws {AnonymousBodiesFull}
   */
  async readBody(req: IncomingMessage, limit: number): Promise<Buffer> {
    const visit = this.#visit(req)
    if (visit.caller !== undefined) return readBody(req, limit)
    const { body, release } = await this.#bodies.read(req, limit, addressBlock(visit.origin.address))
    if (visit.isOver) release()
    else visit.releaseBody = release
    return body
  }

  /** Counts one more request of the same connection. @throws {RateLimited} */
  async again(req: IncomingMessage): Promise<void> {
    const counting = this.#visit(req).allowance?.request()
    if (counting instanceof Promise) await counting
  }

  /**
   * Counts the request among those of its caller that are under way, until {@link leave}; its body, of which up to
   * `maxBytes` are taken, is counted before it is read. @throws {TooManyOpen} @throws {TooManyBytesHeld}
   */
  begin(req: IncomingMessage, maxBytes: number): Work {
    const visit = this.#visit(req)
    visit.work = this.allowanceOf(req).begin(bodySize(req, maxBytes))
    // It may have been left while it was found out who makes it.
    if (visit.isOver) visit.work.end()
    return visit.work
  }

  /** Whether nothing was shown that says who makes it. */
  isAnonymous({ headers }: IncomingMessage): boolean {
    return headers.authorization === undefined
  }

  /** Who was admitted with this request; undefined when nobody was. */
  callerOf(req: IncomingMessage): Caller | undefined {
    return this.#visits.get(req)?.caller
  }

  /** What is left to whoever makes the request: to the address, until it is known who does. */
  allowanceOf(req: IncomingMessage): Allowance {
    const visit = this.#visit(req)
    return visit.allowance ?? this.#limits.ofAddress(visit.origin.address)
  }

  /** The request, or the connection that it began, is over. */
  leave(req: IncomingMessage): void {
    const visit = this.#visit(req)
    visit.isOver = true
    visit.work?.end()
    visit.release?.()
    visit.releaseBody?.()
  }

  /** Tokens that are guessed count for the address, too. */
  async #turnAway(visit: Visit, error: unknown): Promise<never> {
    if (error instanceof Unauthenticated) await this.#countAddress(visit)
    throw error
  }

  async #countAddress(visit: Visit): Promise<void> {
    const allowance = this.#limits.ofAddress(visit.origin.address)
    visit.allowance = allowance
    const share = await allowance.request()
    if (share !== undefined) visit.uncount = () => allowance.giveBack(share)
  }

  #visit(req: IncomingMessage): Visit {
    const known = this.#visits.get(req)
    if (known !== undefined) return known
    const { headers } = req
    const origin = {
      requestId: requestIdOf(headers['x-request-id']),
      address: this.#addressOf(req),
      userAgent: headers['user-agent']?.slice(0, maxAgentLength),
    }
    const visit: Visit = { origin, isOver: false }
    this.#visits.set(req, visit)
    return visit
  }

  /**
   * The first address, from the server's side, that is not a trusted proxy, in its one spelling; a header that anyone else
   * sends is ignored.
   */
  #addressOf(req: IncomingMessage): string {
    const peer = plainAddress(req.socket.remoteAddress ?? '')
    if (peer === '' || !this.#isTrusted(peer, 0)) return peer
    let nearest = peer
    for (const [index, address] of forwardedFor(req.headers).entries()) {
      if (address === undefined) break
      nearest = address
      if (!this.#isTrusted(address, index + 1)) break
    }
    return nearest
  }
}

/** How many bytes the body has, or may turn out to have (RFC 9112 §6.3). */
function bodySize({ headers }: IncomingMessage, maxBytes: number): number {
  if (headers['transfer-encoding'] !== undefined) return maxBytes
  return Math.min(maxBytes, Number(headers['content-length'] ?? 0))
}

const maxAgentLength = 256

/** What a request comes to, unless the token that it came with ends before. @throws {Unauthenticated} then */
export async function unlessEnded<T>(work: Promise<T>, ended: AbortSignal): Promise<T> {
  const over = Promise.withResolvers<never>()
  const end = () => over.reject(new Unauthenticated('ended-meanwhile'))
  if (ended.aborted) end()
  ended.addEventListener('abort', end)
  try {
    return await Promise.race([work, over.promise])
  } finally {
    ended.removeEventListener('abort', end)
  }
}
