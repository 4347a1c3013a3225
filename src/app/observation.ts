import type { AuditService } from '#domain/audit/service.ts'
import type { TaskService } from '#domain/tasks/service.ts'
import type { Priority } from '#domain/tasks/task.ts'
import type { Worker } from '#domain/tasks/worker.ts'
import type { WebhookService } from '#domain/webhooks/service.ts'
import type { WebhookWorker } from '#domain/webhooks/worker.ts'
import packageJson from '#package.json' with { type: 'json' }
import type { Metrics } from '#platform/telemetry/metrics.ts'
import type { HealthSources } from '#transport/rest/health.ts'
import type { DataLayer } from './data-layer.ts'

const { version } = packageJson

/** What the health report asks for. */
export function healthSources(
  { database, session, journal, writeHealth }: DataLayer,
  tasks: TaskService,
): Omit<HealthSources, 'isServing'> {
  return {
    version,
    journalHeldMs: () => journal.heldMs,
    canWrite: () => writeHealth.canWrite,
    async database() {
      if (session.connection === undefined) throw new Error('There is no connection to a primary database server.')
      const [row] = await database.query<{ server_version: string }>('SHOW server_version')
      const { totalCount, idleCount, options } = database.pool
      return { version: row?.server_version ?? 'unknown', active: totalCount - idleCount, max: options.max }
    },
    async queues() {
      const failed = await tasks.recentFailures()
      const states = await tasks.queuesOfAll()
      const facts = (priority: Priority) => {
        const state = states.find((one) => one.priority === priority)
        return { pending: (state?.waiting ?? 0) + (state?.scheduled ?? 0), failed: failed.get(priority) ?? 0 }
      }
      return { critical: facts('CRITICAL'), normal: facts('NORMAL'), batch: facts('BATCH') }
    },
  }
}

/** What the metrics of a process are read from. */
export interface Observed {
  readonly audit: AuditService
  readonly tasks: TaskService
  readonly webhooks: WebhookService
  readonly worker: () => Worker | undefined
  readonly deliverer: () => WebhookWorker | undefined
  readonly sockets: () => number
}

/** Registers the metrics of this process. */
export function observe(
  metrics: Metrics,
  { database, session, journal }: DataLayer,
  { audit, tasks, webhooks, worker, deliverer, sockets }: Observed,
): void {
  metrics.observe({
    queueDepth: () => tasks.queuesOfAll(),
    subscribers: () => journal.streams,
    sockets,
    journalLagSeconds: () => journal.lagMs / 1000,
    journalHeldSeconds: () => journal.heldMs / 1000,
    auditLagSeconds: async () => (await audit.lag()).ageMs / 1000,
    runningTasks: () => worker()?.dispatcher.running ?? 0,
    databaseLostSeconds: () => session.lostForMs / 1000,
    pool: () => {
      const { totalCount: total, idleCount: idle, waitingCount: waiting } = database.pool
      return { total, idle, waiting }
    },
  })
  metrics.domains.observe({
    webhookBacklog: () => webhooks.backlog(),
    runningWebhookAttempts: () => deliverer()?.running ?? 0,
    openWebhookCircuits: () => deliverer()?.openCircuits ?? 0,
    streamItems: () => journal.streamItems,
    skippedStreamEntries: () => journal.skippedStreamEntries,
  })
}
