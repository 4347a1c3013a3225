import { type AccessService, createAccessService } from '#domain/access/service.ts'
import { OidcProvider } from '#domain/access/sign-in/oidc-provider.ts'
import type { TrustRule } from '#domain/access/trust/trust-rule.ts'
import type { AuditService } from '#domain/audit/service.ts'
import { systemClock } from '#lib/clock.ts'
import { GuardedFetch } from '#platform/http/guarded-fetch.ts'
import { SecretBox } from '#platform/secrets/secret-box.ts'
import { startLoop } from '#platform/work/work-loop.ts'
import type { AppContext } from './app-context.ts'

/** How often the use of tokens is stored. */
const accessRecordIntervalMs = 5_000
/** How often refusals are journaled. */
const incidentIntervalMs = 1_000

/** Authentication and rights, kept up to date by the journal, also about changes on other processes. */
export async function openAccess(
  { config, secretKey, data, quotas, log, cleanup }: AppContext,
  { begin }: AuditService,
  trustRules: readonly TrustRule[],
): Promise<AccessService> {
  const { database, transact, tail } = data
  const secrets = new SecretBox(secretKey, config.previousSecretKeys)
  const outbound = new GuardedFetch({ egressAllow: config.egressAllow, connections: 2 })
  const access = createAccessService({
    database,
    transact,
    secrets,
    clock: systemClock,
    quotas,
    publicUrl: config.publicUrl,
    provider: config.oidc && new OidcProvider(config.oidc, log),
    allowedDomains: config.oidc?.allowedDomains ?? [],
    trustRules,
    outbound,
    log,
    beginAuditLog: begin,
  })
  const unlisten = tail.listen((entry) => access.onJournalEntry(entry))
  const record = { name: 'access', intervalMs: accessRecordIntervalMs, log, work: () => access.keepRecord() }
  const incidents = { name: 'incidents', intervalMs: incidentIntervalMs, log, work: () => access.tellIncidents() }
  const periodics = [record, incidents].map(startLoop)
  cleanup.add(async () => {
    unlisten()
    for (const periodic of periodics) await periodic.stop()
    await access.stop()
    await outbound.close()
  })
  return access
}
