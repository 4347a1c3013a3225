import type { IncomingMessage, ServerResponse } from 'node:http'
import type { GraphQLError } from 'graphql'
import type { Metrics } from '#platform/telemetry/metrics.ts'
import type { RequestAuth } from './request-auth.ts'

export const metricsPath = '/metrics'

export interface MetricsHttpOptions {
  readonly auth: RequestAuth
  readonly metrics: Metrics
  readonly maskError: (error: unknown) => GraphQLError
}

/** Answers Prometheus, which shows a token with the scope `tasks:admin`: the figures are those of all accounts. */
export function createMetricsHttp({ auth, metrics, maskError }: MetricsHttpOptions) {
  return async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    req.resume()
    try {
      const caller = await auth.authenticate(req)
      caller.must('tasks:admin')
      const { body, contentType } = await metrics.render()
      res.writeHead(200, { 'content-type': contentType }).end(body)
    } catch (error) {
      const { message, extensions } = maskError(error)
      const status =
        extensions['code'] === 'FORBIDDEN'
          ? 403
          : ((extensions['http'] as { status?: number } | undefined)?.status ?? 500)
      if (status === 401) res.setHeader('www-authenticate', 'Bearer realm="signalbox"')
      res.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(`${message}\n`)
    }
  }
}
