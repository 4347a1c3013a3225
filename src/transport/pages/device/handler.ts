import type { IncomingMessage, ServerResponse } from 'node:http'
import type { GraphQLError } from 'graphql'
import { Unauthenticated } from '#domain/access/errors.ts'
import type { Caller } from '#domain/access/service.ts'
import { anonymousBytes } from '#transport/body.ts'
import { formOf, formType, mediaTypeOf, mustBePlainUtf8 } from '#transport/content.ts'
import type { GraphqlServer } from '#transport/graphql/server.ts'
import { sendPage } from '#transport/pages/page.ts'
import { publicPathOf } from '#transport/public-path.ts'
import type { RequestAuth } from '#transport/request-auth.ts'
import { meaningOf } from '#transport/rest/codes.ts'
import {
  ApproveDeviceDocument,
  DenyDeviceDocument,
  DeviceSignInDocument,
  DeviceViewerDocument,
  SignInDocument,
  SignOutDocument,
} from '#transport/rest/generated/graphql.ts'
import { type Operations, operationsOf } from '#transport/rest/operations.ts'
import { Refused, refusedByError } from '#transport/rest/refused.ts'
import { accessTokenOf, DeviceCookies, devicePath, formTokenOf, isOwnForm, newFormToken } from './cookies.ts'
import {
  codePage,
  decidedPage,
  devicePageHeaders,
  failurePage,
  requestPage,
  type SignInFacts,
  signInPage,
} from './pages.ts'

export interface DeviceHandlerOptions {
  readonly server: GraphqlServer
  readonly auth: RequestAuth
  readonly maskError: (error: unknown) => GraphQLError
  /** Where browsers find this installation; as it was asked for when undefined. */
  readonly publicUrl: string | undefined
  /** Whether people can sign in at an identity provider. */
  readonly hasProvider: boolean
}

const maxCodeLength = 100
const maxAccountLength = 200

/** The answer: a page, or a redirect to one. */
interface Reply {
  readonly status: number
  readonly page?: ReturnType<typeof failurePage>
  readonly location?: string
  readonly cookies?: readonly string[]
}

/** A request to the page, and its caller. */
interface PageRequest {
  readonly req: IncomingMessage
  /** Undefined: nobody is signed in on the page. */
  readonly caller: Caller | undefined
  readonly operations: Operations
  readonly formToken: string
}

/**
 * The page on which people sign in devices that have no browser of their own (RFC 8628 §3.3). It is plain HTML, works
 * without scripts, and knows nothing but the operations of GraphQL.
 */
