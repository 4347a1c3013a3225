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
  readonly queue: string
  readonly id: string
  readonly data: unknown
}

/**
 * pg-boss, used as rows and statements inside our own transactions. Its own retries, expiry and polling workers are
 * not used: attempts and leases are the domain's, and a job is deleted in the transaction that settles it, so nothing
 * is left for its maintenance to do.
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

  /** Takes up to `limit` due jobs, oldest first; nobody else gets them once the transaction commits. */
  async claim(tx: Transaction, queue: string, limit: number): Promise<ClaimedJob[]> {
    if (limit <= 0) return []
    const jobs = await this.#boss.fetch(queue, { batchSize: limit, db: tx.jobs })
    return jobs.map(({ id, data }) => ({ queue, id, data }))
  }

  /** Removes jobs that are done with. */
  async settle(tx: Transaction, jobs: readonly { queue: string; id: string }[]): Promise<void> {
    for (const [queue, group] of Map.groupBy(jobs, (job) => job.queue)) {
      await this.#boss.deleteJob(
        queue,
        group.map((job) => job.id),
        { db: tx.jobs },
      )
    }
  }

  async stop(): Promise<void> {
    await this.#boss.stop({ graceful: false, close: false })
  }
}

function toInsert({ id, data, startAfter }: NewJob): { id: string; data: object; startAfter?: Date } {
  return startAfter === undefined ? { id, data } : { id, data, startAfter }
}
