import pg from 'pg'
import { errorMessage } from '#lib/errors.ts'
import { applySessionSettings } from '#platform/database/session-settings.ts'
import { type Sql, statementOf } from '#platform/database/sql.ts'
import type { Logger } from '#platform/telemetry/log.ts'
import { startLoop } from '#platform/work/work-loop.ts'
import { type WantedIndex, wantedIndexes } from './declared-index.ts'
import { type IndexPlan, planIndexes } from './plan.ts'
import {
  creatingDdl,
  creatingStatisticsDdl,
  droppingDdl,
  droppingStatisticsDdl,
  forgetFailuresBut,
  noteFailure,
  readBuiltIndexes,
  readDeclarations,
  readFailures,
  readStatistics,
} from './store.ts'

const intervalMs = 2_000
/** Says, among all processes, who builds. */
const lockKey = 7_310_441

export interface IndexKeeperOptions {
  readonly sql: Sql
  /** Building has a connection of its own, without limits of time. */
  readonly url: string
  readonly log: Logger
}

/**
 * Builds the indexes that collections declare, and drops those that they don't, while documents are read and written;
 * one at a time, in one process at a time. If a process leaves a build unfinished, the next one starts it again.
 */
export class IndexKeeper {
  readonly #sql: Sql
  readonly #url: string
  readonly #log: Logger
  readonly #periodic: { stop(): Promise<void> }
  #client: pg.Client | undefined
  #isStopped = false

  constructor({ sql, url, log }: IndexKeeperOptions) {
    this.#sql = sql
    this.#url = url
    this.#log = log
    this.#periodic = startLoop({ name: 'document indexes', intervalMs, log, work: () => this.#keep() })
  }

  /** Stops at once; what is being built is left to the database, which may well finish it. */
  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#client?.end().catch(() => undefined)
    await this.#periodic.stop()
  }

  async #keep(): Promise<void> {
    const { drop, create } = await readPlan(this.#sql)
    if (drop.length + create.length === 0 || this.#isStopped) return
    const client = new pg.Client({
      connectionString: this.#url,
      application_name: 'signalbox indexes',
      // While an index is built nothing is said here for minutes: TCP finds out when nobody is there any more.
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
      connectionTimeoutMillis: 10_000,
    })
    // A connection that breaks fails its statements, which is all that has to be known.
    client.on('error', () => undefined)
    this.#client = client
    try {
      await client.connect()
      await applySessionSettings(client)
      await this.#build(asSql(client))
    } catch (error) {
      if (!this.#isStopped) throw error
    } finally {
      this.#client = undefined
      await client.end().catch(() => undefined)
    }
  }

  async #build(sql: Sql): Promise<void> {
    const [alone] = await sql.query<{ is: boolean }>(aloneSql, [lockKey])
    if (alone?.is !== true) return
    // Another process may have been at it until a moment ago.
    const { drop, create } = await readPlan(sql)
    for (const name of drop) await sql.script(await droppingDdl(sql, name))
    for (const index of create) await this.#create(sql, index)
    await keepStatistics(sql)
    // Only then the planner knows how the values are spread.
    if (create.length > 0) await sql.script('ANALYZE document')
    await forgetFailuresBut(sql, (await readPlan(sql)).missing)
  }

  async #create(sql: Sql, index: WantedIndex): Promise<void> {
    try {
      await sql.script(await creatingDdl(sql, index))
      this.#log.info({ index: index.name, collection: index.collection }, 'a declared index is built')
    } catch (error) {
      if (this.#isStopped) throw error
      this.#log.warn({ err: error, index: index.name }, 'a declared index could not be built')
      await noteFailure(sql, index.name, errorMessage(error))
    }
  }
}

const aloneSql = 'SELECT pg_try_advisory_lock($1) AS is'

/** Makes what the planner has to know of all values that are wanted, and drops the rest. */
async function keepStatistics(sql: Sql): Promise<void> {
  const wanted = wantedIndexes(await readDeclarations(sql)).filter(({ statistics }) => statistics !== undefined)
  const known = await readStatistics(sql)
  for (const index of new Map(wanted.map((one) => [one.statistics, one])).values())
    if (!known.includes(index.statistics ?? '')) await sql.script(await creatingStatisticsDdl(sql, index))
  for (const name of known)
    if (!wanted.some(({ statistics }) => statistics === name)) await sql.script(await droppingStatisticsDdl(sql, name))
}

async function readPlan(sql: Sql): Promise<IndexPlan> {
  const wanted = wantedIndexes(await readDeclarations(sql))
  return planIndexes(wanted, await readBuiltIndexes(sql), await readFailures(sql), new Date())
}

function asSql(client: pg.Client): Sql {
  return {
    async query<Row>(text: string, values: readonly unknown[] = []) {
      const result = await client.query({ name: statementOf(text).name, text, values: [...values] })
      return result.rows as Row[]
    },
    async script(text) {
      await client.query(text)
    },
  }
}
