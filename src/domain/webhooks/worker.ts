import type { Clock } from '#lib/clock.ts'
import { within } from '#lib/within.ts'
import type { DatabaseSession } from '#platform/database/session.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { Transact } from '#platform/database/transaction.ts'
import type { GuardedFetch } from '#platform/http/guarded-fetch.ts'
import type { Actor, JournalEntry } from '#platform/journal/entry.ts'
import type { JournalTail } from '#platform/journal/tail.ts'
import type { Queue } from '#platform/queue/queue.ts'
import type { Logger } from '#platform/telemetry/log.ts'
import { startLoop } from '#platform/work/work-loop.ts'
import { type OwnWorker, WorkerLiveness } from '#platform/work/worker-liveness.ts'
import { Deliverer } from './deliverer.ts'
import { DeliveryStats } from './delivery-stats.ts'
import type { Endpoints } from './endpoints.ts'
import { Router } from './router.ts'
import { createSender, type RunDocument } from './sender.ts'
import { createSettler } from './settler.ts'
import type { SightOf } from './sight.ts'
import { findDeliveryHolders, releaseDeliveries, type Settlement } from './store/deliveries.ts'
import { UndecidedDeliveries } from './undecided.ts'

export interface WebhookWorkerOptions {
  readonly sql: Sql
  readonly transact: Transact
  readonly queue: Queue
  readonly tail: JournalTail
  readonly endpoints: Endpoints
  readonly outbound: GuardedFetch
  readonly runDocument: RunDocument
  readonly sightOf: SightOf
  /** @see RouterDeps */
  readonly onEntry: (entry: JournalEntry) => void
  readonly publicUrl: string | undefined
  /** This process as a worker; the session holds its sign of life. */
  readonly worker: OwnWorker
  /** Without its connection nothing is taken: others would take this process for dead. */
  readonly session: Pick<DatabaseSession, 'connection'>
  /** How long others have for connecting again after a failover, in milliseconds. */
  readonly leaseMs: number
  readonly slots: number
  /** Called with each attempt once its end is committed. */
  readonly onSettled: (settlement: Settlement) => void
  readonly disableAfter: number
  readonly clock: Clock
  readonly log: Logger
}

export interface WebhookWorker {
  /** Attempts under way. */
  readonly running: number
  /** Webhooks that are sent nothing for now, because their receiver kept failing. */
  readonly openCircuits: number
  /** Lets attempts end for up to `limitMs`, and hands the rest back; ends soon after that without a database, too. */
  stop(limitMs: number): Promise<void>
}

const reapIntervalMs = 1_000
/** How long what is being written may still take when this process stops, in milliseconds. */
const lastWordMs = 1_000

/** Makes this process tell webhooks of what happens. */
export function startWebhookWorker(options: WebhookWorkerOptions): WebhookWorker {
  const { transact, queue, tail, endpoints, log, disableAfter } = options
  const workerId = options.worker.id
  const actor: Actor = { kind: 'system', id: `worker-${workerId}`, name: `worker-${workerId}` }
  const stats = new DeliveryStats({ transact, actor, disableAfter, log })
  const note = (settlement: Settlement) => {
    stats.note(settlement)
    options.onSettled(settlement)
  }
  const deliverer = new Deliverer({
    ...options,
    workerId,
    send: createSender(options),
    settle: createSettler({ transact, queue, workerId, actor }),
    onSettled: note,
  })
  const undecided = new UndecidedDeliveries({ actor, log, onFailed: note })
  const { sightOf, onEntry } = options
  const router = new Router({
    transact,
    tail,
    endpoints,
    sightOf,
    onEntry,
    recipient: deliverer,
    undecided,
    actor,
    log,
  })
  const unlisten = tail.listen((entry) => router.onJournalEntry(entry))
  const reap = { name: 'lost deliveries', intervalMs: reapIntervalMs, log, work: createReaper(options) }
  const reaper = startLoop(reap)
  router.start()
  deliverer.start()
  return {
    get running() {
      return deliverer.running
    },
    get openCircuits() {
      return deliverer.openCircuits
    },
    async stop(limitMs) {
      unlisten()
      // Each of them may wait for a database that doesn't answer.
      await within(lastWordMs, Promise.allSettled([reaper.stop(), router.stop()]))
      await deliverer.stop(limitMs)
      await within(lastWordMs, Promise.allSettled([stats.stop()]))
    },
  }
}

/** Takes back what dead workers had under way; a frozen one's goes back when the lease of the delivery is over. */
function createReaper({ sql, transact, session, worker, leaseMs }: WebhookWorkerOptions): () => Promise<void> {
  const liveness = new WorkerLiveness({ session, worker, leaseMs })
  return async () => {
    const silent = await liveness.findSilent(sql, await findDeliveryHolders(sql))
    await transact.quiet('claims of deliveries')(async (tx) => {
      const confirmed = silent.length > 0 ? await liveness.confirm(tx, silent) : []
      const dead = confirmed.filter(({ silentMs }) => silentMs === undefined).map(({ id }) => id)
      await releaseDeliveries(tx, dead)
    })
  }
}
