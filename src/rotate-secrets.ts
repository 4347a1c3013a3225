import { CommandFailure } from '#cli/exit-codes.ts'
import type { SecretsReport } from '#cli/server-commands.ts'
import { StartupError } from '#lib/errors.ts'
import { openDatabase } from '#platform/database/client.ts'
import { startEmbeddedDatabase } from '#platform/database/embedded.ts'
import { pendingMigrations } from '#platform/database/migrate.ts'
import { createTransact } from '#platform/database/transaction.ts'
import { renewPlace } from '#platform/secrets/sealed-place.ts'
import { findSecretKey } from '#platform/secrets/secret-key.ts'
import { createLog } from '#platform/telemetry/log.ts'
import { readEmbeddedState } from '#src/doctor/embedded.ts'
import { type Config, readConfig } from './config.ts'
import { sealedPlaces } from './sealed.ts'

/**
 * Seals everything with the present key that an older one has sealed. It may run beside servers that know both keys, be
 * cut short at any time, and be run again. @throws {CommandFailure} with a sentence for the operator.
 */
export async function rotateSecrets(): Promise<SecretsReport> {
  try {
    const config = readConfig(process.env, { workingDirectory: process.cwd(), isTerminal: process.stdout.isTTY })
    const database = await findDatabase(config)
    try {
      return await rotate(config, database.url)
    } finally {
      await database.close()
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
  if (clusterDir === undefined) throw new StartupError(`There is no database in ${dataDir} yet, and so no secret.`)
  if (holder !== undefined && url !== undefined) return { url, close }
  const embedded = await startEmbeddedDatabase({ dataDir, log: createLog({ level: 'silent', format: 'json' }) })
  return { url: embedded.url, close: () => embedded.stop() }
}

async function rotate({ secretKey, previousSecretKeys, dataDir }: Config, url: string): Promise<SecretsReport> {
  if ((await pendingMigrations({ databaseUrl: url })).pending.length > 0)
    throw new StartupError('The database is older than this program: run `migrate` first, or start the server.')
  const places = sealedPlaces(await findSecretKey(secretKey, dataDir), previousSecretKeys)
  const database = openDatabase({ url, poolSize: 2, onError: () => {} })
  try {
    const transact = createTransact(database.pool, () => {})
    const report = []
    for (const place of places) {
      const { renewed } = await renewPlace(transact, place)
      report.push({ name: place.name, renewed, remaining: await place.countOld(database) })
    }
    return { places: report, remaining: report.reduce((sum, { remaining }) => sum + remaining, 0) }
  } finally {
    await database.close()
  }
}
