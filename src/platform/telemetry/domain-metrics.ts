import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { NewEntry } from '#platform/journal/entry.ts'
import { ownFamilyOf } from '#platform/journal/own-families.ts'

/** Upper bounds of webhook time buckets, in seconds: from a receiver next door to a retry after an hour. */
const webhookBuckets = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3_600]

/** Deliveries that wait for an attempt, of all accounts. */
interface WebhookBacklog {
  /** Could be attempted now. */
  readonly due: number
  /** Wait for their next attempt. */
  readonly scheduled: number
  /** Are being attempted by any process. */
  readonly active: number
  /** For how long the oldest due delivery has been due. */
  readonly oldestSeconds: number
}

/** Values of webhooks and streams that are read at each scrape. */
export interface DomainMetricSources {
  /** Queries the database. */
  readonly webhookBacklog: () => Promise<WebhookBacklog>
  readonly runningWebhookAttempts: () => number
  readonly openWebhookCircuits: () => number
  /** What this process's streams have sent since it started. */
  readonly streamItems: () => Readonly<Record<'entry' | 'lagged' | 'passing', number>>
  /** Journal entries that slow readers did not receive since this process started. */
  readonly skippedStreamEntries: () => number
}

/** One attempt at a delivery, and where the delivery stands after it. */
export interface WebhookAttemptFigures {
  /** The class of the attempt's result, such as `success` or `timeout`. */
  readonly outcome: string
  readonly status: 'PENDING' | 'DELIVERED' | 'FAILED' | 'SKIPPED'
  readonly durationSeconds: number
  /** From the event to the end of this attempt. */
  readonly sinceEventSeconds: number
}

export type DomainMetrics = ReturnType<typeof createDomainMetrics>

/** Lets callers that come while a read is under way share its result. */
function sharedRead<Value>(read: () => Promise<Value>): () => Promise<Value> {
  let pending: Promise<Value> | undefined
  return () => {
    pending ??= read().finally(() => {
      pending = undefined
    })
    return pending
  }
}

