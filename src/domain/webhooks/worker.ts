import type { Clock } from '#lib/clock.ts'
import { within } from '#lib/within.ts'
import { aliveIdsSql } from '#platform/database/session.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { Transact } from '#platform/database/transaction.ts'
import type { GuardedFetch } from '#platform/http/guarded-fetch.ts'
import type { Actor } from '#platform/journal/entry.ts'
import type { JournalTail } from '#platform/journal/tail.ts'
import { runPeriodically } from '#platform/periodic.ts'
import type { Logger } from '#platform/telemetry/log.ts'
import { Deliverer } from './deliverer.ts'
import type { Endpoints } from './endpoints.ts'
import { Router } from './router.ts'
import { createSender, type RunDocument } from './sender.ts'
import { createSettler } from './settler.ts'
import { findDeliveryHolders, releaseDeliveries } from './store/deliveries.ts'
import { Tallies } from './tallies.ts'
import { UndecidedDeliveries } from './undecided.ts'

export interface WebhookWorkerOptions {
  readonly sql: Sql
  readonly transact: Transact
  readonly tail: JournalTail
  readonly endpoints: Endpoints
  readonly outbound: GuardedFetch
  readonly runDocument: RunDocument
  readonly publicUrl: string | undefined
  /** The id of which this process holds the sign of life. */
  readonly workerId: number
  readonly slots: number
  readonly disableAfter: number
  readonly clock: Clock
  readonly log: Logger
}

export interface WebhookWorker {
  /** Attempts under way. */
  readonly running: number
  /** Lets attempts end for up to `limitMs`, and hands the rest back; ends soon after that without a database, too. */
  stop(limitMs: number): Promise<void>
}

const reapIntervalMs = 1_000
/** How long what is being written may still take when this process stops, in milliseconds. */
const lastWordMs = 1_000
/** How long a worker may be without its sign of life, so that one that only reconnects is not taken for dead. */
const graceMs = 2_000

/** Makes this process tell webhooks of what happens. */
export function startWebhookWorker(options: WebhookWorkerOptions): WebhookWorker {
  const { transact, tail, endpoints, workerId, log, disableAfter } = options
  const actor: Actor = { kind: 'system', id: `worker-${workerId}`, name: `worker-${workerId}` }
  const tallies = new Tallies({ transact, actor, disableAfter, log })
  const deliverer = new Deliverer({
    ...options,
    send: createSender(options),
    settle: createSettler({ transact, workerId, actor }),
    onSettled: (settlement) => tallies.note(settlement),
  })
  const undecided = new UndecidedDeliveries({ actor, log, onFailed: (settlement) => tallies.note(settlement) })
  const router = new Router({ transact, tail, endpoints, recipient: deliverer, undecided, log })
  const unlisten = tail.listen((entry) => router.heard(entry))
  const reap = { name: 'lost deliveries', intervalMs: reapIntervalMs, log, work: createReaper(options) }
  const reaper = runPeriodically(reap)
  router.start()
  deliverer.start()
  return {
    get running() {
      return deliverer.running
    },
    async stop(limitMs) {
      unlisten()
      // Each of them may wait for a database that doesn't answer.
      await within(lastWordMs, Promise.allSettled([reaper.stop(), router.stop()]))
      await deliverer.stop(limitMs)
      await within(lastWordMs, Promise.allSettled([tallies.stop()]))
    },
  }
}

/** Takes back what dead workers had under way; a worker lives while it holds its advisory lock. */
function createReaper({ sql, transact, workerId, clock }: WebhookWorkerOptions): () => Promise<void> {
  const missingSince = new Map<number, number>()
  return async () => {
    const holders = (await findDeliveryHolders(sql)).filter((id) => id !== workerId)
    const alive = new Set((await sql.query<{ objid: number }>(aliveIdsSql)).map(({ objid }) => objid))
    const missing = holders.filter((id) => !alive.has(id))
    for (const id of missingSince.keys()) if (!missing.includes(id)) missingSince.delete(id)
    const now = clock.now().getTime()
    for (const id of missing) if (!missingSince.has(id)) missingSince.set(id, now)
    const dead = missing.filter((id) => now - (missingSince.get(id) ?? now) >= graceMs)
    await transact.quiet('claims of deliveries')((tx) => releaseDeliveries(tx, dead))
  }
}
