import type { RepairReport } from '#cli/server-commands.ts'
import { repairDocument } from '#domain/documents/repair.ts'
import { type DocumentBehind, documentsBehind } from '#domain/documents/store/repair.ts'
import { createTransact, type Transact } from '#platform/database/transaction.ts'
import type { By } from '#platform/journal/entry.ts'
import { addPartitions } from '#platform/journal/partitions.ts'
import { withInstallationDatabase } from './installation-database.ts'
import { operator } from './operator.ts'

export interface RepairRequest {
  /** Find what would be repaired, and change nothing. */
  readonly dryRun: boolean
  readonly keepCurrent: boolean
}

/**
 * Repairs documents that are behind their newest version, each in a transaction of its own with an entry of the audit log.
 * It may run beside servers, be cut short at any time, and be run again. @throws {CommandFailure}
 */
export function repairDocuments({ dryRun, keepCurrent }: RepairRequest): Promise<RepairReport> {
  return withInstallationDatabase(async (database) => {
    const transact = createTransact(database.pool, () => {})
    if (!dryRun) await addPartitions(database, transact)
    const options = { keepCurrent, by: operator('doc repair') }
    let examined = 0
    const documents: RepairReport['documents'][number][] = []
    for await (const page of documentsBehind(database)) {
      examined += page.examined
      for (const one of page.behind) documents.push(...(await repairOne(transact, one, dryRun ? undefined : options)))
    }
    return { examined, documents }
  })
}

async function repairOne(
  transact: Transact,
  { accountId, collection, key, version, newestVersion }: DocumentBehind,
  options: { readonly keepCurrent: boolean; readonly by: By } | undefined,
): Promise<RepairReport['documents']> {
  const found = { accountId, collection, key, version, newestVersion }
  if (options === undefined) return [found]
  const repaired = await repairDocument(transact, { accountId, collection, key }, options)
  return repaired === undefined ? [] : [{ ...found, repairedVersion: repaired.to, repairedWith: repaired.with }]
}
