import { z } from 'zod'
import { type Health, type HealthStatus, healthStatuses } from '#transport/rest/health.ts'
import type { RestRequest } from '#transport/rest/request.ts'
import { type Answer, json, type Route } from '#transport/rest/route.ts'

const tag = 'Health'
const status = z.enum(healthStatuses)
const queue = z.object({ status, pending: z.int().optional(), failed: z.int().optional() })

const report = z
  .object({
    status,
    timestamp: z.iso.datetime().optional(),
    components: z
      .object({
        api: z.object({ status }),
        database: z.object({ status, connections: z.object({ active: z.int(), max: z.int() }).nullable() }),
        journal: z.object({ status, heldSeconds: z.int() }).optional(),
        queues: z.object({ critical: queue, normal: queue, batch: queue }),
      })
      .optional(),
    resources: z
      .object({
        memory: z.object({ rssBytes: z.int(), heapUsedBytes: z.int(), heapTotalBytes: z.int() }),
        eventLoopDelay: z.object({ meanMs: z.number(), p99Ms: z.number(), maxMs: z.number() }),
        uptimeSeconds: z.int(),
      })
      .optional(),
    version: z.object({ server: z.string(), api: z.string(), database: z.string().nullable() }).optional(),
  })
  .meta({ id: 'Health', description: 'The state of the server. Without a valid token, only `status`.' })

const lifeSign = z
  .object({ status: z.enum(['ok', 'unavailable']) })
  .meta({ id: 'Sign', description: 'A sign of life.' })

/** Routes served by the process itself rather than through GraphQL: they must respond even when the database does not. */
export function healthRoutes(health: Health): readonly Route[] {
  const whole = {
    method: 'get',
    tag,
    summary: 'Returns the state of the server.',
    description: 'The status is public; the reasons need a valid token.',
    access: 'open',
    answers: {
      200: { description: 'Healthy, or degraded.', schema: report, example: { status: 'healthy' } },
      503: { description: 'Unhealthy.', schema: report, example: { status: 'unhealthy' } },
    },
    handle: (request: RestRequest) => answerHealth(health, request),
  } as const
  return [
    { ...whole, path: '', name: 'getHealth', place: 'prefixed' },
    { ...whole, path: '/health', name: 'getHealthOutside', place: 'root' },
    signOfLife('/livez', 'getLiveness', 'Says that the process is up.', async () => true),
    signOfLife('/readyz', 'getReadiness', 'Says whether requests should come here.', () => health.isReady()),
    {
      method: 'get',
      path: '/ping',
      name: 'ping',
      tag,
      summary: 'Responds with "pong".',
      access: 'open',
      place: 'prefixed',
      answers: { 200: { description: 'The server is up.', contentType: 'text/plain', example: 'pong' } },
      handle: async () => ({ status: 200, body: 'pong', headers: { 'content-type': 'text/plain; charset=utf-8' } }),
    },
  ]
}

async function answerHealth(health: Health, { isAnonymous }: RestRequest): Promise<Answer> {
  const report = await health.report()
  const { status } = report
  return json(statusCode(status), isAnonymous ? { status } : report)
}

function statusCode(status: HealthStatus): number {
  return status === 'unhealthy' ? 503 : 200
}

function signOfLife(path: string, name: string, summary: string, isWell: () => Promise<boolean>): Route {
  return {
    method: 'get',
    path,
    name,
    tag,
    summary,
    access: 'open',
    isUncounted: true,
    place: 'root',
    answers: {
      200: { description: 'Yes.', schema: lifeSign, example: { status: 'ok' } },
      503: { description: 'No.', schema: lifeSign, example: { status: 'unavailable' } },
    },
    handle: async () => ((await isWell()) ? json(200, { status: 'ok' }) : json(503, { status: 'unavailable' })),
  }
}
