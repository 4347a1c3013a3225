import { createEntryService, type EntryService } from '#domain/entries/service.ts'
import { checkFence } from '#domain/locks/fences.ts'
import { createLockService, type LockService } from '#domain/locks/service.ts'
import { startLoop } from '#platform/work/work-loop.ts'
import type { AppContext } from './app-context.ts'

/** How often entries and leases are looked for whose time is over. */
const sweepIntervalMs = 500
/** How often this process reports who is waiting here for a lock, in milliseconds. */
const lockPresenceIntervalMs = 2_000

/** Locks, and what looks after them in every process. */
export function openLocks({ config, data, log, cleanup }: AppContext): LockService {
  const { database, transact, tail } = data
  const locks = createLockService({ sql: database, transact, log, maxWaits: config.lockWaits })
  const unlisten = tail.listen((entry) => locks.onJournalEntry(entry))
  const present = { name: 'lock queues', intervalMs: lockPresenceIntervalMs, log, work: () => locks.keepPresence() }
  const sweep = { name: 'leases', intervalMs: sweepIntervalMs, log, work: () => locks.sweep() }
  const periodics = [present, sweep].map(startLoop)
  cleanup.add(async () => {
    unlisten()
    locks.stop()
    for (const periodic of periodics) await periodic.stop()
  })
  return locks
}

/** Entries, and what lets them expire. */
export function openEntries(
  { config, data, quotas, log, cleanup }: AppContext,
  { heldFences }: LockService,
): EntryService {
  const { database, transact, journal } = data
  const keptVersions = config.entryHistory
  const entries = createEntryService({ sql: database, transact, journal, quotas, heldFences, checkFence, keptVersions })
  const work = () => entries.sweep()
  const sweep = startLoop({ name: 'expired entries', intervalMs: sweepIntervalMs, log, work })
  cleanup.add(() => sweep.stop())
  return entries
}
