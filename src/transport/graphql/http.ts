import type { IncomingMessage, ServerResponse } from 'node:http'
import type { GraphQLError } from 'graphql'
import type { AccessService } from '#domain/access/service.ts'
import { requestToken } from '#transport/credentials.ts'
import type { GraphqlServer } from './server.ts'

export interface GraphqlHttpOptions {
  readonly server: GraphqlServer
  readonly access: AccessService
  readonly maskError: (error: unknown) => GraphQLError
  readonly graphiql: boolean
}

/** Answers requests to `/graphql`: who has no valid token gets 401, or GraphiQL's page where that is on. */
export function createGraphqlHttp({ server, access, maskError, graphiql }: GraphqlHttpOptions) {
  return async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    if (graphiql && isPageRequest(req)) return server.handle(req, res)
    try {
      const caller = await access.authenticate(requestToken(req.headers))
      await server.handle(req, res, { req, res, caller })
    } catch (error) {
      refuse(req, res, maskError(error))
    }
  }
}

function isPageRequest(req: IncomingMessage): boolean {
  return req.method === 'GET' && (req.headers.accept ?? '').includes('text/html')
}

/** Answers in the form of GraphQL over HTTP §6.4: a well-formed response without data. */
function refuse(req: IncomingMessage, res: ServerResponse, error: GraphQLError): void {
  const { http, ...extensions } = error.extensions as { http?: { status: number } }
  const status = http?.status ?? 500
  const legacy = !(req.headers.accept ?? '').includes('application/graphql-response+json')
  const headers: Record<string, string> = {
    'content-type': legacy ? 'application/json; charset=utf-8' : 'application/graphql-response+json; charset=utf-8',
  }
  if (status === 401) headers['www-authenticate'] = 'Bearer realm="signalbox"'
  req.resume()
  res.writeHead(status, headers).end(JSON.stringify({ errors: [{ message: error.message, extensions }] }))
}
