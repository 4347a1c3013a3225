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
import type { SessionCookies } from './session-cookies.ts'

/** The state of a request that is being processed. */
interface RequestState {
  readonly origin: RequestOrigin
  /** Undoes the count for the address. */
  uncount?: () => void
  /** Frees the memory budget of the body of an unknown caller. */
  releaseBody?: () => void
  caller?: Caller
  allowance?: Allowance
  work?: Work
  release?: () => void
  isOver: boolean
}

export interface RequestAuthOptions {
  readonly access: AccessService
  readonly limits: Pick<LimitService, 'of' | 'ofAddress'>
  /** Addresses and networks whose forwarding headers are trusted. */
  readonly trustedProxies: readonly string[]
  /** How many bytes of the bodies of unknown callers may be in memory together. */
  readonly anonymousBodyBytes: number
  /** What browsers are signed in with. */
  readonly cookies: SessionCookies
}

/** Authenticates and counts every request, whatever handler it goes to. */
export class RequestAuth {
  readonly #access: AccessService
  readonly #limits: RequestAuthOptions['limits']
  readonly #isTrusted: (address: string, hop: number) => boolean
  readonly #bodies: AnonymousBodies
  readonly #cookies: SessionCookies
  readonly #states = new WeakMap<IncomingMessage, RequestState>()

  constructor({ access, limits, trustedProxies, anonymousBodyBytes, cookies }: RequestAuthOptions) {
    this.#cookies = cookies
    this.#bodies = new AnonymousBodies(anonymousBodyBytes)
    this.#access = access
    this.#limits = limits
    this.#isTrusted = trustedProxies.length === 0 ? () => false : proxyAddr.compile([...trustedProxies])
  }

  /** How the request came: always the same for one request. */
  originOf(req: IncomingMessage): RequestOrigin {
    return this.#stateOf(req).origin
  }

  /**
   * The caller of a request, by the given token, the token in its header, or the cookie of a browser session. Counts the
   * request for the caller, or for the address when the token is not valid. `end` is called when the token is revoked
   * before {@link release}.
   * @throws {Unauthenticated} @throws {RateLimited} @throws {ForeignOrigin}
   */
  async authenticate(
    req: IncomingMessage,
    end: () => void = () => req.socket.destroy(),
    token = this.#tokenOf(req),
  ): Promise<Caller> {
    const state = this.#stateOf(req)
    const caller = await this.#access
      .authenticate(token, state.origin)
      .catch((error: unknown) => this.#refuse(state, error))
    state.release?.()
    state.caller = caller
    state.allowance = this.#limits.of(caller)
    const counting = state.allowance.request()
    if (counting instanceof Promise) await counting
    // A request that has ended meanwhile would be kept for ever.
    if (!state.isOver) state.release = this.#access.hold(caller, end)
    return caller
  }

  /**
   * Counts a request for a caller who was authenticated without a token, and no longer for the address.
   * @throws {RateLimited}
   */
  async allowKnown(req: IncomingMessage, caller: Caller): Promise<void> {
    const state = this.#stateOf(req)
    state.uncount?.()
    state.releaseBody?.()
    state.caller = caller
    state.allowance = this.#limits.of(caller)
    await state.allowance.request()
  }

  /** Counts a request without a token, for the address. @throws {RateLimited} */
  async allowAnonymous(req: IncomingMessage): Promise<void> {
    await this.#countAddress(this.#stateOf(req))
  }

  /**
   * The whole body of a request; the bodies of unknown callers share a memory budget.
   * @throws {BodyTooLarge} @throws {BodyTooSlow} @throws {AddressBodiesFull} @throws {AnonymousBodiesFull}
   */
  async readBody(req: IncomingMessage, limit: number): Promise<Buffer> {
    const state = this.#stateOf(req)
    if (state.caller !== undefined) return readBody(req, limit)
    const { body, release } = await this.#bodies.read(req, limit, addressBlock(state.origin.address))
    if (state.isOver) release()
    else state.releaseBody = release
    return body
  }

  /** Counts one more request of the same connection. @throws {RateLimited} */
  async countAgain(req: IncomingMessage): Promise<void> {
    const counting = this.#stateOf(req).allowance?.request()
    if (counting instanceof Promise) await counting
  }

  /**
   * Counts the request among the concurrent ones of its caller, until {@link release}; its body, of at most `maxBytes`,
   * is counted before it is read. @throws {ConcurrencyLimitExceeded} @throws {TooManyBytesHeld}
   */
  begin(req: IncomingMessage, maxBytes: number): Work {
    const state = this.#stateOf(req)
    state.work = this.allowanceOf(req).begin(bodySize(req, maxBytes))
    // The request may have ended while it was authenticated.
    if (state.isOver) state.work.end()
    return state.work
  }

  /** Whether the request has neither a token nor the cookie of a browser session. */
  isAnonymous(req: IncomingMessage): boolean {
    return req.headers.authorization === undefined && this.#cookies.chosen(req) === undefined
  }

  /** The authenticated caller of a request; undefined when there is none. */
  callerOf(req: IncomingMessage): Caller | undefined {
    return this.#states.get(req)?.caller
  }

  /** The allowance of the caller; of the address, until the caller is authenticated. */
  allowanceOf(req: IncomingMessage): Allowance {
    const state = this.#stateOf(req)
    return state.allowance ?? this.#limits.ofAddress(state.origin.address)
  }

  /** Ends the request, or the connection that it opened. */
  release(req: IncomingMessage): void {
    const state = this.#stateOf(req)
    state.isOver = true
    state.work?.end()
    state.release?.()
    state.releaseBody?.()
  }

  /** A token in the header comes before a cookie, which browsers send along. @throws {ForeignOrigin} */
  #tokenOf(req: IncomingMessage): string | undefined {
    if (req.headers.authorization !== undefined) return requestToken(req.headers)
    const session = this.#cookies.chosen(req)
    if (session !== undefined) this.#cookies.mustBeOwn(req)
    return session?.token
  }

  /** Guessed tokens count for the address. */
  async #refuse(state: RequestState, error: unknown): Promise<never> {
    if (error instanceof Unauthenticated) await this.#countAddress(state)
    throw error
  }

  async #countAddress(state: RequestState): Promise<void> {
    const allowance = this.#limits.ofAddress(state.origin.address)
    state.allowance = allowance
    const share = await allowance.request()
    if (share !== undefined) state.uncount = () => allowance.giveBack(share)
  }

  #stateOf(req: IncomingMessage): RequestState {
    const known = this.#states.get(req)
    if (known !== undefined) return known
    const { headers } = req
    const origin = {
      requestId: requestIdOf(headers['x-request-id']),
      address: this.#addressOf(req),
      userAgent: headers['user-agent']?.slice(0, maxAgentLength),
    }
    const state: RequestState = { origin, isOver: false }
    this.#states.set(req, state)
    return state
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

/** The result of the work, unless the token of its request ends before. @throws {Unauthenticated} then */
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
