import type { IncomingMessage, ServerResponse } from 'node:http'
import type { GraphQLError } from 'graphql'
import { z } from 'zod'
import type { AccessService, Caller } from '#domain/access/service.ts'
import { withIssues } from '#lib/errors.ts'
import { anonymousBytes } from '#transport/body.ts'
import { mediaTypeOf, mustBePlainUtf8, textOf } from '#transport/content.ts'
import type { GraphqlServer } from '#transport/graphql/server.ts'
import type { RequestAuth } from '#transport/request-auth.ts'
import { SessionViewerDocument, SignInDocument, SignOutDocument } from '#transport/rest/generated/graphql.ts'
import { type Operations, operationsOf } from '#transport/rest/operations.ts'
import { problemResponse } from '#transport/rest/problem.ts'
import { Refused, refusedByError } from '#transport/rest/refused.ts'
import { maxSessions, type SessionCookie, type SessionCookies } from '#transport/session-cookies.ts'

/** Where browsers sign in and out, and ask who they are. */
export const sessionPath = '/session'

/** What the console shows of this installation, also to people who have not signed in. */
interface Instance {
  /** Undefined: it has no name of its own. */
  readonly name: string | undefined
  /** Such as `#b3261e`, so that production does not look like a test. */
  readonly color: string | undefined
  readonly version: string
  /** Whether there is a page for trying queries. */
  readonly graphiql: boolean
  /** Whether people can sign in at an identity provider. */
  readonly hasProvider: boolean
}

export interface SessionHandlerOptions {
  readonly server: GraphqlServer
  readonly auth: RequestAuth
  readonly access: Pick<AccessService, 'authenticate' | 'browsers'>
  readonly cookies: SessionCookies
  readonly maskError: (error: unknown) => GraphQLError
  readonly instance: Instance
}

const signInForm = z.union(
  [
    z.strictObject({ token: z.string().min(1).max(4_096) }),
    z.strictObject({
      email: z.string().max(254),
      password: z.string().max(512),
      account: z.string().max(200).optional(),
    }),
  ],
  'must have either "token", or "email" and "password"',
)

interface Reply {
  readonly status: number
  readonly cookies?: readonly string[]
  readonly body?: object
}

/**
 * Signs browsers in with a password or a token (POST), returns who they are signed in as (GET), and signs them out
 * (DELETE). The cookie is the only secret in an answer.
 */
export function createSessionHandler(options: SessionHandlerOptions) {
  const { server, auth, access, cookies, maskError, instance } = options

  return async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    try {
      const { status, cookies: set = [], body } = await answer(req)
      res.writeHead(status, { ...headers, ...(set.length > 0 && { 'set-cookie': [...set] }) })
      res.end(body && JSON.stringify(body))
    } catch (error) {
      if (!res.destroyed) await refuse(req, res, error)
    }
  }

  async function answer(req: IncomingMessage): Promise<Reply> {
    const { method = '' } = req
    if (!['GET', 'HEAD', 'POST', 'DELETE'].includes(method))
      throw new Refused('METHOD_NOT_ALLOWED', 'A session supports GET, POST and DELETE.', {
        headers: { allow: 'GET, HEAD, POST, DELETE' },
      })
    cookies.mustBeOwn(req)
    if (method === 'DELETE') return signOut(req)
    await auth.allowAnonymous(req)
    return method === 'POST' ? signIn(req) : show(req)
  }

  async function show(req: IncomingMessage): Promise<Reply> {
    req.resume()
    const all = cookies.all(req)
    const viewers = await Promise.all(all.map((cookie) => viewerOf(req, cookie)))
    const ended = all.filter((_, index) => viewers[index] === undefined)
    return {
      status: 200,
      cookies: ended.map(({ accountId }) => cookies.clear(accountId)),
      body: { instance, sessions: viewers.filter((viewer) => viewer !== undefined) },
    }
  }

  /** Who a cookie stands for; undefined when it stands for nobody any more. */
  async function viewerOf(req: IncomingMessage, { token }: SessionCookie) {
    try {
      const caller = await access.authenticate(token, auth.originOf(req))
      const { viewer } = await operations(req, caller).run(SessionViewerDocument, {})
      return { ...viewer, expiresAt: caller.expiresAt }
    } catch (error) {
      if (refusalOf(error).code === 'UNAUTHENTICATED') return undefined
      throw error
    }
  }

  async function signIn(req: IncomingMessage): Promise<Reply> {
    const form = await readForm(req)
    if (cookies.all(req).length >= maxSessions)
      throw new Refused(
        'QUOTA_EXCEEDED',
        `A browser can be signed in to at most ${maxSessions} accounts: sign out first.`,
      )
    const token = 'token' in form ? form.token.trim() : await signInByPassword(req, form)
    const caller = await auth.authenticate(req, undefined, token)
    const opened = await access.browsers.open(caller)
    const { accountId } = caller
    const body = { accountId }
    return { status: 201, cookies: [cookies.set({ accountId, token: opened.token }, opened.expiresAt)], body }
  }

  async function signInByPassword(
    req: IncomingMessage,
    { email, password, account }: { email: string; password: string; account?: string | undefined },
  ): Promise<string> {
    const input = { email, password, account: account || null }
    return (await operations(req, undefined).run(SignInDocument, { input })).signIn.accessToken
  }

  /** Ends what the browser is signed in with: a person's session, but not an application token. */
  async function signOut(req: IncomingMessage): Promise<Reply> {
    req.resume()
    const session = cookies.chosen(req)
    if (session === undefined) throw new Refused('NOT_FOUND', 'This browser is not signed in.')
    const cleared = [cookies.clear(session.accountId)]
    try {
      const caller = await auth.authenticate(req, undefined, session.token)
      if (caller.credential.kind === 'session') await operations(req, caller).run(SignOutDocument, { input: {} })
      await access.browsers.close(caller, session.token)
    } catch (error) {
      if (refusalOf(error).code !== 'UNAUTHENTICATED') throw error
    }
    return { status: 204, cookies: cleared }
  }

  function operations(req: IncomingMessage, caller: Caller | undefined): Operations {
    return operationsOf(server, { caller, origin: auth.originOf(req), allowance: auth.allowanceOf(req) })
  }

  async function readForm(req: IncomingMessage): Promise<z.output<typeof signInForm>> {
    // What forms of other sites can't send without asking first.
    if (mediaTypeOf(req.headers) !== 'application/json')
      throw new Refused('UNSUPPORTED_MEDIA_TYPE', 'Send the sign-in with "Content-Type: application/json".')
    mustBePlainUtf8(req.headers)
    const parsed = signInForm.safeParse(parseJson(textOf(await auth.readBody(req, anonymousBytes))))
    if (parsed.success) return parsed.data
    const issues = parsed.error.issues.map(({ path, message }) => ({ path: path.join('.'), message }))
    throw new Refused('INVALID_INPUT', withIssues('The sign-in is not valid.', issues), { issues })
  }

  function refusalOf(error: unknown): Refused {
    return error instanceof Refused ? error : refusedByError(maskError(error))
  }

  async function refuse(req: IncomingMessage, res: ServerResponse, error: unknown): Promise<void> {
    req.resume()
    const requestId = String(res.getHeader('x-request-id') ?? '')
    const response = problemResponse(refusalOf(error), { path: sessionPath, requestId })
    res.writeHead(response.status, Object.fromEntries(response.headers)).end(await response.text())
  }
}

const headers = {
  'content-type': 'application/json; charset=utf-8',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new Refused('MALFORMED_REQUEST', 'The body is not JSON.')
  }
}
