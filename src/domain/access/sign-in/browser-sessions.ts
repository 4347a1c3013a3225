import type { Caller } from '#domain/access/caller.ts'
import { tokenEvent } from '#domain/access/events.ts'
import { hashToken } from '#domain/access/tokens/token.ts'
import type { Clock } from '#lib/clock.ts'
import type { Transact } from '#platform/database/transaction.ts'
import { deleteBrowserSession, insertBrowserSession, newBrowserToken } from './browser-session-store.ts'
import { TokenRefused } from './errors.ts'

const dayMs = 24 * 60 * 60 * 1000
/** After this long a browser has to be signed in again, in milliseconds. */
const browserSessionMs = 30 * dayMs

/** What a browser is signed in with: a cookie's value instead of a token that scripts could read. */
export interface OpenBrowserSession {
  readonly token: string
  readonly expiresAt: Date
}

export interface BrowserSessionsDeps {
  readonly transact: Transact
  readonly clock: Clock
  /** Drops what is cached of a credential. */
  readonly forget: (id: string) => void
}

/** Signs browsers in and out with what their person has shown already: a session or an application token. */
export function createBrowserSessions({ transact, clock, forget }: BrowserSessionsDeps) {
  /** Signs a browser in as the caller, with exactly the caller's rights. @throws {TokenRefused} for other credentials */
  async function open(caller: Caller): Promise<OpenBrowserSession> {
    const { accountId, credential, actor } = caller
    if (credential.kind !== 'session' && credential.kind !== 'token') throw new TokenRefused()
    const token = newBrowserToken()
    const expiresAt = new Date(clock.now().getTime() + browserSessionMs)
    const isToken = credential.kind === 'token'
    const run = isToken ? transact : transact.quiet('the sign-in of the session is in the journal')
    await run(async (tx) => {
      await insertBrowserSession(tx, { accountId, hash: hashToken(token), credential, expiresAt })
      if (!isToken) return
      const of = { accountId, id: credential.id }
      tx.journal(tokenEvent('auth.token_signed_in', of, caller.by(), { name: actor.name }))
    })
    return { token, expiresAt }
  }

  /** Signs a browser out; what it was signed in with stays valid elsewhere. */
  async function close(caller: Caller, token: string): Promise<void> {
    const { accountId, credential, actor } = caller
    const isToken = credential.kind === 'token'
    const run = isToken ? transact : transact.quiet('the end of the session is in the journal')
    await run(async (tx) => {
      if (!(await deleteBrowserSession(tx, accountId, hashToken(token))) || !isToken) return
      const of = { accountId, id: credential.id }
      tx.journal(tokenEvent('auth.token_signed_out', of, caller.by(), { name: actor.name }))
    })
    forget(credential.id)
  }

  return { open, close }
}
