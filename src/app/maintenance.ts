import type { AccessService } from '#domain/access/service.ts'
import type { AuditService } from '#domain/audit/service.ts'
import { applyDocumentRetention } from '#domain/documents/retention.ts'
import type { EntryService } from '#domain/entries/service.ts'
import type { HookService } from '#domain/hooks/service.ts'
import { forgetOldCounts } from '#domain/limits/retention.ts'
import { applyTaskRetention, forgetIdleLimits } from '#domain/tasks/retention.ts'
import { applyDeliveryRetention } from '#domain/webhooks/retention.ts'
import { deleteExpiredKeys } from '#platform/database/idempotency.ts'
import { addPartitions, dropPartitions } from '#platform/journal/partitions.ts'
import { startLoop } from '#platform/work/work-loop.ts'
import type { AppContext } from './app-context.ts'

const retentionIntervalMs = 10 * 60 * 1000
/** How often it is added up what accounts use. */
const usageIntervalMs = 5_000
const deletedAtOnce = 1_000

/** Adds up what accounts use, and keeps track of which ones are suspended. */
export function startUsageCounting({ quotas, data, log, cleanup }: AppContext): void {
  const unlisten = data.tail.listen((entry) => quotas.onJournalEntry(entry))
  const periodic = startLoop({ name: 'usage', intervalMs: usageIntervalMs, log, work: () => quotas.fold() })
  cleanup.add(() => {
    unlisten()
    return periodic.stop()
  })
}

/** The services with data that expires. */
interface RetentionServices {
  readonly access: AccessService
  readonly audit: AuditService
  readonly hooks: HookService
  readonly entries: EntryService
}

/** Deletes what has been kept for long enough. */
export function startRetention(
  { config, data, log, cleanup }: AppContext,
  { access, audit, hooks, entries }: RetentionServices,
): void {
  const { database, transact } = data
  const periodic = startLoop({
    name: 'retention',
    intervalMs: retentionIntervalMs,
    log,
    async work() {
      await addPartitions(database, transact)
      // What is not in the audit log yet stays, should nobody have been able to write that for days.
      const dropped = await dropPartitions(
        transact.quiet('retention'),
        config.retention.journalDays,
        await audit.position(),
      )
      if (dropped.length > 0) log.info({ dropped }, 'old days of the journal were dropped')
      await applyTaskRetention(database, config.retention)
      await forgetIdleLimits(database)
      await applyDocumentRetention(database)
      await access.maintain()
      await hooks.prune()
      while ((await deleteExpiredKeys(database, deletedAtOnce)) === deletedAtOnce);
      await applyDeliveryRetention(database, config.retention.deliveryDays)
      await audit.prune(config.retention.auditDays)
      await forgetOldCounts(database)
      // As long as a cursor works, a key goes on with its old versions.
      await entries.forget(config.retention.journalDays)
    },
  })
  cleanup.add(() => periodic.stop())
}
