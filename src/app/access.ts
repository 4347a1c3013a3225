import { type AccessService, createAccessService } from '#domain/access/service.ts'
import { OidcProvider } from '#domain/access/sign-in/oidc-provider.ts'
import type { TrustRule } from '#domain/access/trust/trust-rule.ts'
import type { AuditService } from '#domain/audit/service.ts'
import { systemClock } from '#lib/clock.ts'
import { GuardedFetch } from '#platform/http/guarded-fetch.ts'
import { runPeriodically } from '#platform/periodic.ts'
import { SecretBox } from '#platform/secrets/secret-box.ts'
import type { Parts } from './parts.ts'

/** How often it is written down how tokens are used. */
const accessRecordIntervalMs = 5_000
/** How often it is written down who was kept from something. */
const incidentIntervalMs = 1_000

/** Who may do what, kept up to date by what the journal tells of other processes too. */
export async function openAccess(
  { config, secretKey, store, quotas, log, opened }: Parts,
  { begin }: AuditService,
  trustRules: readonly TrustRule[],
): Promise<AccessService> {
  const { database, transact, tail } = store
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
  const unlisten = tail.listen((entry) => access.heed(entry))
  const record = { name: 'access', intervalMs: accessRecordIntervalMs, log, work: () => access.keepRecord() }
  const incidents = { name: 'incidents', intervalMs: incidentIntervalMs, log, work: () => access.tellIncidents() }
  const periodics = [record, incidents].map(runPeriodically)
  opened.add(async () => {
    unlisten()
    for (const periodic of periodics) await periodic.stop()
    await access.stop()
    await outbound.close()
  })
  return access
}
