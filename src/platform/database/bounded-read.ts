import { LRUCache } from 'lru-cache'
import type pg from 'pg'
import type { PooledConnections } from './pooled-connections.ts'

/** The statement had not ended when its time was over, and was broken off. */
export class StatementTooSlow extends Error {}

/** Reads by a statement that was put together for the occasion, and gives up after a while. @throws {StatementTooSlow} */
export type BoundedRead = <Row>(text: string, values: readonly unknown[], limitMs: number) => Promise<Row[]>

export interface Reader {
  readonly read: BoundedRead
  close(): Promise<void>
}

/** What a read may take for which nothing shorter is said, in milliseconds. */
export const readLimitMs = 10_000
/** How long this side waits before it takes the connection for dead. */
const silenceMs = 15_000
const cancelled = '57014'

/**
 * Opens connections for queries that callers compose themselves and that may take any time. They are few, and separate
 * from the others, so that expensive queries only wait for each other, and nothing else does. They only read; a
 * statement takes one processor, is planned for the values that it comes with, and is not compiled, which would take
 * longer than most statements do.
 */
export function openReader(options: { url: string; poolSize: number; connections: PooledConnections }): Reader {
  const pool = options.connections.openPool({
    connectionString: options.url,
    max: options.poolSize,
    connectionTimeoutMillis: 10_000,
    idleTimeoutMillis: 60_000,
    application_name: 'signalbox reads',
    pipeline: true,
    statement_timeout: readLimitMs,
    query_timeout: silenceMs,
    options: [
      'default_transaction_read_only=on',
      'jit=off',
      'max_parallel_workers_per_gather=0',
      'plan_cache_mode=force_custom_plan',
    ]
      .map((setting) => `-c ${setting}`)
      .join(' '),
  })
  const names = new FrequentStatements()
  return {
    async read<Row>(text: string, values: readonly unknown[], limitMs: number) {
      const query = { ...names.nameOf(text), text, values: [...values] }
      try {
        const result = await (limitMs < readLimitMs ? readWithin(pool, query, limitMs) : pool.query(query))
        return result.rows as Row[]
      } catch (error) {
        if ((error as { code?: string }).code !== cancelled) throw error
        throw new StatementTooSlow(`The statement took more than ${limitMs} ms.`, { cause: error })
      }
    },
    close: () => pool.end(),
  }
}

/** Names under which statements are kept prepared that come again and again; a few, since nobody says which there are. */
class FrequentStatements {
  static readonly #most = 100
  static readonly #isFrequent = 3
  readonly #seen = new LRUCache<string, number>({ max: 500 })
  readonly #names = new Map<string, string>()

  nameOf(text: string): { name?: string } {
    const known = this.#names.get(text)
    if (known !== undefined) return { name: known }
    const times = (this.#seen.get(text) ?? 0) + 1
    this.#seen.set(text, times)
    if (times < FrequentStatements.#isFrequent || this.#names.size >= FrequentStatements.#most) return {}
    const name = `read${this.#names.size}`
    this.#names.set(text, name)
    return { name }
  }
}

async function readWithin(pool: pg.Pool, query: pg.QueryConfig, limitMs: number): Promise<pg.QueryResult> {
  const client = await pool.connect()
  let broken: Error | undefined
  try {
    // The connection is pipelined: all three go out together.
    const [, result] = await Promise.all([
      client.query(`BEGIN; SET LOCAL statement_timeout = ${Math.ceil(limitMs)}`),
      client.query(query),
      client.query('COMMIT'),
    ])
    return result
  } catch (error) {
    broken = await comeToRest(client)
    throw error
  } finally {
    client.release(broken)
  }
}

/** Waits until the connection has come to rest; what is returned says that it is of no more use. */
async function comeToRest(client: pg.PoolClient): Promise<Error | undefined> {
  try {
    await client.query('ROLLBACK')
    return undefined
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}
