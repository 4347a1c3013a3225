import type { Transaction } from '@prisma/driver-adapter-utils'
import type pg from 'pg'
import { errorMessage, StartupError } from '#lib/errors.ts'
import type { Logger } from '#platform/telemetry/log.ts'
import { connectForStartup } from './connect.ts'
import { type Migration, ownMigrationsDir, readMigrations } from './migration-folder.ts'
import { type MigrationState, readHistory, refuseForeignHistory } from './migration-history.ts'
import { applySessionSettings } from './session-settings.ts'

export type { MigrationState } from './migration-history.ts'

export interface MigrateOptions {
  readonly databaseUrl: string
  readonly log: Logger
  /** Folder of Prisma migrations; the program's own by default. */
  readonly migrationsDir?: string
  /** How long to wait for another process that is migrating; 60,000 by default. */
  readonly lockTimeoutMs?: number
}

/** This program's advisory lock for migrating; other numbers are other locks. */
const migrationLock = 0x5b0c_0001
const applicationName = 'signalbox migrate'

/**
 * Brings the database's tables to what this program needs, and names the migrations that it applied, oldest first.
 * Each migration is one transaction together with its record, so one that fails leaves nothing behind and is tried again
 * at the next start; what can't run in a transaction (`CREATE INDEX CONCURRENTLY`) can't be in one. Several processes may
 * call at once: one migrates, the others wait.
 * @throws {StartupError} when the database can't be reached or used, is newer than the program, or a migration fails.
 */
export async function migrate(options: MigrateOptions): Promise<{ applied: string[] }> {
  const known = await readMigrations(options.migrationsDir ?? ownMigrationsDir)
  const client = await connectForStartup(options.databaseUrl, applicationName)
  try {
    if ((await findPending(client, known)).pending.length === 0) return { applied: [] }
    await lock(client, options.lockTimeoutMs ?? 60_000)
    // Another process may have done it meanwhile.
    const state = await findPending(client, known)
    await applyAll(options, known, state)
    return { applied: [...state.pending] }
  } finally {
    // Its lock goes with the connection.
    await client.end()
  }
}

/** Compares the database's record of migrations with the program's; changes nothing. @throws {StartupError} when it can't be reached. */
export async function pendingMigrations(
  options: Pick<MigrateOptions, 'databaseUrl' | 'migrationsDir'>,
): Promise<MigrationState> {
  const known = await readMigrations(options.migrationsDir ?? ownMigrationsDir)
  const client = await connectForStartup(options.databaseUrl, applicationName)
  try {
    const { applied, pending, unknown } = await readHistory(client, known)
    return { applied, pending, unknown }
  } finally {
    await client.end()
  }
}

async function findPending(client: pg.Client, known: readonly Migration[]): Promise<MigrationState> {
  const history = await readHistory(client, known)
  refuseForeignHistory(history)
  return history
}

async function lock(client: pg.Client, timeoutMs: number): Promise<void> {
  try {
    await client.query(`SET lock_timeout = ${Math.ceil(timeoutMs)}`)
    await client.query('SELECT pg_advisory_lock($1)', [migrationLock])
  } catch (error) {
    if ((error as { code?: string }).code !== '55P03') throw error
    throw new StartupError(
      `Another Signalbox process has been migrating the database for more than ${timeoutMs / 1000} seconds. ` +
        'Wait until it has finished, and start again.',
      { cause: error },
    )
  }
}

async function applyAll(options: MigrateOptions, known: readonly Migration[], state: MigrationState): Promise<void> {
  if (state.pending.length === 0) return
  // Loaded only here: an ordinary start has nothing to apply.
  const { PrismaPg } = await import('@prisma/adapter-pg')
  const factory = new PrismaPg({
    connectionString: options.databaseUrl,
    application_name: applicationName,
    max: 1,
    onConnect: applySessionSettings,
  })
  const connection = await factory.connect()
  try {
    const done = new Set(state.applied)
    for (const name of state.pending) {
      done.add(name)
      const migrations = known.filter((migration) => done.has(migration.name))
      await applyOne(await connection.startTransaction(), name, migrations)
      options.log.debug({ migration: name }, 'applied a migration')
    }
  } finally {
    await connection.dispose()
  }
}

async function applyOne(transaction: Transaction, name: string, migrations: readonly Migration[]): Promise<void> {
  const { applyMigrations } = await import('./schema-engine.ts')
  try {
    await applyMigrations(transaction, migrations)
    await transaction.executeRaw({ sql: 'COMMIT', args: [], argTypes: [] })
  } catch (error) {
    await transaction.executeRaw({ sql: 'ROLLBACK', args: [], argTypes: [] }).catch(() => undefined)
    throw migrationFailed(name, error)
  } finally {
    // Only gives the connection back: the adapter leaves the statements that end a transaction to its user.
    await transaction.commit()
  }
}

function migrationFailed(name: string, error: unknown): StartupError {
  if ((error as { code?: string }).code === 'P3005') {
    return new StartupError(
      'The database already contains tables that do not belong to Signalbox. Set DATABASE_URL to a database of its own.',
      { cause: error },
    )
  }
  return new StartupError(
    `The migration ${name} failed and was undone: ${reasonOf(error)}. The database is as it was before it; ` +
      'remove the cause, and start again.',
    { cause: error },
  )
}

/** PostgreSQL's own message, which Prisma's adapter keeps in the error's cause. */
function reasonOf(error: unknown): string {
  const { cause } = error as { cause?: { originalMessage?: string; originalCode?: string } }
  if (cause?.originalMessage === undefined) return errorMessage(error).split('\n')[0] ?? ''
  return cause.originalCode === undefined ? cause.originalMessage : `${cause.originalMessage} (${cause.originalCode})`
}
