import { Caller, type OnRefused, type RequestOrigin } from './caller.ts'
import type { Credentials } from './credentials.ts'
import { type TokenFault, Unauthenticated } from './errors.ts'
import type { Incidents } from './incidents/incidents.ts'
import { TokenRefused } from './sign-in/errors.ts'
import type { SessionUsage } from './sign-in/session-usage.ts'
import { hashToken } from './tokens/token.ts'
import type { TokenUsage } from './tokens/token-usage.ts'

export interface AuthenticationDeps {
  readonly credentials: Credentials
  readonly usage: TokenUsage
  readonly sessionUsage: SessionUsage
  readonly incidents: Incidents
}

/** Finds out who sends a request, and notes what it shows: the use of a credential, or an attempt that failed. */
export function createAuthentication({ credentials, usage, sessionUsage, incidents }: AuthenticationDeps) {
  /** The caller of a request with this token. @throws {Unauthenticated} when it is unknown, or not valid any more */
  async function authenticate(token: string | undefined, request: RequestOrigin): Promise<Caller> {
    const identity = await credentials.identify(token).catch((error: unknown) => {
      if (error instanceof Unauthenticated) noteStranger(token, request, error.fault)
      throw error
    })
    const caller = new Caller(identity, request, { onRefused })
    usage.note(caller, request)
    sessionUsage.note(caller, request)
    return caller
  }

  function onRefused(...refusal: Parameters<OnRefused>): void {
    incidents.refused(...refusal)
  }

  function noteStranger(token: string | undefined, request: RequestOrigin, fault: TokenFault | undefined): void {
    if (token === undefined) incidents.attempted('none', 'UNAUTHENTICATED', request)
    else
      incidents.attempted('token', 'UNAUTHENTICATED', request, { hash: hashToken(token), isKnown: fault !== 'unknown' })
  }

  /** Whose access token this is. @throws {TokenRefused} */
  async function personOf(token: string): Promise<string> {
    const { actor } = await credentials.identify(token).catch(orRefused)
    if (actor.kind !== 'user') throw new TokenRefused()
    return actor.id
  }

  return { authenticate, personOf }
}

function orRefused(error: unknown): never {
  throw error instanceof Unauthenticated ? new TokenRefused() : error
}
