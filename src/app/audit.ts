import { createAuditProjection } from '#domain/audit/projection.ts'
import { type AuditService, createAuditService } from '#domain/audit/service.ts'
import { Seals } from '#platform/secrets/seals.ts'
import { auditFilter } from '#src/audit-filter.ts'
import { auditSealPurpose } from '#src/encrypted-columns.ts'
import type { AppContext } from './app-context.ts'

/** The audit log, which every process offers to write. */
export function openAudit(
  { config, secretKey, data, log, cleanup }: AppContext,
  onAppended: (entries: number) => void,
): AuditService {
  const { database, transact, tail } = data
  const seals = new Seals(auditSealPurpose, secretKey, config.previousSecretKeys)
  const projection = createAuditProjection({ transact, tail, seals, log, query: auditFilter, onAppended })
  projection.start()
  const unlisten = tail.listen(() => projection.hint())
  cleanup.add(async () => {
    unlisten()
    await projection.stop()
  })
  return createAuditService({ sql: database, transact, seals, query: auditFilter })
}
