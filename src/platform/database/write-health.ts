import { errorMessage } from '#lib/errors.ts'
import type { Logger } from '#platform/telemetry/log.ts'
import type { Sql } from './sql.ts'

/** SQLSTATEs of a database that can't write at all: no room on its disk, a read-only server, a failing disk. */
const unwritable = new Set(['53100', '25006', '58030'])

const probeIntervalMs = 2_000

/**
 * New files for table and index, and half a megabyte in them: rows that fit into pages that are there already are written
 * even to a full disk. Several statements in one message are one transaction.
 */
const probe = `
  TRUNCATE write_probe;
  INSERT INTO write_probe (id, filler) SELECT id, repeat('x', 7000) FROM generate_series(1, 64) AS id;
  TRUNCATE write_probe`

export interface WriteHealthOptions {
  readonly sql: Pick<Sql, 'script'>
  readonly log: Logger
  /** How often writing is tried while it fails, in milliseconds. Default: 2,000. */
  readonly intervalMs?: number
}

/**
 * Whether the database takes writes. It is believed to until a write fails for want of that; from then on a small write is
 * tried until one passes, since others may pass by chance. Costs nothing while all is well.
 */
export class WriteHealth {
  readonly #options: WriteHealthOptions
  #timer: NodeJS.Timeout | undefined
  #isStopped = false
  #probing: Promise<void> | undefined

  constructor(options: WriteHealthOptions) {
    this.#options = options
  }

  get canWrite(): boolean {
    return this.#timer === undefined
  }

  /** Notes why a write has failed; only failures of the database as a whole count. */
  failed(error: unknown): void {
    const { code } = (error ?? {}) as { code?: unknown }
    if (this.#isStopped || this.#timer !== undefined || typeof code !== 'string' || !unwritable.has(code)) return
    this.#options.log.warn(
      { reason: errorMessage(error) },
      'the database does not accept writes; this server is not ready',
    )
    this.#timer = setInterval(() => {
      this.#probing ??= this.#probe()
    }, this.#options.intervalMs ?? probeIntervalMs)
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    clearInterval(this.#timer)
    await this.#probing
  }

  async #probe(): Promise<void> {
    try {
      await this.#options.sql.script(probe)
      clearInterval(this.#timer)
      this.#timer = undefined
      this.#options.log.info('the database accepts writes again')
    } catch (error) {
      this.#options.log.debug({ err: error }, 'the database still can not write')
    } finally {
      this.#probing = undefined
    }
  }
}
