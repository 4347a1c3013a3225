import type { IncomingMessage, ServerResponse } from 'node:http'
import type { GraphQLError } from 'graphql'
import type { HookService } from '#domain/hooks/service.ts'
import { AppError } from '#lib/errors.ts'
import { drain, readBody } from '#transport/body.ts'
import type { Entrance } from '#transport/entrance.ts'
import { problemResponse } from '#transport/rest/problem.ts'
import { Refused, refusedByError } from '#transport/rest/refused.ts'

export const hooksPrefix = '/hooks/'

export interface HookDoorOptions {
  readonly hooks: HookService
  readonly entrance: Entrance
  readonly maskError: (error: unknown) => GraphQLError
}

/**
 * Where other systems call: `POST /hooks/{id}`. Answers 202 with the ids of the tasks once they are committed, whatever
 * becomes of them. Whoever can't prove who they are is counted by their address, all others by the hook.
 */
export function createHookDoor({ hooks, entrance, maskError }: HookDoorOptions) {
  return async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const path = (req.url ?? '').split('?', 1)[0] ?? ''
    try {
      const { deliveryId, isRepeated, taskIds } = await take(req, path.slice(hooksPrefix.length))
      send(res, 202, { accepted: true, deliveryId, duplicate: isRepeated, tasks: taskIds })
    } catch (error) {
      drain(req)
      const refused = error instanceof Refused ? error : refusedByError(maskError(error))
      const response = problemResponse(refused, { path, requestId: entrance.originOf(req).requestId })
      response.headers.delete('www-authenticate')
      if (refused.code === 'METHOD_NOT_ALLOWED') response.headers.set('allow', 'POST')
      res.writeHead(response.status, Object.fromEntries(response.headers)).end(await response.text())
    }
  }

  async function take(req: IncomingMessage, id: string) {
    if (req.method !== 'POST') throw new Refused('METHOD_NOT_ALLOWED', 'Hooks are called with POST.')
    const { call, caller } = await admit(req, id)
    await entrance.admitKnown(req, caller)
    return hooks.take(caller, call)
  }

  async function admit(req: IncomingMessage, id: string) {
    try {
      const body = await readBody(req, hooks.limitOf(id))
      return await hooks.admit(id, { headers: headersOf(req), body }, entrance.originOf(req))
    } catch (error) {
      // Guessing costs what guessing a token does.
      if (error instanceof AppError) await entrance.admitAnybody(req)
      throw error
    }
  }
}

function headersOf(req: IncomingMessage): Record<string, string> {
  return Object.fromEntries(
    Object.entries(req.headers).flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])),
  )
}

function send(res: ServerResponse, status: number, body: object): void {
  res.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' }).end(JSON.stringify(body))
}
