import { PgBoss } from 'pg-boss'
import type { Database } from '#platform/database/client.ts'
import type { Transaction } from '#platform/database/transaction.ts'
import type { Logger } from '#platform/telemetry/log.ts'

/** A job to be sent: `data` is small, and `id` is the sender's. */
export interface NewJob {
  readonly queue: string
  readonly id: string
  readonly data: object
  /** Not to be claimed before; at once when absent. */
  readonly startAfter?: Date | undefined
}

export interface ClaimedJob {
  readonly id: string
  readonly data: unknown
}

const claimSql = 'SELECT id, data FROM claim_jobs($1, $2)'

/**
 * pg-boss, used as rows and statements inside our own transactions. Its own retries, expiry and polling workers are
 * not used: attempts and leases are the domain's, and a job is gone in the transaction that claims it, so nothing is
 * left for its maintenance to do. A job can't be lost with its claimer: what it stood for says who holds it.
 */
export class Queue {
  readonly #boss: PgBoss

  private constructor(boss: PgBoss) {
    this.#boss = boss
  }

  /** Makes or migrates pg-boss's own tables, and the named queues. */
  static async start(options: { database: Database; queues: readonly string[]; log: Logger }): Promise<Queue> {
    const { pool } = options.database
    const boss = new PgBoss({
      db: { executeSql: (text, values) => pool.query(text, values) },
      schema: 'pgboss',
      supervise: false,
      schedule: false,
      // Queue definitions don't change while we run.
      queueCacheIntervalSeconds: 3_600,
    })
    boss.on('error', (error) => options.log.error({ err: error }, 'the queue reported an error'))
    await boss.start()
    const known = new Set((await boss.getQueues()).map((queue) => queue.name))
    for (const name of options.queues) if (!known.has(name)) await boss.createQueue(name)
    return new Queue(boss)
  }

  /** Sends jobs as part of a transaction; resolves when the statements are on their way. The commit waits for them. */
  async send(tx: Transaction, jobs: readonly NewJob[]): Promise<void> {
    for (const [queue, group] of Map.groupBy(jobs, (job) => job.queue)) {
      const { promise: isIssued, resolve } = Promise.withResolvers<void>()
      const executeSql = (text: string, values?: unknown[]) => {
        resolve()
        return tx.jobs.executeSql(text, values)
      }
      const inserting = this.#boss.insert(queue, group.map(toInsert), { db: { executeSql } })
      tx.beside(inserting)
      await Promise.race([isIssued, inserting])
    }
  }

  /** Takes up to `limit` due jobs, oldest first; once the transaction commits they are gone, and the claimer's to answer for. */
  async claim(tx: Transaction, queue: string, limit: number): Promise<ClaimedJob[]> {
    if (limit <= 0) return []
    return tx.query(claimSql, [queue, limit])
  }

  async stop(): Promise<void> {
    await this.#boss.stop({ graceful: false, close: false })
  }
}

function toInsert({ id, data, startAfter }: NewJob): { id: string; data: object; startAfter?: Date } {
  return startAfter === undefined ? { id, data } : { id, data, startAfter }
}
