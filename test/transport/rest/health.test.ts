import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { clientOf, type RestClient, startRestServer } from '#test/support/rest.ts'
import type { TestServer } from '#test/support/server.ts'
import { createHealth, type HealthSources } from '#transport/rest/health.ts'
import { healthRoutes } from '#transport/rest/routes/health.ts'

describe('a server that is well', () => {
  let server: TestServer
  let rest: RestClient
  beforeAll(async () => {
    server = await startRestServer()
    rest = clientOf(server)
  })
  afterAll(() => server.close())

  it.each(['/api', '/sfp/api', '/health'])('tells anyone its status, and who has a token all: %s', async (path) => {
    for (const token of [null, 'wrong'])
      expect(await rest.ask(`GET ${path}`, { token })).toMatchObject({ status: 200, body: { status: 'healthy' } })
    expect((await rest.ask(`GET ${path}`, { token: null })).body).toEqual({ status: 'healthy' })
    const { status, headers, body } = await rest.ask(`GET ${path}`)
    expect(status).toBe(200)
    expect(headers.get('cache-control')).toBe('no-store')
    const queue = { status: 'healthy', pending: expect.any(Number), failed: expect.any(Number) }
    expect(body).toMatchObject({
      status: 'healthy',
      timestamp: expect.stringMatching(/Z$/),
      components: {
        api: { status: 'healthy' },
        database: { status: 'healthy', connections: { active: expect.any(Number), max: 5 } },
        journal: { status: 'healthy', heldSeconds: expect.any(Number) },
        queues: { critical: queue, normal: queue, batch: queue },
      },
      resources: { memory: { rssBytes: expect.any(Number) }, uptimeSeconds: expect.any(Number) },
      version: { server: expect.any(String), api: expect.any(String), database: expect.stringMatching(/^\d+/) },
    })
  })

  it('gives signs of life', async () => {
    expect(await rest.ask('GET /livez', { token: null })).toMatchObject({ status: 200, body: { status: 'ok' } })
    expect(await rest.ask('GET /readyz', { token: null })).toMatchObject({ status: 200, body: { status: 'ok' } })
    expect(await rest.ask('GET /api/ping', { token: null })).toMatchObject({ status: 200, body: 'pong' })
    expect(await rest.ask('HEAD /sfp/api/ping', { token: null })).toMatchObject({ status: 200, body: '' })
  })
})

const well: HealthSources = {
  version: '1.2.3',
  database: async () => ({ version: '18', active: 1, max: 5 }),
  queues: async () => ({ critical: calm, normal: calm, batch: calm }),
  isServing: () => true,
  canWrite: () => true,
  journalHeldMs: () => 0,
}
const calm = { pending: 0, failed: 0 }
const fails = () => Promise.reject(new Error('no'))
const hangs = () => new Promise<never>(() => undefined)

/** What anyone gets from a server in this state. */
async function answers(sources: Partial<HealthSources>) {
  const routes = healthRoutes(createHealth({ ...well, ...sources }))
  const request = {
    method: 'GET',
    path: '',
    prefix: '',
    params: {},
    query: new URLSearchParams(),
    headers: {},
    body: undefined,
    signal: new AbortController().signal,
    operations: undefined as never,
    isAnonymous: true,
  }
  const status = async (path: string) => (await routes.find((route) => route.path === path)?.handle(request))?.status
  const { status: health } = await createHealth({ ...well, ...sources }).report()
  return { health, whole: await status('/health'), ready: await status('/readyz'), live: await status('/livez') }
}

describe('a server', () => {
  it.each([
    ['is well', {}, { health: 'healthy', whole: 200, ready: 200, live: 200 }],
    ['has no database', { database: fails }, { health: 'unhealthy', whole: 503, ready: 503, live: 200 }],
    ['waits for its database', { database: hangs }, { health: 'unhealthy', whole: 503, ready: 503, live: 200 }],
    ['does not know its queues', { queues: fails }, { health: 'degraded', whole: 200, ready: 200, live: 200 }],
    ['has events waiting', { journalHeldMs: () => 11_000 }, { health: 'degraded', whole: 200, ready: 200, live: 200 }],
    ['can not write', { canWrite: () => false }, { health: 'degraded', whole: 200, ready: 503, live: 200 }],
    ['stops', { isServing: () => false }, { health: 'unhealthy', whole: 503, ready: 503, live: 200 }],
  ])('that %s says so', async (_what, sources, expected) => {
    expect(await answers(sources)).toEqual(expected)
  })
})
