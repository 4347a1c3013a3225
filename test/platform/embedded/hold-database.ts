/** A server process for tests to kill: starts the embedded database, prints its URL, and holds it until it is ended. */
import { startEmbeddedDatabase } from '#platform/embedded/embedded-database.ts'
import { createLog } from '#platform/telemetry/log.ts'

const [dataDir = '', sharedPlace = ''] = process.argv.slice(2)

try {
  const log = createLog({ level: 'silent', format: 'json' })
  const database = await startEmbeddedDatabase({ dataDir, log, sharedPlaces: [sharedPlace] })
  process.stdout.write(`${database.url}\n`)
  process.on('SIGTERM', () => void database.stop())
} catch (error) {
  process.stdout.write(`${(error as Error).message}\n`)
  process.exitCode = 1
}
