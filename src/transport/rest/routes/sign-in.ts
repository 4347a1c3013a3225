import { z } from 'zod'
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

const tag = 'Signing in'
const cookieName = 'signalbox_sign_in'
/** How long a person has at the identity provider, in seconds. */
const cookieAgeS = 600

const pair = z.object({
  success: z.literal(true),
  access_token: z.string().describe('Send it as `Authorization: Bearer <token>`; it works for an hour.'),
  refresh_token: z.string().describe('For the next pair; works once.'),
  user: z.object({ id: z.uuid(), email: z.email(), role: z.enum(['owner', 'member']) }),
})
const signedIn = pair.meta({ id: 'SignedIn', description: 'A person who is signed in.' })
const signedInAnswer = { 200: { description: 'Signed in.', schema: signedIn } } as const

const scopes = z
  .array(z.string())
  .optional()
  .describe('What the session may do; all that the role may, or as before, when absent. Never more than before.')

interface Session {
  readonly accessToken: string
  readonly refreshToken: string
  readonly userId: string
  readonly email: string
  readonly role: 'OWNER' | 'MEMBER'
}

function bodyOf({ accessToken, refreshToken, userId, email, role }: Session) {
  const user = { id: userId, email, role: role.toLowerCase() }
  return { success: true, access_token: accessToken, refresh_token: refreshToken, user }
}

const samePlace = z
  .string()
  .regex(/^\/(?![/\\])[\x21-\x7e]{0,500}$/, 'must be a path of this server')
  .optional()
  .describe('Where to go afterwards: a path of this server, which gets the tokens behind a `#`.')

/** Where an installation is reached: its configured address or, without one, the one that was asked for. */
function originOf(publicUrl: string | undefined, host: string): string {
  return (publicUrl ?? `http://${host}`).replace(/\/$/, '')
}

/** Rows for people to sign in and out; `publicUrl` is where this installation is reached. */
export function signInRoutes(publicUrl: string | undefined): readonly Route[] {
  const isSecure = publicUrl?.startsWith('https:') ?? false

  function cookie(value: string, ageS: number): Record<string, string> {
    const attributes = `Path=/; HttpOnly; SameSite=Lax; Max-Age=${ageS}${isSecure ? '; Secure' : ''}`
    return { 'set-cookie': `${cookieName}=${value}; ${attributes}` }
  }

  return [
    defineRoute({
      method: 'post',
      path: '/auth/admin/login',
      name: 'signIn',
      tag,
      summary: 'Signs a person in by e-mail address and password.',
      access: 'open',
      body: z.object({ email: z.string(), password: z.string(), scopes }),
      answers: signedInAnswer,
      refusals: [401, 403, 429],
      document: SignInDocument,
      variables: ({ body: { scopes = null, ...who } }) => ({ input: { ...who, scopes } }),
      answer: ({ signIn }) => json(200, bodyOf(signIn)),
    }),
    defineRoute({
      method: 'post',
      path: '/auth/refresh',
      name: 'refreshSession',
      tag,
      summary: 'Exchanges a refresh token for a new pair.',
      description: 'A refresh token works once. Using it again ends the session: somebody has a copy.',
      access: 'open',
      body: z.object({ refresh_token: z.string(), scopes }),
      answers: signedInAnswer,
      refusals: [401],
      document: RefreshSessionDocument,
      variables: ({ body }) => ({ input: { refreshToken: body.refresh_token, scopes: body.scopes ?? null } }),
      answer: ({ refreshSession }) => json(200, bodyOf(refreshSession)),
    }),
    defineRoute({
      method: 'post',
      path: '/auth/logout',
      name: 'signOut',
      tag,
      summary: 'Ends the session that the access token belongs to.',
      answers: { 204: { description: 'The session has ended, with everything that was under way with it.' } },
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
      summary: 'Says whose an access token is.',
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
      summary: 'Sends a person to the identity provider.',
      access: 'open',
      query: z.object({ return_to: samePlace }),
      headers: z.object({ host: z.string() }),
      answers: { 302: { description: 'To the provider.' } },
      refusals: [404, 502],
      document: BeginOidcSignInDocument,
      variables: ({ prefix, headers }) => ({
        input: { redirectUri: `${originOf(publicUrl, headers.host)}${prefix}/auth/callback` },
      }),
      answer({ beginOidcSignIn: { url, pending } }, { query }): Answer {
        const value = [pending, ...(query.return_to === undefined ? [] : [encode(query.return_to)])].join('~')
        return { status: 302, headers: { location: url, ...cookie(value, cookieAgeS) } }
      },
    }),
    defineRoute({
      method: 'get',
      path: '/auth/callback',
      name: 'finishOidcSignIn',
      tag,
      summary: 'Signs in who comes back from the identity provider.',
      access: 'open',
      query: z.object({
        code: z.string().optional(),
        state: z.string().optional(),
        iss: z.string().optional(),
        error: z.string().optional(),
        error_description: z.string().optional(),
      }),
      headers: z.object({ cookie: z.string().default('') }),
      answers: { ...signedInAnswer, 302: { description: 'To where the sign-in was begun from.' } },
      refusals: [401, 403, 502],
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
        if (returnTo === undefined) return json(200, bodyOf(finishOidcSignIn), used)
        const { accessToken, refreshToken } = finishOidcSignIn
        const tokens = new URLSearchParams({ access_token: accessToken, refresh_token: refreshToken })
        return { status: 302, headers: { location: `${returnTo}#${tokens}`, ...used } }
      },
    }),
  ]
}

/** What was remembered when the sign-in was begun. @throws {Refused} when this browser has begun none. */
function begun(cookies: string): { pending: string; returnTo: string | undefined } {
  const value = cookies
    .split(/; */)
    .find((one) => one.startsWith(`${cookieName}=`))
    ?.slice(cookieName.length + 1)
  if (!value)
    throw new Refused('UNAUTHENTICATED', 'This browser has begun no sign-in, or it took too long. Begin again.')
  const [pending = '', returnTo] = value.split('~')
  return {
    pending,
    returnTo: returnTo && samePlace.catch(undefined).parse(Buffer.from(returnTo, 'base64url').toString()),
  }
}

function encode(text: string): string {
  return Buffer.from(text).toString('base64url')
}
