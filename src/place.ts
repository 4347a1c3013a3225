import { StartupError } from '#lib/errors.ts'
import { startEmbeddedDatabase } from '#platform/database/embedded.ts'
import { migrate } from '#platform/database/migrate.ts'
import { prepareDataDir } from '#platform/installation.ts'
import type { Logger } from '#platform/telemetry/log.ts'
import type { Config } from './config.ts'

/** Where an installation keeps what it knows: its data directory and its database, both ready for this program. */
export interface Place {
  readonly databaseUrl: string
  /** Which database it is, for people. */
  readonly database: string
  /** Stops the database, where it is our own. */
  close(): Promise<void>
}

export interface PlaceOptions {
  readonly log: Logger
  /** The database has gone away for good, so that nothing works any more. */
  readonly onFatal: (error: Error) => void
}

/**
 * Makes or finds the data directory, starts the database where none is configured, and migrates it. It imports little, so
 * that the rest of the program is loaded while the database starts. @throws {StartupError}
 */
export async function openPlace(config: Config, options: PlaceOptions): Promise<Place> {
  await prepareDataDir(config.dataDir)
  const place = await findDatabase(config, options)
  try {
    const { applied } = await migrate({ databaseUrl: place.databaseUrl, log: options.log })
    if (applied.length > 0) options.log.info({ migrations: applied.length }, 'the database was migrated')
    return place
  } catch (error) {
    await place.close()
    throw error
  }
}

async function findDatabase(config: Config, { log, onFatal }: PlaceOptions): Promise<Place> {
  if (config.databaseUrl !== undefined)
    return { databaseUrl: config.databaseUrl, database: 'external PostgreSQL', close: async () => {} }
  const embedded = await startEmbeddedDatabase({
    dataDir: config.dataDir,
    log,
    onExit: (reason) => onFatal(new StartupError(reason)),
  })
  const database = `embedded PostgreSQL ${embedded.version}`
  return { databaseUrl: embedded.url, database, close: () => embedded.stop() }
}