/** Metrics of documents, entries, locks, webhooks, hooks, the audit log and streams. Labels have fixed sets of values. */
export function createDomainMetrics(registry: Registry) {
  const registers = [registry]
  const counter = <Label extends string>(name: string, help: string, ...labelNames: Label[]) =>
    new Counter({ name, help, labelNames, registers })
  const histogram = (name: string, help: string) => new Histogram({ name, help, buckets: webhookBuckets, registers })

  const journalEntries = counter(
    'signalbox_journal_entries_total',
    'Committed journal entries, by family of events; `custom`: events that callers publish.',
    'family',
  )
  const documentChanges = counter(
    'signalbox_document_changes_total',
    'Committed changes: `created`, `updated`, `deleted`, `restored`, `repaired`, `version_pinned`, `version_unpinned`.',
    'change',
  )
  const entryChanges = counter(
    'signalbox_entry_changes_total',
    'Committed changes: `set`, `deleted`, `expired`.',
    'change',
  )
  const lockChanges = counter(
    'signalbox_lock_changes_total',
    'Committed changes: `acquired`, `renewed`, `released`, `expired`, `forced`. Frequent renewals are counted later, with the lock’s next event.',
    'change',
  )
  const webhooksDisabled = counter(
    'signalbox_webhooks_disabled_total',
    'Webhooks disabled after too many failed attempts.',
  )
  const webhookAttempts = counter(
    'signalbox_webhook_attempts_total',
    'Attempts at deliveries, by outcome, such as `success`, `server_error` or `timeout`.',
    'outcome',
  )
  const webhookDeliveries = counter(
    'signalbox_webhook_deliveries_total',
    'Deliveries that ended: `delivered`, `failed` or `skipped`.',
    'outcome',
  )
  const attemptSeconds = histogram('signalbox_webhook_attempt_seconds', 'Duration of one attempt at a delivery.')
  const deliverySeconds = histogram(
    'signalbox_webhook_delivery_seconds',
    'Time from the event to its successful delivery, including retries.',
  )
  const hookCalls = counter(
    'signalbox_hook_calls_total',
    'Calls of hooks (`unknown`: no such hook), by outcome: `accepted`, `duplicate`, or the error code in lower case.',
    'hook',
    'outcome',
  )
  const hookTasks = counter('signalbox_hook_tasks_total', 'Tasks submitted by calls of hooks.', 'hook')
  const auditEntries = counter('signalbox_audit_entries_total', 'Entries that this process appended to the audit log.')

  /** Counts what was committed. */
  function countJournaled(entries: readonly NewEntry[]): void {
    for (const { type, data } of entries) {
      const family = ownFamilyOf(type) ?? 'custom'
      journalEntries.inc({ family })
      const change = type.slice(family.length + 1)
      if (family === 'document') documentChanges.inc({ change })
      else if (family === 'entry') entryChanges.inc({ change })
      else if (family === 'lock') countLockChange(change, data)
      else if (type === 'webhook.disabled') webhooksDisabled.inc()
    }
  }

  /** Renewals are journaled with the next entry about their lock. */
  function countLockChange(change: string, data: NewEntry['data']): void {
    const { renewals } = data
    if (typeof renewals === 'number') lockChanges.inc({ change: 'renewed' }, renewals)
    if (change !== 'renewed') lockChanges.inc({ change })
  }

  function countWebhookAttempt(attempt: WebhookAttemptFigures): void {
    webhookAttempts.inc({ outcome: attempt.outcome })
    attemptSeconds.observe(attempt.durationSeconds)
    if (attempt.status === 'PENDING') return
    webhookDeliveries.inc({ outcome: attempt.status.toLowerCase() })
    if (attempt.status === 'DELIVERED') deliverySeconds.observe(Math.max(0, attempt.sinceEventSeconds))
  }

  function countHookCall(hook: string, outcome: string, tasks: number): void {
    hookCalls.inc({ hook, outcome })
    if (tasks > 0) hookTasks.inc({ hook }, tasks)
  }

  /** Adds the values that are read at each scrape. */
  function observe(sources: DomainMetricSources): void {
    // prom-client starts to collect all metrics of a scrape together, so both gauges share one query.
    const readBacklog = sharedRead(sources.webhookBacklog)
    new Gauge({
      name: 'signalbox_webhook_backlog_age_seconds',
      help: 'How long the oldest due delivery to an active webhook has been due. The same for all processes.',
      registers,
      async collect() {
        this.set((await readBacklog()).oldestSeconds)
      },
    })
    new Gauge({
      name: 'signalbox_webhook_backlog_deliveries',
      help: 'Deliveries to active webhooks: `due`, `scheduled` or `active`, each counted up to 100,000. The same for all processes.',
      labelNames: ['state'],
      registers,
      async collect() {
        const { oldestSeconds: _, ...states } = await readBacklog()
        for (const [state, count] of Object.entries(states)) this.set({ state }, count)
      },
    })
    new Gauge({
      name: 'signalbox_webhook_running_attempts',
      help: 'Attempts at deliveries that this process is making.',
      registers,
      collect() {
        this.set(sources.runningWebhookAttempts())
      },
    })
    new Gauge({
      name: 'signalbox_webhook_open_circuits',
      help: 'Webhooks that this process has paused, because their receiver kept failing.',
      registers,
      collect() {
        this.set(sources.openWebhookCircuits())
      },
    })
    new Counter({
      name: 'signalbox_stream_items_total',
      help: 'Items sent to streams: `entry`, `lagged` (the reader was too slow) or `passing` (progress).',
      labelNames: ['kind'],
      registers,
      collect() {
        this.reset()
        for (const [kind, count] of Object.entries(sources.streamItems())) this.inc({ kind }, count)
      },
    })
    new Counter({
      name: 'signalbox_stream_skipped_entries_total',
      help: 'Journal entries dropped for readers that were too slow.',
      registers,
      collect() {
        this.reset()
        this.inc(sources.skippedStreamEntries())
      },
    })
  }

  return { countJournaled, countWebhookAttempt, countHookCall, auditEntries, observe }
}
