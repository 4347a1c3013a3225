import type { IncomingMessage, ServerResponse } from 'node:http'
import type { RequestOrigin } from '#domain/access/caller.ts'
import type { Caller } from '#domain/access/service.ts'
import type { Allowance } from '#domain/limits/allowance.ts'
import type { Work } from '#domain/limits/work.ts'

/** What a transport passes along with each operation. */
export interface OperationContext {
  /** Undefined: anonymous. */
  readonly caller: Caller | undefined
  /** How the request came. */
  readonly origin: RequestOrigin
  /** The caller's remaining rate limit; nothing is counted when undefined. */
  readonly allowance?: Allowance | undefined
  /** The request that the operation came with, as it is counted among its caller's; undefined where that is not. */
  readonly work?: Work | undefined
  /** Aborts when the client goes away before it is answered; it never does when undefined. */
  readonly whenLeft?: () => AbortSignal
  readonly req?: IncomingMessage
  readonly res?: ServerResponse
  /** Whether the client takes a stream as its answer; undefined where all do. */
  readonly acceptsStream?: boolean
}
