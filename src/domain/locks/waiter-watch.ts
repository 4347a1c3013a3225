import type { Sql } from '#platform/database/sql.ts'
import type { JournalEntry } from '#platform/journal/entry.ts'
import type { Logger } from '#platform/telemetry/log.ts'
import type { LockEventData } from './events.ts'
import { findGranted, tellPresent } from './store.ts'
import type { WaitingRoom } from './waiting-room.ts'

/** Keeps those who wait at this process in step with the queues in the database, which other processes change too. */
export function createWaiterWatch({ sql, room, log }: { sql: Sql; room: WaitingRoom; log: Logger }) {
  /** What other processes did, by the journal: somebody's turn has come who waits here, or a queue was cleared. */
  function onJournalEntry({ accountId, type, actor, at, data }: JournalEntry): void {
    if (type === 'lock.forced' && data['cleared'] === true) {
      // A waiter that misses it now finds out within two seconds.
      const lookedFor = lookFor(room.idsOf(accountId, String(data['name'])))
      lookedFor.catch((error: unknown) => log.warn({ err: error }, 'a cleared queue could not be read'))
    }
    if (type !== 'lock.acquired') return
    const { name, fence, expiresAt = '', waiterId, reason = null } = data as unknown as LockEventData
    const lock = { name, fence, holder: actor, reason, acquiredAt: at, expiresAt: new Date(expiresAt) }
    if (waiterId !== undefined) room.grant(waiterId, lock)
    room.lookAfter(accountId, name, lock.expiresAt.getTime() - Date.now())
  }

  /** Says that those who wait here still do, and finds what they were not told; to be called every two seconds. */
  function keepPresence(): Promise<void> {
    return lookFor(room.ids)
  }

  /** Says that these still wait; for those who are in no queue any more, the wait is over, with the lock or without. */
  async function lookFor(ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return
    // Those who are just being put into a queue can't be found there yet.
    const committed = room.committed(ids)
    const present = await tellPresent(sql, ids)
    const gone = ids.filter((id) => !present.has(id))
    if (gone.length === 0) return
    const granted = await findGranted(sql, gone)
    for (const id of gone) {
      const lock = granted.get(id)
      if (lock !== undefined) room.grant(id, lock)
      else if (committed.has(id)) room.dismiss(id)
    }
  }

  return { onJournalEntry, keepPresence }
}
