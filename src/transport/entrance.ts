import type { IncomingMessage } from 'node:http'
import type { RequestOrigin } from '#domain/access/caller.ts'
import type { AccessService, Caller } from '#domain/access/service.ts'
import { requestToken } from './credentials.ts'
import { requestIdOf } from './request-id.ts'

/** What is known of a request under way. */
interface Visit {
  readonly origin: RequestOrigin
  caller?: Caller
  release?: () => void
  isOver: boolean
}

/** Where every request shows who makes it, whatever door it goes to. */
export class Entrance {
  readonly #access: AccessService
  readonly #visits = new WeakMap<IncomingMessage, Visit>()

  constructor(access: AccessService) {
    this.#access = access
  }

  /** How the request came: always the same for one request. */
  originOf(req: IncomingMessage): RequestOrigin {
    return this.#visit(req).origin
  }

  /**
   * Who makes the request, by the token in its header or the one that came otherwise. `end` is called when that right is
   * taken away before {@link leave}. @throws {Unauthenticated}
   */
  async admit(
    req: IncomingMessage,
    end: () => void = () => req.destroy(),
    token = requestToken(req.headers),
  ): Promise<Caller> {
    const visit = this.#visit(req)
    const caller = await this.#access.authenticate(token, visit.origin)
    visit.release?.()
    visit.caller = caller
    // Whoever has gone meanwhile must not be held for ever.
    if (!visit.isOver) visit.release = this.#access.hold(caller, end)
    return caller
  }

  /** Whether nothing was shown that says who makes it. */
  isAnonymous({ headers }: IncomingMessage): boolean {
    return headers.authorization === undefined
  }

  /** Who was admitted with this request; undefined when nobody was. */
  callerOf(req: IncomingMessage): Caller | undefined {
    return this.#visits.get(req)?.caller
  }

  /** The request, or the connection that it began, is over. */
  leave(req: IncomingMessage): void {
    const visit = this.#visit(req)
    visit.isOver = true
    visit.release?.()
  }

  #visit(req: IncomingMessage): Visit {
    const known = this.#visits.get(req)
    if (known !== undefined) return known
    const { headers, socket } = req
    const origin = {
      requestId: requestIdOf(headers['x-request-id']),
      address: socket.remoteAddress ?? '',
      userAgent: headers['user-agent']?.slice(0, longestAgent),
    }
    const visit: Visit = { origin, isOver: false }
    this.#visits.set(req, visit)
    return visit
  }
}

const longestAgent = 256
