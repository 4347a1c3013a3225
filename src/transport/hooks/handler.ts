import type { IncomingMessage, ServerResponse } from 'node:http'
import type { GraphQLError } from 'graphql'
import type { Caller } from '#domain/access/caller.ts'
import type { HookService } from '#domain/hooks/service.ts'
import type { VerifiedCall } from '#domain/hooks/verification.ts'
import { RateLimited } from '#domain/limits/errors.ts'
import { AppError } from '#lib/errors.ts'
import { drain, readBody } from '#transport/body.ts'
import { mustBePlainUtf8 } from '#transport/content.ts'
import type { RequestAuth } from '#transport/request-auth.ts'
import { problemResponse } from '#transport/rest/problem.ts'
import { Refused, refusedByError } from '#transport/rest/refused.ts'
import { prefixes } from '#transport/rest/route.ts'

const hooksPrefix = '/hooks/'

interface HookPath {
  readonly id: string
  /** Of a call that was taken. */
  readonly status: 200 | 202
  /** Whether the sender is answered 200 also when its call is refused; `accepted` says so then. */
  readonly isQuiet: boolean
}

/** Documented paths of hooks with a fixed name; each has the answers that its sender knows from the documents. */
const documentedPaths: Readonly<Record<string, HookPath>> = {
  '/repository/webhook': { id: 'github', status: 200, isQuiet: false },
  '/repository/webhook/azuredevops': { id: 'azure-devops', status: 200, isQuiet: true },
}
const paths: ReadonlyMap<string, HookPath> = new Map(
  prefixes.flatMap((prefix) =>
    Object.entries(documentedPaths).map(([path, hook]): [string, HookPath] => [prefix + path, hook]),
  ),
)

function hookPathOf(path: string): HookPath {
  return paths.get(path) ?? { id: path.slice(hooksPrefix.length), status: 202, isQuiet: false }
}

/** The paths of hooks; the first is that of all hooks by their ids. */
export const hookPaths: readonly string[] = [hooksPrefix, ...paths.keys()]

export interface HookHandlerOptions {
  readonly hooks: HookService
  readonly auth: RequestAuth
  readonly maskError: (error: unknown) => GraphQLError
  /** Called with the outcome of each call: `accepted`, `duplicate`, or the code of its refusal. */
  readonly onAnswered: (hook: string, outcome: string, tasks: number) => void
}

/** What is known of a call under way. */
interface Arrival {
  /** Set once its signature was found to be right. */
  proved?: { readonly call: VerifiedCall; readonly caller: Caller }
}

interface Refusal extends Arrival {
  readonly path: string
  readonly error: unknown
}

/** What an address may still send that has no requests left: a call that has a signature, and is small. */
const smallBytes = 64 * 1024

/**
 * Where other systems call: `POST /hooks/{id}`, or a documented path. Answers 202 (documented paths: 200) with the ids of the tasks once they are committed, whatever
 * becomes of them. A call counts for its address before its body is read, and for the hook instead once it has proved
 * where it comes from.
 */
export function createHookHandler({ hooks, auth, maskError, onAnswered }: HookHandlerOptions) {
  return async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const path = (req.url ?? '').split('?', 1)[0] ?? ''
    const arrival: Arrival = {}
    try {
      const { id, status } = hookPathOf(path)
      const { deliveryId, isRepeated, taskIds } = await take(req, id, arrival)
      answered(id, isRepeated ? 'duplicate' : 'accepted', isRepeated ? 0 : taskIds.length)
      send(res, status, { accepted: true, deliveryId, duplicate: isRepeated, tasks: taskIds })
    } catch (error) {
      // Nobody is there any more to be answered, and a body that broke off isn't our fault.
      if (!res.destroyed) await refuse(req, res, { path, error, ...arrival })
    }
  }

  /** Ids that callers make up are one. */
  function answered(id: string, outcome: string, tasks: number): void {
    onAnswered(hooks.has(id) ? id : 'unknown', outcome, tasks)
  }

  async function take(req: IncomingMessage, id: string, arrival: Arrival) {
    if (req.method !== 'POST') throw new Refused('METHOD_NOT_ALLOWED', 'Hooks are called with POST.')
    mustBePlainUtf8(req.headers)
    const { call, caller } = await admit(req, id)
    arrival.proved = { call, caller }
    await auth.allowKnown(req, caller)
    return hooks.take(caller, call)
  }

  async function admit(req: IncomingMessage, id: string) {
    const headers = headersOf(req)
    const { isProved, maxBytes } = await expected(req, id, headers)
    const origin = auth.originOf(req)
    if (isProved) return hooks.admit(id, { headers, body: await readBody(req, maxBytes) }, origin)
    const refused = await auth.allowAnonymous(req).catch(orRateLimited)
    try {
      const limit = refused === undefined ? maxBytes : Math.min(maxBytes, smallBytes)
      return await hooks.admit(id, { headers, body: await auth.readBody(req, limit) }, origin)
    } catch (error) {
      throw refused !== undefined && error instanceof AppError ? refused : error
    }
  }

  /** What the hook takes of such a call; guessing costs what guessing a token does. */
  async function expected(req: IncomingMessage, id: string, headers: Record<string, string>) {
    try {
      return hooks.expect(id, headers)
    } catch (error) {
      await auth.allowAnonymous(req)
      throw error
    }
  }

  async function refuse(req: IncomingMessage, res: ServerResponse, { path, error, proved }: Refusal): Promise<void> {
    drain(req)
    const { id, isQuiet } = hookPathOf(path)
    const request = auth.originOf(req)
    const refused = error instanceof Refused ? error : refusedByError(maskError(error))
    answered(id, refused.code.toLowerCase(), 0)
    const response = problemResponse(refused, { path, requestId: request.requestId })
    if (response.status < 500)
      hooks.noteRefused(id, { reason: refused.code, message: refused.message, request, proved })
    if (isQuiet && saidQuietly.has(response.status)) {
      const { code, message } = refused
      return send(res, 200, { accepted: false, code, message })
    }
    response.headers.delete('www-authenticate')
    if (refused.code === 'METHOD_NOT_ALLOWED') response.headers.set('allow', 'POST')
    res.writeHead(response.status, Object.fromEntries(response.headers)).end(await response.text())
  }
}

/** Refusals of calls that sending again would not help; a missing hook, or another method, is said plainly. */
const saidQuietly: ReadonlySet<number> = new Set([400, 401, 403, 409, 413, 415, 422])

function orRateLimited(error: unknown): RateLimited {
  if (error instanceof RateLimited) return error
  throw error
}

function headersOf(req: IncomingMessage): Record<string, string> {
  return Object.fromEntries(
    Object.entries(req.headers).flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])),
  )
}

function send(res: ServerResponse, status: number, body: object): void {
  res.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' }).end(JSON.stringify(body))
}
