import type { AccessService } from '#domain/access/service.ts'
import type { AuditService } from '#domain/audit/service.ts'
import { applyDocumentRetention } from '#domain/documents/retention.ts'
import type { EntryService } from '#domain/entries/service.ts'
import type { HookService } from '#domain/hooks/service.ts'
import { forgetOldCounts } from '#domain/limits/retention.ts'
import { applyTaskRetention } from '#domain/tasks/retention.ts'
import { applyDeliveryRetention } from '#domain/webhooks/retention.ts'
import { deleteExpiredKeys } from '#platform/database/idempotency.ts'
import { addPartitions, dropPartitions } from '#platform/journal/partitions.ts'
import { startLoop } from '#platform/work/work-loop.ts'
import type { Parts } from './parts.ts'

const retentionIntervalMs = 10 * 60 * 1000
/** How often it is added up what accounts use. */
const usageIntervalMs = 5_000
const deletedAtOnce = 1_000

/** Adds up what accounts use, and learns which ones are suspended. */
export function keepUsage({ quotas, store, log, cleanup }: Parts): void {
  const unlisten = store.tail.listen((entry) => quotas.onJournalEntry(entry))
  const periodic = startLoop({ name: 'usage', intervalMs: usageIntervalMs, log, work: () => quotas.fold() })
  cleanup.add(() => {
    unlisten()
    return periodic.stop()
  })
}

/** What has something that is over one day. */
interface Kept {
  readonly access: AccessService
  readonly audit: AuditService
  readonly hooks: HookService
  readonly entries: EntryService
}

/** Lets go what is over. */
export function keepRetention({ config, store, log, cleanup }: Parts, { access, audit, hooks, entries }: Kept): void {
  const { database, transact } = store
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
