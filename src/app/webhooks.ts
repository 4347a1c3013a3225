import { authEventTypes } from '#domain/access/events.ts'
import { StandIns } from '#domain/access/standing-rights.ts'
import { Endpoints } from '#domain/webhooks/endpoints.ts'
import type { RunDocument } from '#domain/webhooks/sender.ts'
import { createWebhookService, type WebhookService } from '#domain/webhooks/service.ts'
import { Sight, type SightOf } from '#domain/webhooks/sight.ts'
import { startWebhookWorker, type WebhookWorker } from '#domain/webhooks/worker.ts'
import { systemClock } from '#lib/clock.ts'
import type { FilterEvaluator } from '#lib/filter/filter-evaluator.ts'
import { createEgressRule } from '#platform/http/egress.ts'
import { GuardedFetch } from '#platform/http/guarded-fetch.ts'
import type { JournalEntry } from '#platform/journal/entry.ts'
import { SecretBox } from '#platform/secrets/secret-box.ts'
import type { DomainMetrics } from '#platform/telemetry/domain-metrics.ts'
import type { OwnWorker } from '#platform/work/worker-liveness.ts'
import { createWebhookDocumentCheck } from '#transport/graphql/webhook-document.ts'
import type { AppContext } from './app-context.ts'
import type { MayNameSubject, ShownData } from './visibility.ts'

export interface Webhooks {
  readonly service: WebhookService
  readonly endpoints: Endpoints
  readonly outbound: GuardedFetch
  readonly sightOf: SightOf
  /** Called with each entry of the journal before it is matched. */
  readonly onEntry: (entry: JournalEntry) => void
}

/** Webhooks, their addresses as they are matched and sent to, and the way out. */
export function openWebhooks(
  { config, secretKey, data, quotas, cleanup }: AppContext,
  quietTypes: readonly string[],
  filters: FilterEvaluator,
  { shownData, mayNameSubject }: { shownData: ShownData; mayNameSubject: MayNameSubject },
): Webhooks {
  const { database, transact, journal, tail } = data
  const secrets = new SecretBox(secretKey, config.previousSecretKeys)
  const rules = { quietTypes: new Set(quietTypes), securityTypes: new Set<string>(authEventTypes), filters }
  const endpoints = new Endpoints({ sql: database, secrets, rules })
  const standIns = new StandIns('webhook')
  const sightOf: SightOf = async (sql, { accountId, maker }) =>
    new Sight(await standIns.of(sql, accountId, maker), shownData)
  const onEntry = (entry: JournalEntry) => standIns.onJournalEntry(entry)
  const outbound = new GuardedFetch({ egressAllow: config.egressAllow, connections: 100 })
  const service = createWebhookService({
    sql: database,
    transact,
    queue: data.queue,
    journal,
    secrets,
    clock: systemClock,
    quotas,
    endpoints,
    sightOf,
    mayNameSubject,
    outbound,
    target: { mayReach: createEgressRule(config.egressAllow), allowHttp: !config.production },
    origin: config.publicUrl === undefined ? 'signalbox' : new URL(config.publicUrl).host,
    checkDocument: createWebhookDocumentCheck({
      document: config.documentLimits,
      operationCost: config.limits.operationCost,
    }),
  })
  const unlisten = [
    tail.listen((entry) => service.onJournalEntry(entry)),
    tail.listen(onEntry),
    tail.onCut(() => endpoints.forgetAll()),
    tail.onCut(() => standIns.forgetAll()),
  ]
  cleanup.add(async () => {
    for (const stop of unlisten) stop()
    await outbound.close()
  })
  return { service, endpoints, outbound, sightOf, onEntry }
}

/** Makes deliveries of what happens, and attempts them. */
export function openDeliverer(
  { config, data, log, cleanup }: AppContext,
  webhooks: Webhooks,
  { worker, runDocument, metrics }: { worker: OwnWorker; runDocument: RunDocument; metrics: DomainMetrics },
): WebhookWorker {
  const deliverer = startWebhookWorker({
    ...data,
    ...webhooks,
    sql: data.database,
    runDocument,
    publicUrl: config.publicUrl,
    worker,
    leaseMs: config.workerLeaseMs,
    ...config.webhooks,
    clock: systemClock,
    log,
    onSettled: ({ delivery, result, settled }) =>
      metrics.countWebhookAttempt({
        outcome: result.outcome,
        status: settled.status,
        durationSeconds: result.durationMs / 1000,
        sinceEventSeconds: (Date.now() - delivery.eventAt.getTime()) / 1000,
      }),
  })
  cleanup.addUnlimited(() => deliverer.stop(config.shutdownTimeoutMs))
  return deliverer
}
