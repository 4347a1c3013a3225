import type { SecretsReport } from '#cli/server-commands.ts'
import { createTransact } from '#platform/database/transaction.ts'
import { renewPlace } from '#platform/secrets/sealed-place.ts'
import { findSecretKey } from '#platform/secrets/secret-key.ts'
import { withInstallationDatabase } from './installation-database.ts'
import { sealedPlaces } from './sealed.ts'

/**
 * Seals everything with the present key that an older one has sealed. It may run beside servers that know both keys, be
 * cut short at any time, and be run again. @throws {CommandFailure} with a sentence for the operator.
 */
export function rotateSecrets(): Promise<SecretsReport> {
  return withInstallationDatabase(async (database, { secretKey, previousSecretKeys, dataDir }) => {
    const places = sealedPlaces(await findSecretKey(secretKey, dataDir), previousSecretKeys)
    const transact = createTransact(database.pool, () => {})
    const report = []
    for (const place of places) {
      const { renewed } = await renewPlace(transact, place)
      report.push({ name: place.name, renewed, remaining: await place.countOld(database) })
    }
    return { places: report, remaining: report.reduce((sum, { remaining }) => sum + remaining, 0) }
  })
}
