import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'

/** How long a check may take before it counts as failed, in milliseconds. */
const checkLimitMs = 2_000
const apiVersion = '1'
/** Events that wait for longer than this are a degradation: streams, webhooks and the audit log stand still. */
const maxHeldMs = 10_000

/** Where the report's facts come from; each may fail, and none is waited for longer than two seconds. */
export interface HealthSources {
  database(): Promise<DatabaseFacts>
  queues(): Promise<Readonly<Record<QueueName, QueueFacts>>>
  /** For how long committed events have been waiting for an open transaction, in milliseconds; asks nothing. */
  journalHeldMs(): number
  /** Whether the database takes writes, as far as is known; asks nothing. */
  canWrite(): boolean
  /** Whether the process has started completely, and hasn't been asked to stop. */
  isServing(): boolean
  /** Of this server. */
  readonly version: string
}

interface DatabaseFacts {
  /** Of PostgreSQL, such as `18.4`. */
  readonly version: string
  /** Connections of this process in use, and how many there may be. */
  readonly active: number
  readonly max: number
}

export type QueueName = 'critical' | 'normal' | 'batch'

export interface QueueFacts {
  readonly pending: number
  readonly failed: number
}

export const healthStatuses = ['healthy', 'degraded', 'unhealthy'] as const
export type HealthStatus = (typeof healthStatuses)[number]

/** How the server is, in the documented shape. */
export interface HealthReport {
  readonly status: HealthStatus
  readonly timestamp: string
  readonly components: {
    readonly api: { readonly status: HealthStatus }
    readonly database: { readonly status: HealthStatus; readonly connections: { active: number; max: number } | null }
    readonly journal: { readonly status: HealthStatus; readonly heldSeconds: number }
    readonly queues: Readonly<Record<QueueName, { readonly status: HealthStatus } & Partial<QueueFacts>>>
  }
  readonly resources: Resources
  readonly version: { readonly server: string; readonly api: string; readonly database: string | null }
}

export interface Resources {
  readonly memory: { readonly rssBytes: number; readonly heapUsedBytes: number; readonly heapTotalBytes: number }
  /** How late timers were, since the last report. */
  readonly eventLoopDelay: { readonly meanMs: number; readonly p99Ms: number; readonly maxMs: number }
  readonly uptimeSeconds: number
}

/** How this process and what it needs are doing. */
export type Health = ReturnType<typeof createHealth>

export function createHealth(sources: HealthSources) {
  const delay = monitorEventLoopDelay({ resolution: 20 })
  delay.enable()

  /** The whole report; never fails, and takes two seconds at most. */
  async function report(): Promise<HealthReport> {
    const [database, queues] = await Promise.all([check(() => sources.database()), check(() => sources.queues())])
    const api: HealthStatus = sources.isServing() ? 'healthy' : 'unhealthy'
    const databaseStatus: HealthStatus =
      database === undefined ? 'unhealthy' : sources.canWrite() ? 'healthy' : 'degraded'
    const heldMs = sources.journalHeldMs()
    const journal: HealthStatus = heldMs > maxHeldMs ? 'degraded' : 'healthy'
    return {
      status: worst([api, databaseStatus, journal, queues === undefined ? 'degraded' : 'healthy']),
      timestamp: new Date().toISOString(),
      components: {
        api: { status: api },
        database: {
          status: databaseStatus,
          connections: database ? { active: database.active, max: database.max } : null,
        },
        journal: { status: journal, heldSeconds: Math.round(heldMs / 1000) },
        queues: reportQueues(queues),
      },
      resources: measure(delay),
      version: { server: sources.version, api: apiVersion, database: database?.version ?? null },
    }
  }

  /** Whether requests should come here: the database answers and takes writes, and the process neither starts nor stops. */
  async function isReady(): Promise<boolean> {
    return sources.isServing() && sources.canWrite() && (await check(() => sources.database())) !== undefined
  }

  return { report, isReady }
}

/** What a source says; undefined when it fails or takes too long. */
export async function check<T>(ask: () => Promise<T>): Promise<T | undefined> {
  const timer = new AbortController()
  const limit = sleep(checkLimitMs, undefined, { signal: timer.signal })
  try {
    return await Promise.race([ask(), limit])
  } catch {
    return undefined
  } finally {
    limit.catch(() => undefined)
    timer.abort()
  }
}

function worst(statuses: readonly HealthStatus[]): HealthStatus {
  return healthStatuses.findLast((status) => statuses.includes(status)) ?? 'healthy'
}

function reportQueues(queues: Readonly<Record<QueueName, QueueFacts>> | undefined) {
  const status: HealthStatus = queues === undefined ? 'degraded' : 'healthy'
  const reported = (name: QueueName) => ({ status, ...queues?.[name] })
  return { critical: reported('critical'), normal: reported('normal'), batch: reported('batch') }
}

function measure(delay: ReturnType<typeof monitorEventLoopDelay>): Resources {
  const { rss: rssBytes, heapUsed: heapUsedBytes, heapTotal: heapTotalBytes } = process.memoryUsage()
  const [meanMs = 0, p99Ms = 0, maxMs = 0] = [delay.mean, delay.percentile(99), delay.max].map(toMs)
  delay.reset()
  return {
    memory: { rssBytes, heapUsedBytes, heapTotalBytes },
    eventLoopDelay: { meanMs, p99Ms, maxMs },
    uptimeSeconds: Math.round(process.uptime()),
  }
}

/** Nanoseconds as milliseconds; 0 where nothing was measured yet. */
function toMs(nanoseconds: number): number {
  return Number.isFinite(nanoseconds) ? Math.round(nanoseconds / 1e4) / 100 : 0
}