export function createDeviceHandler(options: DeviceHandlerOptions) {
  const { server, auth, maskError, publicUrl, hasProvider } = options
  const cookies = new DeviceCookies(publicUrl)
  const prefix = publicPathOf(publicUrl)

  return async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const formToken = formTokenOf(req) ?? newFormToken()
    const reply = await answer(req, formToken).catch((error: unknown) => failed(error))
    sendPage(req, res, {
      status: reply.status,
      headers: {
        ...devicePageHeaders,
        ...(reply.location !== undefined && { location: reply.location }),
        ...(reply.status === 405 && { allow: 'GET, HEAD, POST' }),
      },
      cookies: [...(reply.cookies ?? []), ...(formTokenOf(req) === undefined ? [cookies.form(formToken)] : [])],
      body: String((await reply.page) ?? ''),
    })
  }

  async function answer(req: IncomingMessage, formToken: string): Promise<Reply> {
    const caller = await callerOf(req)
    const operations = operationsOf(server, {
      caller,
      origin: auth.originOf(req),
      allowance: auth.allowanceOf(req),
    })
    const request = { req, caller, operations, formToken }
    if (req.method === 'GET' || req.method === 'HEAD') return show(request, codeOf(queryOf(req)))
    if (req.method === 'POST') return take(request, await readForm(req, auth))
    throw new Refused('METHOD_NOT_ALLOWED', 'Only GET and POST are supported.')
  }

  async function callerOf(req: IncomingMessage): Promise<Caller | undefined> {
    const token = accessTokenOf(req)
    if (token === undefined) {
      await auth.allowAnonymous(req)
      return undefined
    }
    return auth.authenticate(req, undefined, token).catch((error: unknown) => {
      if (error instanceof Unauthenticated) return undefined
      throw error
    })
  }

  /** The page that comes next: who, then which device, then what it asks for. */
  async function show(request: PageRequest, userCode: string, error?: string, status = 200): Promise<Reply> {
    const { caller, operations, formToken } = request
    if (caller === undefined) {
      const account = accountOf(queryOf(request.req))
      return { status, page: askWho(request, { userCode, error, account }) }
    }
    const { viewer } = await operations.run(DeviceViewerDocument, {})
    const facts = { formToken, error, who: viewer.name }
    if (userCode === '') return { status, page: codePage(facts) }
    const { deviceSignIn: device } = await operations.run(DeviceSignInDocument, { userCode }).catch(orTellOfCode)
    if (typeof device === 'string' || device === null) {
      const message = device ?? 'No device is waiting with this code. Was it mistyped, or has it expired?'
      return { status: 404, page: codePage({ ...facts, userCode, error: message }) }
    }
    // Moments come as they are in memory, whatever the generated types say.
    const expiresAt = new Date(device.expiresAt)
    const shown = { ...device, expiresAt }
    return {
      status,
      page: requestPage({ ...facts, role: viewer.role, userCode, device: shown }),
    }
  }

  function askWho({ formToken }: PageRequest, facts: Omit<SignInFacts, 'formToken' | 'providerUrl'>) {
    const { userCode, account } = facts
    const back = `${prefix}${devicePath}${userCode === '' ? '' : `?user_code=${encodeURIComponent(userCode)}`}`
    const query = new URLSearchParams({ return_to: back, ...(account && { account }) })
    return signInPage({ formToken, ...facts, providerUrl: hasProvider ? `api/auth/login?${query}` : undefined })
  }

  async function take(request: PageRequest, form: URLSearchParams): Promise<Reply> {
    const userCode = codeOf(form)
    if (!isOwnForm(request.req, form.get('form_token') ?? ''))
      return show(request, userCode, 'The form was not from this browser, or it was too old. Try again.', 403)
    const wanted = form.get('do')
    if (wanted === 'sign-in') return signIn(request, userCode, form)
    if (wanted === 'sign-out') return signOut(request)
    if (wanted === 'approve' || wanted === 'deny') return decide(request, wanted, userCode)
    throw new Refused('MALFORMED_REQUEST', 'The form has no action that this page supports.')
  }

  async function signIn(request: PageRequest, userCode: string, form: URLSearchParams): Promise<Reply> {
    const email = form.get('email') ?? ''
    const account = accountOf(form)
    const input = { email, password: form.get('password') ?? '', account: account || null }
    try {
      const { signIn: signedIn } = await request.operations.run(SignInDocument, { input })
      return { ...(await toCode(userCode)), cookies: [cookies.signedIn(signedIn.accessToken)] }
    } catch (error) {
      const { message, status, code } = refusalOf(error)
      const asked = code === 'ACCOUNT_REQUIRED' ? (account ?? '') : account
      return { status, page: askWho(request, { userCode, error: message, email, account: asked }) }
    }
  }

  async function signOut(request: PageRequest): Promise<Reply> {
    await leave(request)
    return { ...(await toCode('')), cookies: [cookies.signedOut()] }
  }

  async function decide(request: PageRequest, decision: 'approve' | 'deny', userCode: string): Promise<Reply> {
    if (request.caller === undefined)
      return show(request, userCode, 'You were signed in for too long. Sign in again.', 401)
    try {
      const { clientName } = await decided(request.operations, decision, userCode)
      await leave(request)
      return { status: 200, page: decidedPage(decision, clientName), cookies: [cookies.signedOut()] }
    } catch (error) {
      const { message, status } = refusalOf(error)
      return show(request, status === 404 ? '' : userCode, message, status)
    }
  }

  /** Nobody stays signed in on the page once it has served its purpose. */
  async function leave({ caller, operations }: PageRequest): Promise<void> {
    if (caller?.credential.kind === 'session') await operations.run(SignOutDocument, { input: {} })
  }

  /** What a person sees when something went wrong. */
  function refusalOf(error: unknown): { message: string; status: number; code: string } {
    const { message, code } = error instanceof Refused ? error : refusedByError(maskError(error))
    return { message, status: meaningOf(code).status, code }
  }

  function failed(error: unknown): Reply {
    const { message, status } = refusalOf(error)
    return { status, page: failurePage(message) }
  }
}

async function decided(operations: Operations, decision: 'approve' | 'deny', userCode: string) {
  if (decision === 'approve') return (await operations.run(ApproveDeviceDocument, { userCode })).approveDevice.device
  return (await operations.run(DenyDeviceDocument, { userCode })).denyDevice.device
}

/** Relative, so that it holds behind any prefix. */
async function toCode(userCode: string): Promise<Reply> {
  return { status: 303, location: `device${userCode === '' ? '' : `?user_code=${encodeURIComponent(userCode)}`}` }
}

/** Shows a person who has tried too many codes a message beside the field. */
function orTellOfCode(error: unknown): { deviceSignIn: string } {
  if (error instanceof Refused && ['RATE_LIMITED', 'FORBIDDEN'].includes(error.code))
    return { deviceSignIn: error.message }
  throw error
}

function queryOf({ url = '' }: IncomingMessage): URLSearchParams {
  return new URLSearchParams(url.split('?').slice(1).join('?'))
}

function codeOf(fields: URLSearchParams): string {
  return (fields.get('user_code') ?? '').trim().slice(0, maxCodeLength)
}

/** The account that a person names; undefined where they were not asked. */
function accountOf(fields: URLSearchParams): string | undefined {
  return fields.get('account')?.trim().slice(0, maxAccountLength)
}

async function readForm(req: IncomingMessage, auth: RequestAuth): Promise<URLSearchParams> {
  if (mediaTypeOf(req.headers) !== formType) throw new Refused('UNSUPPORTED_MEDIA_TYPE', 'Only forms are supported.')
  mustBePlainUtf8(req.headers)
  return formOf(await auth.readBody(req, anonymousBytes))
}
