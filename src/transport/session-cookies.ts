import type { IncomingMessage } from 'node:http'
import { type CookieOptions, parse, serialize } from 'hono/utils/cookie'
import { AppError } from '#lib/errors.ts'
import { isId } from '#lib/ids.ts'

/** A page of another origin has sent a request with the cookie of a browser session. */
class ForeignOrigin extends AppError {
  readonly code = 'FORBIDDEN'
  constructor() {
    super('A browser session is accepted only from pages of this server: the Origin header names another one, or none.')
  }
}

/** Names the account whose session of this browser is meant, where it has several; part of the query of any request. */
export const sessionParameter = 'session'

/** Sessions of one browser that are looked at. */
export const maxSessions = 8

/** A session of a browser, as its cookie says. */
export interface SessionCookie {
  readonly accountId: string
  readonly token: string
}

/**
 * The cookies that browsers are signed in with, one for each account, so that signing in to one leaves the others alone.
 * Scripts can't read them, and other sites' pages don't send them, except when a person follows a link.
 */
export class SessionCookies {
  readonly #prefix: string
  readonly #options: CookieOptions
  readonly #publicUrl: URL | undefined

  /** `publicUrl`: where browsers find this installation; without one, as it was asked for. */
  constructor(publicUrl: string | undefined) {
    this.#publicUrl = publicUrl === undefined ? undefined : new URL(publicUrl)
    const isSecure = this.#publicUrl?.protocol === 'https:'
    // The prefix binds a cookie to its host (RFC 6265bis §4.1.3.2); over plain http, browsers refuse it.
    this.#prefix = `${isSecure ? '__Host-' : ''}signalbox-`
    this.#options = { path: '/', httpOnly: true, sameSite: 'Lax', secure: isSecure }
  }

  /** Keeps a browser signed in until then. */
  set({ accountId, token }: SessionCookie, expires: Date): string {
    return serialize(`${this.#prefix}${accountId}`, token, { ...this.#options, expires })
  }

  clear(accountId: string): string {
    return serialize(`${this.#prefix}${accountId}`, '', { ...this.#options, maxAge: 0 })
  }

  /** The sessions that a request carries. */
  all({ headers: { cookie } }: IncomingMessage): SessionCookie[] {
    if (cookie === undefined || !cookie.includes(this.#prefix)) return []
    const found = Object.entries(parse(cookie)).flatMap(([name, token]): SessionCookie[] => {
      const accountId = name.startsWith(this.#prefix) ? name.slice(this.#prefix.length) : ''
      return isId(accountId) && token !== '' ? [{ accountId, token }] : []
    })
    return found.slice(0, maxSessions)
  }

  /** The session that a request means: that of the account which it names, or the only one. */
  chosen(req: IncomingMessage): SessionCookie | undefined {
    const all = this.all(req)
    if (all.length === 0) return undefined
    const wanted = sessionIn(req)
    if (wanted === undefined) return all.length === 1 ? all[0] : undefined
    return all.find(({ accountId }) => accountId === wanted)
  }

  /**
   * Checks that a request which may change something, or opens a WebSocket, comes from a page of this server.
   * @throws {ForeignOrigin}
   */
  mustBeOwn(req: IncomingMessage): void {
    const { upgrade, origin } = req.headers
    if (upgrade === undefined && (req.method === 'GET' || req.method === 'HEAD')) return
    if (origin === undefined ? req.headers['sec-fetch-site'] === 'same-origin' : this.#isOwn(origin, req)) return
    throw new ForeignOrigin()
  }

  /** The scheme is known only of the public address: without one, the host decides. */
  #isOwn(origin: string, { headers: { host } }: IncomingMessage): boolean {
    if (origin === this.#publicUrl?.origin) return true
    if (!URL.canParse(origin)) return false
    const { host: named } = new URL(origin)
    return named === host && named !== this.#publicUrl?.host
  }
}

/** The account that a request names; undefined when it names none. */
function sessionIn({ url = '' }: IncomingMessage): string | undefined {
  const start = url.indexOf('?')
  return start === -1 ? undefined : (new URLSearchParams(url.slice(start)).get(sessionParameter) ?? undefined)
}
