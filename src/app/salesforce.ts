import { StandIns } from '#domain/access/standing-rights.ts'
import { SalesforceHosts } from '#domain/salesforce/hosts.ts'
import { createSalesforceService, type SalesforceService } from '#domain/salesforce/service.ts'
import { createPartSource } from '#domain/tasks/part-source.ts'
import { systemClock } from '#lib/clock.ts'
import { GuardedFetch } from '#platform/http/guarded-fetch.ts'
import { SecretBox } from '#platform/secrets/secret-box.ts'
import { WorkLoop } from '#platform/work/work-loop.ts'
import type { AppContext } from './app-context.ts'

/** How often authorizations are looked for that are about to end for lack of use. */
const heartbeatIntervalMs = 60_000
const firstHeartbeatMs = 1_000
/** How often deployments are looked for that their tasks have left under way. */
const deploymentsIntervalMs = 20_000
const connections = 20

/** Salesforce orgs, and what keeps their authorizations alive. */
export function openSalesforce({ config, secretKey, data, log, cleanup }: AppContext): SalesforceService {
  const { database, transact, tail } = data
  const standIns = new StandIns('salesforce')
  const outbound = new GuardedFetch({ egressAllow: config.egressAllow, connections })
  const salesforce = createSalesforceService({
    sql: database,
    transact,
    secrets: new SecretBox(secretKey, config.previousSecretKeys),
    clock: systemClock,
    outbound,
    hosts: new SalesforceHosts(config.salesforce.hosts),
    publicUrl: config.publicUrl,
    maxApiVersion: config.salesforce.maxApiVersion,
    refreshAfterMs: config.salesforce.refreshAfterMs,
    readTaskPart: createPartSource(database),
    standIn: (accountId, starter) => standIns.of(database, accountId, starter),
  })
  const unlisten = [tail.listen((entry) => standIns.onJournalEntry(entry)), tail.onCut(() => standIns.forgetAll())]
  const heartbeat = new WorkLoop({
    name: 'authorizations of Salesforce orgs',
    intervalMs: heartbeatIntervalMs,
    log,
    work: () => salesforce.heartbeat(),
  })
  heartbeat.start(firstHeartbeatMs)
  const deployments = new WorkLoop({
    name: 'deployments without a task',
    intervalMs: deploymentsIntervalMs,
    log,
    work: () => salesforce.lookAfterDeployments(),
  })
  deployments.start(firstHeartbeatMs)
  // A refresh token that is in use must not be left behind; each use has an end.
  cleanup.addUnlimited(async () => {
    for (const stop of unlisten) stop()
    await Promise.all([heartbeat.stop(), deployments.stop()])
    await salesforce.stop()
    await outbound.close()
  })
  return salesforce
}
