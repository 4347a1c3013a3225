import { LRUCache } from 'lru-cache'
import type { Caller } from '#domain/access/caller.ts'
import { createBatcher } from '#lib/batcher.ts'
import type { Clock } from '#lib/clock.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { JournalEntry } from '#platform/journal/entry.ts'
import { AccountUsage } from './account-usage.ts'
import { QuotaExceeded } from './errors.ts'
import { type Amounts, type QuotaName, type QuotaState, type Quotas, quotaNames } from './quota.ts'
import { foldUsage, lockAccount, ownQuotas, readUsage, type UsageRow } from './store.ts'

export interface QuotaServiceDeps {
  readonly sql: Sql
  readonly quotas: Quotas
  readonly clock: Clock
  /** Saves what this process has counted of the journal; called before usage is read. */
  readonly flushJournalUsage: () => Promise<void>
}

/** How long what was read of an account is gone by, in milliseconds; what this process adds itself is known at once. */
const believedMs = 1_000
const maxKept = 10_000
const foldedAtOnce = 5_000
const readTogether = 500

/** Events after which an account may run what waits, or nothing. */
const accountStateTypes: ReadonlySet<string> = new Set(['auth.account_suspended', 'auth.account_resumed'])

/** What accounts may have, and what they use. */
export type QuotaService = ReturnType<typeof createQuotaService>

/**
 * Nothing is counted row by row: tables note what changes, and what is known of an account is at most a second old, so
 * that nobody waits for it. Before a caller is refused it is read again. Several processes may therefore exceed a quota by
 * what the others add in a second.
 */
export function createQuotaService({ sql, quotas, clock, flushJournalUsage }: QuotaServiceDeps) {
  const known = new LRUCache<string, Promise<AccountUsage>>({ max: maxKept })
  const read = createBatcher<string, UsageRow | undefined>({
    maxSize: readTogether,
    async run(accountIds) {
      await flushJournalUsage()
      const rows = new Map((await readUsage(sql, [...new Set(accountIds)])).map((row) => [row.accountId, row]))
      return accountIds.map((id) => rows.get(id))
    },
  })

  /** What is known of an account, read when nothing is. */
  function usageOf(accountId: string): Promise<AccountUsage> {
    const usage = known.get(accountId)
    if (usage !== undefined) return usage
    const fresh = new AccountUsage()
    // Who asks meanwhile waits for the same: two counts beside each other would each see half.
    const reading = refresh(accountId, fresh).then(() => fresh)
    reading.catch(() => known.delete(accountId))
    known.set(accountId, reading)
    return reading
  }

  async function refresh(accountId: string, usage: AccountUsage): Promise<void> {
    const startedAt = clock.now().getTime()
    const mark = usage.mark()
    const row = await read(accountId)
    const isSuspended = row?.isSuspended ?? false
    const limits = { ...quotas, ...(row && ownQuotas(row)) }
    usage.replace(mark, { limits, used: row?.used ?? {}, isSuspended, at: startedAt })
  }

  /** Reads the usage again when it is due, without making anyone wait for it. */
  function keepFresh(accountId: string, usage: AccountUsage): void {
    if (usage.isRefreshing || clock.now().getTime() - usage.readAt < believedMs) return
    usage.isRefreshing = true
    refresh(accountId, usage)
      // The next who needs it reads again, or hears why it can't be read.
      .catch(() => undefined)
      .finally(() => {
        usage.isRefreshing = false
      })
  }

  /**
   * Counts what is about to be written; to be released once it is, or has failed. @throws {QuotaExceeded}
   */
  async function hold(accountId: string, amounts: Amounts): Promise<() => void> {
    const usage = await usageOf(accountId)
    keepFresh(accountId, usage)
    if (usage.excess(amounts) !== undefined) await refresh(accountId, usage)
    const excess = usage.excess(amounts)
    if (excess !== undefined) throw new QuotaExceeded(excess.name, excess.limit ?? 0, excess.used)
    return usage.hold(amounts)
  }

  /** How many more tasks the account may run, at most as many as wanted: those count at once. And how many wait. */
  async function takeRunning(accountId: string, wanted: number): Promise<{ count: number; waiting: number }> {
    const usage = await usageOf(accountId)
    keepFresh(accountId, usage)
    if (usage.room('runningTasks') < wanted) await refresh(accountId, usage)
    const count = usage.isSuspended ? 0 : Math.max(0, Math.min(wanted, usage.room('runningTasks')))
    // The known usage is refreshed every second; until then these count as running.
    usage.hold({ runningTasks: count })()
    return { count, waiting: usage.used('waitingTasks') }
  }

  return {
    hold,
    /** Whether an error is the refusal of {@link hold}. */
    isExceeded: (error: unknown): error is QuotaExceeded => error instanceof QuotaExceeded,
    takeRunning,
    /** To be called with each entry of the journal: whether an account may run anything is read again when it changes. */
    onJournalEntry({ accountId, type }: Pick<JournalEntry, 'accountId' | 'type'>): void {
      const usage = accountStateTypes.has(type) ? known.get(accountId) : undefined
      usage?.then((one) => refresh(accountId, one)).catch(() => known.delete(accountId))
    },
    /** In the transaction that adds one, which others of the account wait for: exact. @throws {QuotaExceeded} */
    async mustHaveRoom(tx: Sql, accountId: string, name: QuotaName): Promise<void> {
      await lockAccount(tx, accountId)
      const [row] = await readUsage(tx, [accountId])
      const limit = (row && ownQuotas(row)[name]) ?? quotas[name]
      const used = row?.used[name] ?? 0
      if (limit > 0 && used >= limit) throw new QuotaExceeded(name, limit, used)
    },
    /** How the caller's account stands. */
    async states({ accountId }: Caller): Promise<QuotaState[]> {
      await flushJournalUsage()
      const [row] = await readUsage(sql, [accountId])
      const limits = { ...quotas, ...(row && ownQuotas(row)) }
      return quotaNames.map((name) => ({
        name,
        limit: limits[name] > 0 ? limits[name] : undefined,
        used: row?.used[name] ?? 0,
      }))
    },
    /** Adds up what tables have noted; to be called every few seconds, by any number of processes. */
    async fold(): Promise<void> {
      await flushJournalUsage()
      while ((await foldUsage(sql, foldedAtOnce)) === foldedAtOnce);
    },
  }
}
