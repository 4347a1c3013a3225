import type { SecretsReport } from '#cli/server-commands.ts'
import { createTransact } from '#platform/database/transaction.ts'
import { reencryptTarget } from '#platform/secrets/rotation-target.ts'
import { findSecretKey } from '#platform/secrets/secret-key.ts'
import { rotationTargets } from './encrypted-columns.ts'
import { withInstallationDatabase } from './installation-database.ts'

/**
 * Seals everything with the present key that an older one has sealed. It may run beside servers that know both keys, be
 * cut short at any time, and be run again. @throws {CommandFailure} with a sentence for the operator.
 */
export function rotateSecrets(): Promise<SecretsReport> {
  return withInstallationDatabase(async (database, { secretKey, previousSecretKeys, dataDir }) => {
    const targets = rotationTargets(await findSecretKey(secretKey, dataDir), previousSecretKeys)
    const transact = createTransact(database.pool, () => {})
    const report = []
    for (const target of targets) {
      const { renewed } = await reencryptTarget(transact, target)
      report.push({ name: target.name, renewed, remaining: await target.countOld(database) })
    }
    return { places: report, remaining: report.reduce((sum, { remaining }) => sum + remaining, 0) }
  })
}
