import { CommandFailure } from '#cli/exit-codes.ts'
import { StartupError } from '#lib/errors.ts'
import { type Database, openDatabase } from '#platform/database/client.ts'
import { pendingMigrations } from '#platform/database/migrate.ts'
import { startEmbeddedDatabase } from '#platform/embedded/embedded-database.ts'
import { createLog } from '#platform/telemetry/log.ts'
import { readEmbeddedState } from '#src/doctor/embedded.ts'
import { type Config, readConfig } from './config.ts'

/**
 * Does the work of a command with the installation's own database, beside running servers or without any; the embedded
 * database is started for it where no server has. @throws {CommandFailure} with a sentence for the operator.
 */
export async function withInstallationDatabase<Result>(
  work: (database: Database, config: Config) => Promise<Result>,
): Promise<Result> {
  try {
    const config = readConfig(process.env, { workingDirectory: process.cwd(), isTerminal: process.stdout.isTTY })
    const place = await findDatabase(config)
    try {
      return await workAt(place.url, config, work)
    } finally {
      await place.close()
    }
  } catch (error) {
    if (error instanceof StartupError) throw new CommandFailure(error.message, 1, { cause: error })
    throw error
  }
}

/** The embedded database of a server that runs, or one that is started for this. */
async function findDatabase({ databaseUrl, dataDir }: Config): Promise<{ url: string; close: () => Promise<void> }> {
  const close = async () => {}
  if (databaseUrl !== undefined) return { url: databaseUrl, close }
  const { clusterDir, holder, url } = await readEmbeddedState(dataDir)
  if (clusterDir === undefined) throw new StartupError(`There is no database in ${dataDir} yet.`)
  if (holder !== undefined && url !== undefined) return { url, close }
  const embedded = await startEmbeddedDatabase({ dataDir, log: createLog({ level: 'silent', format: 'json' }) })
  return { url: embedded.url, close: () => embedded.stop() }
}

async function workAt<Result>(
  url: string,
  config: Config,
  work: (database: Database, config: Config) => Promise<Result>,
): Promise<Result> {
  if ((await pendingMigrations({ databaseUrl: url })).pending.length > 0)
    throw new StartupError('The database is older than this program: run `migrate` first, or start the server.')
  const database = openDatabase({ url, poolSize: 2, onError: () => {} })
  try {
    return await work(database, config)
  } finally {
    await database.close()
  }
}
