import type { QuotaService } from '#domain/quotas/service.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { Transact } from '#platform/database/transaction.ts'
import type { Journal } from '#platform/journal/journal.ts'
import { type CommitterDeps, createCommitter } from './committer.ts'
import { createEntryCommands } from './entry-commands.ts'
import { createEntryReads } from './entry-reads.ts'
import { findExpired, forgetEnded } from './store.ts'
import { bySystem } from './write-batch.ts'

export interface EntryServiceDeps extends Pick<CommitterDeps, 'heldFences' | 'checkFence' | 'keptVersions'> {
  readonly sql: Sql
  readonly transact: Transact
  readonly journal: Journal
  readonly quotas: Pick<QuotaService, 'hold'>
}

/** Everything that can be done with entries; the only way in for callers. */
export type EntryService = ReturnType<typeof createEntryService>

const sweptAtOnce = 500
const forgottenAtOnce = 500

export function createEntryService(deps: EntryServiceDeps) {
  const { sql } = deps
  const committer = createCommitter(deps)
  const { commit } = committer

  /** Lets entries whose time is over expire, 500 at a time; several processes may do so at once. */
  async function sweep(): Promise<void> {
    for (let count = sweptAtOnce; count === sweptAtOnce; ) {
      const expired = await findExpired(sql, sweptAtOnce)
      for (const [accountId, names] of Map.groupBy(expired, (name) => name.accountId)) {
        const keys = names.map(({ key }) => key)
        await commit({ accountId, by: bySystem, checks: [], writes: [], otherwise: [], sweep: keys })
      }
      count = expired.length
    }
  }

  return {
    ...createEntryReads(deps),
    ...createEntryCommands({ ...deps, ...committer }),
    sweep,
    /** Forgets, step by step, what entries were that ended so many days ago. */
    async forget(days: number): Promise<void> {
      while ((await forgetEnded(sql, days, forgottenAtOnce)) >= forgottenAtOnce);
    },
  }
}
