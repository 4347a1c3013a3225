import { z } from 'zod'
import { DeviceCookies, devicePath } from '#transport/pages/device/cookies.ts'
import { publicPathOf } from '#transport/public-path.ts'
import {
  BeginOidcSignInDocument,
  CheckSessionDocument,
  FinishOidcSignInDocument,
  RefreshSessionDocument,
  SignInDocument,
  SignOutDocument,
} from '#transport/rest/generated/graphql.ts'
import { Refused } from '#transport/rest/refused.ts'
import { type Answer, defineRoute, json, type Route } from '#transport/rest/route.ts'
import { publicOrigin, signedInAnswer, signedInBody } from '#transport/rest/signed-in.ts'

const tag = 'Signing in'
const cookieName = 'signalbox_sign_in'
/** How long a person has at the identity provider, in seconds. */
const cookieAgeS = 600

const scopes = z
  .array(z.string())
  .optional()
  .describe(
    'Limits the scopes of the session. By default everything that the role allows, or the scopes it had before; they can only be narrowed.',
  )

const account = z
  .string()
  .max(200)
  .optional()
  .describe('The account to sign in to, by id or name; needed only by people who belong to several.')

const samePlace = z
  .string()
  .regex(/^\/(?![/\\])[\x21-\x7e]{0,500}$/, 'must be a path of this server')
  .refine((path) => !mayRedirect(path), 'must not be a path that leads on to the identity provider')
  .optional()
  .describe('Where to redirect afterwards: a path of this server, which receives the tokens after a `#`.')

