import { CommandFailure } from '#cli/exit-codes.ts'
import { StartupError } from '#lib/errors.ts'
import { migrate } from '#platform/database/migrate.ts'
import { startEmbeddedDatabase } from '#platform/embedded/embedded-database.ts'
import { prepareDataDir } from '#platform/system/data-directory.ts'
import { createLog, type Logger } from '#platform/telemetry/log.ts'
import { type Config, readConfig } from './config.ts'

/**
 * Brings the configured database up to date, without a server; the embedded one is started for it, and stopped.
 * @throws {CommandFailure} with a sentence for the operator.
 */
export async function migrateDatabase(): Promise<{ database: string; applied: string[] }> {
  try {
    const config = readConfig(process.env, { workingDirectory: process.cwd(), isTerminal: process.stdout.isTTY })
    const log = createLog({ level: 'silent', format: 'json' })
    if (config.databaseUrl === undefined) return await migrateEmbedded(config, log)
    return { database: 'at DATABASE_URL', ...(await migrate({ databaseUrl: config.databaseUrl, log })) }
  } catch (error) {
    if (error instanceof StartupError) throw new CommandFailure(error.message, 1, { cause: error })
    throw error
  }
}

async function migrateEmbedded({ dataDir }: Config, log: Logger) {
  await prepareDataDir(dataDir)
  const embedded = await startEmbeddedDatabase({ dataDir, log })
  try {
    const database = `embedded PostgreSQL ${embedded.version} in ${dataDir}`
    return { database, ...(await migrate({ databaseUrl: embedded.url, log })) }
  } finally {
    await embedded.stop()
  }
}
