import { PrismaPg } from '@prisma/adapter-pg'
import type pg from 'pg'
import { holdWriterLockSql } from '#platform/journal/horizon.ts'
import { PrismaClient } from './generated/client.ts'
import { PooledConnections } from './pooled-connections.ts'
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
const silenceMs = 32_000
/** After how long the database gives up a connection whose machine can't be reached, unless others are given. */
const patienceMs = 40_000

/** Opens a pool of up to `poolSize` connections; none is opened before the first statement. */
export function openDatabase(options: {
  url: string
  poolSize: number
  onError: (error: Error) => void
  connections?: PooledConnections
}): Database {
  const { onError, connections = new PooledConnections({ patienceMs, onError }) } = options
  const pool = connections.openPool({
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
