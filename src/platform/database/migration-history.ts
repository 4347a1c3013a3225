import type pg from 'pg'
import { StartupError } from '#lib/errors.ts'
import type { Migration } from './migration-folder.ts'

/** What the database's own record says of each migration, beside the program's. Names, oldest first. */
export interface MigrationState {
  readonly applied: readonly string[]
  /** In the program, and not yet in the database. */
  readonly pending: readonly string[]
  /** In the database, and not in the program. */
  readonly unknown: readonly string[]
}

interface HistoryRow {
  readonly name: string
  readonly finished: boolean
  readonly logs: string | null
}

interface History extends MigrationState {
  /** Begun and never finished, by the ordinary `prisma migrate`. */
  readonly failed: readonly HistoryRow[]
}

/** Reads Prisma's record of migrations, the table `_prisma_migrations`; nothing is applied where it is missing. */
export async function readHistory(client: pg.ClientBase, known: readonly Migration[]): Promise<History> {
  const rows = await readRows(client)
  const applied = rows.filter((row) => row.finished).map((row) => row.name)
  const names = known.map((migration) => migration.name)
  return {
    applied: applied.filter((name) => names.includes(name)),
    pending: names.filter((name) => !applied.includes(name)),
    unknown: applied.filter((name) => !names.includes(name)),
    failed: rows.filter((row) => !row.finished),
  }
}

/** @throws {StartupError} when the database holds what this program can't go on from. */
export function refuseForeignHistory({ unknown, failed }: History): void {
  if (unknown.length > 0) {
    throw new StartupError(
      `The database is newer than the program, which doesn't know ${unknown.join(', ')}. ` +
        'Start the newer program, or restore a backup from before.',
    )
  }
  const [first] = failed
  if (first !== undefined) throw failedEarlier(first)
}

function failedEarlier({ name, logs }: HistoryRow): StartupError {
  const reason = logs?.split('\n').find((line) => line.trim() !== '')
  return new StartupError(
    `The migration ${name} failed earlier, when it was run with another tool${reason === undefined ? '' : ` (${reason.trim()})`}. ` +
      'Undo by hand what it has changed, have it forgotten with ' +
      `UPDATE _prisma_migrations SET rolled_back_at = now() WHERE migration_name = '${name}' AND finished_at IS NULL, and start again.`,
  )
}

async function readRows(client: pg.ClientBase): Promise<HistoryRow[]> {
  const { rows } = await client.query<{ found: boolean }>(
    `SELECT to_regclass('_prisma_migrations') IS NOT NULL AS found`,
  )
  if (rows[0]?.found !== true) return []
  const history = await client.query<HistoryRow>(
    `SELECT migration_name AS name, finished_at IS NOT NULL AS finished, logs
       FROM _prisma_migrations WHERE rolled_back_at IS NULL ORDER BY started_at, migration_name`,
  )
  return history.rows
}
