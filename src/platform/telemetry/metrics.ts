import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { createDomainMetrics } from './domain-metrics.ts'

/** Upper bounds of time buckets, in seconds: from a claim without a wait to an hour. */
const secondsBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 900, 3_600]

/** Task types with figures of their own. */
const maxTypes = 200

/** Values that are read at each scrape. */
export interface MetricSources {
  readonly queueDepth: () => Promise<
    readonly { priority: string; waiting: number; scheduled: number; active: number }[]
  >
  readonly subscribers: () => number
  readonly sockets: () => number
  readonly journalLagSeconds: () => number
  readonly journalHeldSeconds: () => number
  /** Asks the database. */
  readonly auditLagSeconds: () => Promise<number>
  readonly runningTasks: () => number
  /** For how long this process has had no connection to a primary. */
  readonly databaseLostSeconds: () => number
  readonly pool: () => { total: number; idle: number; waiting: number }
}

export type Metrics = ReturnType<typeof createMetrics>

/** A metric as the documentation lists it. */
export interface MetricFacts {
  readonly name: string
  readonly type: string
  readonly labels: readonly string[]
  readonly help: string
}

/** The metrics of this process, for Prometheus. The help texts are also the table of the documentation. */
export function createMetrics() {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const registers = [registry]
  const waitSeconds = new Histogram({
    name: 'signalbox_task_wait_seconds',
    help: 'Time from due to started.',
    labelNames: ['priority'],
    buckets: secondsBuckets,
    registers,
  })
  const runSeconds = new Histogram({
    name: 'signalbox_task_run_seconds',
    help: 'Time from started to the end of the attempt.',
    labelNames: ['priority', 'outcome'],
    buckets: secondsBuckets,
    registers,
  })
  const typeAttempts = new Counter({
    name: 'signalbox_task_type_attempts_total',
    help: 'Attempts that this process ended, by task type (`other`: beyond the first 200) and outcome.',
    labelNames: ['type', 'outcome'],
    registers,
  })
  const typeSeconds = new Counter({
    name: 'signalbox_task_type_run_seconds_total',
    help: 'How long these attempts took together, by task type.',
    labelNames: ['type'],
    registers,
  })
  const knownTypes = new Set<string>()

  /** Counts an attempt that has ended. */
  function countAttempt(
    { type, priority }: { readonly type: string; readonly priority: string },
    outcome: string,
    seconds: number,
  ): void {
    if (knownTypes.size < maxTypes) knownTypes.add(type)
    const shown = knownTypes.has(type) ? type : 'other'
    runSeconds.observe({ priority, outcome }, seconds)
    typeAttempts.inc({ type: shown, outcome })
    typeSeconds.inc({ type: shown }, Math.max(0, seconds))
  }

  const requests = new Counter({
    name: 'signalbox_http_requests_total',
    help: 'HTTP requests, by interface (`door`) and class of the response’s status.',
    labelNames: ['door', 'status'],
    registers,
  })

  const domains = createDomainMetrics(registry)

  /** Adds the gauges that are read at each scrape. */
  function observe(sources: MetricSources): void {
    new Gauge({
      name: 'signalbox_queue_tasks',
      help: 'Tasks of all accounts: `waiting`, `scheduled` or `active`. The same for all processes.',
      labelNames: ['priority', 'state'],
      registers,
      async collect() {
        for (const { priority, waiting, scheduled, active } of await sources.queueDepth()) {
          this.set({ priority, state: 'waiting' }, waiting)
          this.set({ priority, state: 'scheduled' }, scheduled)
          this.set({ priority, state: 'active' }, active)
        }
      },
    })
    gauge('signalbox_subscribers', 'Open streams of the journal.', sources.subscribers)
    gauge('signalbox_websockets', 'Open WebSocket connections.', sources.sockets)
    gauge('signalbox_journal_lag_seconds', 'Age of the last journal entry when it was read.', sources.journalLagSeconds)
    gauge(
      'signalbox_journal_held_seconds',
      'How long committed journal entries have been waiting for an open transaction to end; 0 when none wait.',
      sources.journalHeldSeconds,
    )
    gauge(
      'signalbox_audit_lag_seconds',
      'How far the audit log is behind the journal. The same for all processes.',
      sources.auditLagSeconds,
    )
    gauge('signalbox_running_tasks', 'Tasks that this process is running.', sources.runningTasks)
    gauge(
      'signalbox_database_lost_seconds',
      'How long this process has been without a connection to a primary database; 0 while it has one.',
      sources.databaseLostSeconds,
    )
    new Gauge({
      name: 'signalbox_database_connections',
      help: 'Connections of this process’s pool: `total` and `idle`; `waiting`: statements that wait for one.',
      labelNames: ['state'],
      registers,
      collect() {
        for (const [state, value] of Object.entries(sources.pool())) this.set({ state }, value)
      },
    })
  }

  function gauge(name: string, help: string, read: () => number | Promise<number>): void {
    new Gauge({
      name,
      help,
      registers,
      async collect() {
        this.set(await read())
      },
    })
  }

  /** The text that Prometheus reads, and its content type. */
  async function render(): Promise<{ body: string; contentType: string }> {
    return { body: await registry.metrics(), contentType: registry.contentType }
  }

  /** Signalbox’s own metrics, by name. */
  function describe(): readonly MetricFacts[] {
    return registry
      .getMetricsAsArray()
      .filter(({ name }) => name.startsWith('signalbox_'))
      .map(({ name, type, help, ...metric }) => ({
        name,
        type: String(type),
        help,
        // Absent from prom-client's types.
        labels: (metric as { labelNames?: readonly string[] }).labelNames ?? [],
      }))
      .sort((a, b) => a.name.localeCompare(b.name))
  }

  return { waitSeconds, countAttempt, requests, domains, observe, render, describe }
}
