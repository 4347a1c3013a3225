import { randomBytes, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { type CookieOptions, parse, serialize } from 'hono/utils/cookie'
import { publicPathOf } from '#transport/public-path.ts'

/** Where the page stands; there is one path, so that its forms work behind any prefix of a proxy. */
export const devicePath = '/device'

/** How long somebody stays signed in on the page, in seconds. */
const signedInS = 600
const names = { signedIn: 'signalbox_device', form: 'signalbox_device_form' } as const

/** The page's own cookies: who is signed in there, and that a form was ours. */
export class DeviceCookies {
  readonly #options: CookieOptions

  /** `publicUrl`: where browsers find this installation; without one, as it was asked for. */
  constructor(publicUrl: string | undefined) {
    const url = publicUrl === undefined ? undefined : new URL(publicUrl)
    this.#options = {
      path: `${publicPathOf(publicUrl)}${devicePath}`,
      httpOnly: true,
      secure: url?.protocol === 'https:',
    }
  }

  /** Keeps somebody signed in. Lax, since they may come back from an identity provider; no form of others carries it. */
  signedIn(accessToken: string): string {
    return serialize(names.signedIn, accessToken, { ...this.#options, sameSite: 'Lax', maxAge: signedInS })
  }

  signedOut(): string {
    return serialize(names.signedIn, '', { ...this.#options, sameSite: 'Lax', maxAge: 0 })
  }

  form(token: string): string {
    return serialize(names.form, token, { ...this.#options, sameSite: 'Strict' })
  }
}

/** The access token of who is signed in on the page; undefined when nobody is. */
export function accessTokenOf(req: IncomingMessage): string | undefined {
  return cookieOf(req, names.signedIn)
}

/** What the browser's forms have to carry. */
export function formTokenOf(req: IncomingMessage): string | undefined {
  return cookieOf(req, names.form)
}

export function newFormToken(): string {
  return randomBytes(24).toString('base64url')
}

/** Whether a form comes from a page that this browser had from here. */
export function isOwnForm(req: IncomingMessage, token: string): boolean {
  const known = Buffer.from(formTokenOf(req) ?? '')
  const given = Buffer.from(token)
  const site = req.headers['sec-fetch-site']
  const isSameSite = site === undefined || site === 'same-origin' || site === 'none'
  return isSameSite && known.length > 0 && known.length === given.length && timingSafeEqual(known, given)
}

function cookieOf({ headers }: IncomingMessage, name: string): string | undefined {
  return parse(headers.cookie ?? '', name)[name] || undefined
}
