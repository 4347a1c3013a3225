import type pg from 'pg'

/** The statement had not ended when its time was over, and was broken off. */
export class StatementTooSlow extends Error {}

/** Reads by a statement that was put together for the occasion, and gives up after a while. @throws {StatementTooSlow} */
export type BoundedRead = <Row>(text: string, values: readonly unknown[], limitMs: number) => Promise<Row[]>

const cancelled = '57014'

/**
 * Makes the function that reads by statements of which there is no end: they are kept prepared nowhere, and are planned
 * for the values that they come with. Each takes one processor at most.
 */
export function createBoundedRead(pool: pg.Pool): BoundedRead {
  return async <Row>(text: string, values: readonly unknown[], limitMs: number) => {
    const client = await pool.connect()
    let broken: Error | undefined
    try {
      // The connection is pipelined: all three go out together.
      const [, result] = await Promise.all([
        client.query(`BEGIN READ ONLY; SET LOCAL statement_timeout = ${Math.ceil(limitMs)}; ${settings}`),
        client.query({ text, values: [...values] }),
        client.query('COMMIT'),
      ])
      return result.rows as Row[]
    } catch (error) {
      broken = await ended(client)
      if ((error as { code?: string }).code === cancelled)
        throw new StatementTooSlow(`The statement took more than ${limitMs} ms.`, { cause: error })
      throw error
    } finally {
      client.release(broken)
    }
  }
}

/** Compiling a statement takes longer than most take to run. */
const settings = 'SET LOCAL jit = off; SET LOCAL max_parallel_workers_per_gather = 0'

/** Waits until the connection has come to rest; what is returned says that it is of no more use. */
async function ended(client: pg.PoolClient): Promise<Error | undefined> {
  try {
    await client.query('ROLLBACK')
    return undefined
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}
