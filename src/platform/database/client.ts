import { PrismaPg } from '@prisma/adapter-pg'
import pg from 'pg'
import { holdWriterLockSql } from '#platform/journal/horizon.ts'
import { PrismaClient } from './generated/client.ts'
import { type Sql, statementOf } from './sql.ts'

/** This process's way to the database: one pool, seen as SQL for writes and as Prisma for reads. */
export interface Database extends Sql {
  readonly pool: pg.Pool
  readonly prisma: PrismaClient
  /** Ends the pool; statements under way finish first. */
  close(): Promise<void>
}

/** Limits that no statement or transaction of ours may pass, in milliseconds. */
const sessionLimits = { statement_timeout: 30_000, idle_in_transaction_session_timeout: 30_000, lock_timeout: 15_000 }

/**
 * How long this side waits for an answer, in milliseconds: longer than the limits above let the database take, so that
 * what passes it is a connection on which nobody answers any more. It is then given up.
 */
const silenceMs = 45_000

/** Opens a pool of up to `poolSize` connections; none is made before the first statement. */
export function openDatabase(options: { url: string; poolSize: number; onError: (error: Error) => void }): Database {
  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.poolSize,
    connectionTimeoutMillis: 10_000,
    idleTimeoutMillis: 60_000,
    application_name: 'signalbox',
    pipeline: true,
    ...sessionLimits,
    query_timeout: silenceMs,
    onConnect: (client) => client.query(holdWriterLockSql),
  })
  // A connection that breaks is replaced by the next statement. Without listeners it would end the process: the pool
  // hears of idle ones only, and a transaction's own may break between two statements.
  pool.on('error', options.onError)
  pool.on('connect', (client) => client.on('error', options.onError))
  const prisma = new PrismaClient({ adapter: new PrismaPg(pool), log: [] })
  return {
    pool,
    prisma,
    async query<Row>(text: string, values: readonly unknown[] = []) {
      const result = await pool.query({ name: statementOf(text).name, text, values: [...values] })
      return result.rows as Row[]
    },
    async script(text) {
      await pool.query(text)
    },
    async close() {
      await prisma.$disconnect()
      await pool.end()
    },
  }
}
