import { type JobInsert, PgBoss } from 'pg-boss'
import type { Database } from '#platform/database/client.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { Transaction } from '#platform/database/transaction.ts'
import type { Logger } from '#platform/telemetry/log.ts'
import {
  type ClaimedJob,
  claimJobs,
  countJobsBefore,
  findMissingJobs,
  hasDueJobs,
  moveToOwnTable,
  type QueueTable,
  readWaits,
  shiftTurns,
} from './own-sql.ts'

export type { ClaimedJob } from './own-sql.ts'

/** A job to be sent: `data` is small, and `id` is the sender's. */
export interface NewJob {
  readonly queue: string
  readonly id: string
  readonly data: object
  /** Jobs with a lower one are claimed first, those with the same in the order in which they were sent. Default: 0, the first of all. */
  readonly turn?: number
  /** Not to be claimed before; at once when absent. */
  readonly startAfter?: Date | undefined
}

/** How each queue is created. pg-boss deletes jobs that have waited for too long; ours wait as long as it takes. */
const queueOptions = { partition: true, retentionSeconds: 10 * 365 * 24 * 3_600 } as const

export interface QueueOptions {
  readonly database: Database
  readonly queues: readonly string[]
  readonly log: Logger
}

/**
 * pg-boss, used as rows and statements inside our own transactions. Its own retries, expiry and polling workers are
 * not used: attempts and leases are the domain's, and a job is gone in the transaction that claims it. A job can't be
 * lost with its claimer: what it stood for says who holds it. pg-boss counts what waits and maintains its tables, so its
 * dashboard shows true figures.
 */
export class Queue {
  readonly #boss: PgBoss
  readonly #tables: ReadonlyMap<string, QueueTable>

  private constructor(boss: PgBoss, tables: ReadonlyMap<string, QueueTable>) {
    this.#boss = boss
    this.#tables = tables
  }

  /** Creates or migrates pg-boss's own tables, and the named queues, each with a table of its own. */
  static async start(options: QueueOptions): Promise<Queue> {
    const boss = await startBoss(options)
    const found = new Map((await boss.getQueues()).map((queue) => [queue.name, queue]))
    const shared = options.queues.filter((name) => found.get(name)?.partition === false)
    if (shared.length > 0) {
      await boss.stop({ graceful: false, close: false })
      for (const name of shared) await moveToOwnTable(options.database.pool, name, queueOptions)
      // pg-boss keeps in memory which table a queue has.
      return Queue.start(options)
    }
    for (const name of options.queues) if (!found.has(name)) await boss.createQueue(name, queueOptions)
    return new Queue(boss, await readTables(boss))
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
    return claimJobs(tx, this.#tableOf(queue), limit)
  }

  /** Which of these jobs wait in the queue no more: they were claimed, cancelled or deleted. */
  async findMissing(sql: Sql, queue: string, ids: readonly string[]): Promise<ReadonlySet<string>> {
    return ids.length === 0 ? new Set() : findMissingJobs(sql, this.#tableOf(queue), ids)
  }

  /** Whether a job of the queue is due; costs less than to claim it in vain. */
  async hasDue(sql: Sql, queue: string): Promise<boolean> {
    return hasDueJobs(sql, this.#tableOf(queue))
  }

  /** How many due jobs would be claimed before this one, at most `limit`; undefined when it waits in the queue no more. */
  async countBefore(sql: Sql, queue: string, id: string, limit: number): Promise<number | undefined> {
    return countJobsBefore(sql, this.#tableOf(queue), id, limit)
  }

  /** For how long each of up to `limit` due jobs has been due, in milliseconds, in the order in which they are claimed. */
  async readWaits(sql: Sql, queue: string, limit: number): Promise<number[]> {
    return readWaits(sql, this.#tableOf(queue), limit)
  }

  /** Adds so much to the turns of all jobs that wait in a queue. */
  async shiftTurns(tx: Transaction, queue: string, by: number): Promise<void> {
    await shiftTurns(tx, this.#tableOf(queue), by)
  }

  async stop(): Promise<void> {
    await this.#boss.stop({ graceful: false, close: false })
  }

  #tableOf(queue: string): QueueTable {
    const table = this.#tables.get(queue)
    if (table === undefined) throw new Error(`There is no queue ${queue}.`)
    return table
  }
}

async function startBoss({ database: { pool }, log }: QueueOptions): Promise<PgBoss> {
  const boss = new PgBoss({
    db: { executeSql: (text, values) => pool.query(text, values) },
    schema: 'pgboss',
    schedule: false,
    // Queue definitions don't change while we run.
    queueCacheIntervalSeconds: 3_600,
  })
  boss.on('error', (error) => log.error({ err: error }, 'the queue reported an error'))
  boss.on('warning', (warning) => log.debug({ warning }, 'the queue reported a warning'))
  await boss.start()
  return boss
}

async function readTables(boss: PgBoss): Promise<ReadonlyMap<string, QueueTable>> {
  return new Map((await boss.getQueues()).map(({ name, table }) => [name, { name, table }]))
}

function toInsert({ id, data, turn = 0, startAfter }: NewJob): JobInsert {
  return { id, data, priority: -turn, ...(startAfter && { startAfter }) }
}
