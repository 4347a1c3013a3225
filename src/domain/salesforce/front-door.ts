import { invalidValue } from '#lib/errors.ts'
import { SalesforceFailure } from './errors.ts'
import type { Oauth, Session } from './oauth.ts'

/** A link that opens a session in a browser. */
export interface FrontDoor {
  readonly url: string
  /** Whether it works once only; otherwise it holds the session itself, and works for as long as that. */
  readonly isOneTime: boolean
}

const pathForm = /^\/(?![/\\])[\x21-\x5b\x5d-\x7e]{0,1999}$/

/** @throws {InvalidInput} for what is not a path within an org */
export function mustBePath(path: string): void {
  if (!pathForm.test(path))
    throw invalidValue('`path`', 'path', 'must be a path within the org, such as /lightning/setup/SetupOneHome/home')
}

/**
 * A link for the user of a session: a one-time link or, from apps whose tokens may not ask for one, the session's own.
 * @throws {SalesforceFailure}
 */
export async function openFrontDoor(oauth: Oauth, session: Session, path: string | undefined): Promise<FrontDoor> {
  try {
    return { url: await oauth.singleAccess(session, path), isOneTime: true }
  } catch (error) {
    if (!isNotOffered(error)) throw error
    const url = new URL('/secur/frontdoor.jsp', session.instanceUrl)
    url.searchParams.set('sid', session.accessToken)
    if (path !== undefined) url.searchParams.set('retURL', path)
    return { url: url.href, isOneTime: false }
  }
}

/** The app lacks the scope `web`, or the org does not know the endpoint. */
function isNotOffered(error: unknown): boolean {
  return (
    error instanceof SalesforceFailure && /^(insufficient_scope|invalid_scope|NOT_FOUND|HTTP_404)$/.test(error.reason)
  )
}
