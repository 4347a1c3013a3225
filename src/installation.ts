import { StartupError } from '#lib/errors.ts'
import { migrate } from '#platform/database/migrate.ts'
import { startEmbeddedDatabase } from '#platform/embedded/embedded-database.ts'
import { prepareDataDir } from '#platform/system/data-directory.ts'
import type { Logger } from '#platform/telemetry/log.ts'
import type { Config } from './config.ts'

/** The data directory and the database of an installation, both ready for this version of the program. */
export interface Installation {
  readonly databaseUrl: string
  /** Which database it is, for people. */
  readonly database: string
  /** Stops the database, where it is our own. */
  close(): Promise<void>
}

export interface InstallationOptions {
  readonly log: Logger
  /** The database has gone away for good, so that nothing works any more. */
  readonly onFatal: (error: Error) => void
}

/**
 * Creates the data directory if there is none, starts the embedded database if no other is configured, and migrates it.
 * It imports little, so that the rest of the program is loaded while the database starts. @throws {StartupError}
 */
export async function openInstallation(config: Config, options: InstallationOptions): Promise<Installation> {
  await prepareDataDir(config.dataDir)
  const installation = await findDatabase(config, options)
  try {
    const { applied } = await migrate({ databaseUrl: installation.databaseUrl, log: options.log })
    if (applied.length > 0) options.log.info({ migrations: applied.length }, 'the database was migrated')
    return installation
  } catch (error) {
    await installation.close()
    throw error
  }
}

async function findDatabase(config: Config, { log, onFatal }: InstallationOptions): Promise<Installation> {
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