/** Rows for people to sign in and out; `publicUrl` is where this installation is reached. */
export function signInRoutes(publicUrl: string | undefined): readonly Route[] {
  const isSecure = publicUrl?.startsWith('https:') ?? false

  const deviceCookies = new DeviceCookies(publicUrl)

  function cookie(value: string, ageS: number): string {
    return `${cookieName}=${value}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${ageS}${isSecure ? '; Secure' : ''}`
  }

  return [
    defineRoute({
      method: 'post',
      path: '/auth/admin/login',
      name: 'signIn',
      tag,
      summary: 'Signs a person in by e-mail address and password.',
      access: 'open',
      body: z.object({ email: z.string(), password: z.string(), scopes, account }),
      answers: signedInAnswer,
      refusals: [401, 403, 409, 429],
      document: SignInDocument,
      variables: ({ body: { scopes = null, account = null, ...who } }) => ({ input: { ...who, scopes, account } }),
      answer: ({ signIn }) => json(200, signedInBody(signIn)),
    }),
    defineRoute({
      method: 'post',
      path: '/auth/refresh',
      name: 'refreshSession',
      tag,
      summary: 'Exchanges a refresh token for a new pair.',
      description: 'A refresh token can be used once. Using it again ends the session, since it may have been stolen.',
      access: 'open',
      body: z.object({ refresh_token: z.string(), scopes }),
      answers: signedInAnswer,
      refusals: [401],
      document: RefreshSessionDocument,
      variables: ({ body }) => ({ input: { refreshToken: body.refresh_token, scopes: body.scopes ?? null } }),
      answer: ({ refreshSession }) => json(200, signedInBody(refreshSession)),
    }),
    defineRoute({
      method: 'post',
      path: '/auth/logout',
      name: 'signOut',
      tag,
      summary: 'Ends the session that the access token belongs to.',
      answers: { 204: { description: 'The session and everything running under it has ended.' } },
      refusals: [404],
      document: SignOutDocument,
      variables: () => ({ input: {} }),
      answer: () => ({ status: 204 }),
    }),
    defineRoute({
      method: 'post',
      path: '/auth/callback',
      name: 'checkSession',
      tag,
      summary: 'Returns the owner of an access token.',
      access: 'open',
      body: z.object({ access_token: z.string(), refresh_token: z.string().optional() }),
      answers: {
        200: {
          description: 'The token is valid.',
          schema: z.object({ success: z.literal(true), data: z.object({ userId: z.uuid() }) }),
        },
      },
      refusals: [401],
      document: CheckSessionDocument,
      variables: ({ body }) => ({ input: { accessToken: body.access_token } }),
      answer: ({ checkSession }) => json(200, { success: true, data: { userId: checkSession.userId } }),
    }),
    defineRoute({
      method: 'get',
      path: '/auth/login',
      name: 'beginOidcSignIn',
      tag,
      summary: 'Redirects to the identity provider.',
      access: 'open',
      query: z.object({ return_to: samePlace, account }),
      headers: z.object({ host: z.string() }),
      answers: { 302: { description: 'Redirect to the provider.' } },
      refusals: [404, 502],
      document: BeginOidcSignInDocument,
      variables: ({ prefix, headers, query }) => ({
        input: {
          redirectUri: `${publicOrigin(publicUrl, headers.host)}${prefix}/auth/callback`,
          account: query.account ?? null,
        },
      }),
      answer({ beginOidcSignIn: { url, pending } }, { query }): Answer {
        const value = [pending, ...(query.return_to === undefined ? [] : [encode(query.return_to)])].join('~')
        return { status: 302, headers: { location: url }, cookies: [cookie(value, cookieAgeS)] }
      },
    }),
    defineRoute({
      method: 'get',
      path: '/auth/callback',
      name: 'finishOidcSignIn',
      tag,
      summary: 'Completes the sign-in after the identity provider’s redirect.',
      access: 'open',
      // Providers add parameters of their own, such as `session_state`.
      query: z.looseObject({
        code: z.string().optional(),
        state: z.string().optional(),
        iss: z.string().optional(),
        error: z.string().optional(),
        error_description: z.string().optional(),
      }),
      headers: z.object({ cookie: z.string().default('') }),
      answers: { ...signedInAnswer, 302: { description: 'Redirect to the page that started the sign-in.' } },
      refusals: [401, 403, 409, 502],
      document: FinishOidcSignInDocument,
      variables({ query, headers }) {
        const entries = Object.entries(query).filter(([, value]) => value !== undefined) as [string, string][]
        return {
          input: { parameters: new URLSearchParams(entries).toString(), pending: begun(headers.cookie).pending },
        }
      },
      answer({ finishOidcSignIn }, { headers }): Answer {
        const { returnTo } = begun(headers.cookie)
        const used = cookie('', 0)
        if (returnTo === undefined) return { ...json(200, signedInBody(finishOidcSignIn)), cookies: [used] }
        const { accessToken, refreshToken } = finishOidcSignIn
        // That page works without scripts, and nothing else reads what stands behind a `#`.
        if (isDevicePage(returnTo, publicUrl))
          return { status: 302, headers: { location: returnTo }, cookies: [used, deviceCookies.signedIn(accessToken)] }
        const tokens = new URLSearchParams({ access_token: accessToken, refresh_token: refreshToken })
        return { status: 302, headers: { location: `${returnTo}#${tokens}` }, cookies: [used] }
      },
    }),
  ]
}

/**
 * Whether a path may send browsers on to somewhere else: they take what stands behind a `#` with them (RFC 9110 §10.2.2).
 * A path that hides letters, dots or slashes by percent-encoding counts as one: routers and proxies read it in other ways.
 */
function mayRedirect(path: string): boolean {
  const { pathname } = new URL(path, 'http://localhost')
  return /%(2[5d-f]|3\d|[46][1-9a-f]|[57][\daef])/i.test(pathname) || /\/auth\/+(login|callback)\b/i.test(pathname)
}

function isDevicePage(path: string, publicUrl: string | undefined): boolean {
  return path.split('?', 1)[0] === `${publicPathOf(publicUrl)}${devicePath}`
}

/** What was remembered when the sign-in was begun. @throws {Refused} when this browser has begun none. */
function begun(cookies: string): { pending: string; returnTo: string | undefined } {
  const value = cookies
    .split(/; */)
    .find((one) => one.startsWith(`${cookieName}=`))
    ?.slice(cookieName.length + 1)
  if (!value)
    throw new Refused('UNAUTHENTICATED', 'This browser has not started a sign-in, or it took too long. Start again.')
  const [pending = '', returnTo] = value.split('~')
  return {
    pending,
    returnTo: returnTo && samePlace.catch(undefined).parse(Buffer.from(returnTo, 'base64url').toString()),
  }
}

function encode(text: string): string {
  return Buffer.from(text).toString('base64url')
}
