import type { IncomingMessage } from 'node:http'
import type { AccessService, Caller } from '#domain/access/service.ts'
import { requestToken } from './credentials.ts'

/** Where every request shows who makes it, whatever door it goes to. */
export class Entrance {
  readonly #access: AccessService
  readonly #callers = new WeakMap<IncomingMessage, Caller>()

  constructor(access: AccessService) {
    this.#access = access
  }

  /** Who makes the request, by the token in its header or the one that came otherwise. @throws {Unauthenticated} */
  async admit(req: IncomingMessage, token = requestToken(req.headers)): Promise<Caller> {
    const caller = await this.#access.authenticate(token)
    this.#callers.set(req, caller)
    return caller
  }

  /** Who was admitted with this request; undefined when nobody was. */
  callerOf(req: IncomingMessage): Caller | undefined {
    return this.#callers.get(req)
  }
}
