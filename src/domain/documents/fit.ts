import type { Sql } from '#platform/database/sql.ts'
import { DocumentsDontFit, SchemaViolation, type UnfitDocument } from './errors.ts'
import type { CheckData } from './schema.ts'
import { type FullPath, type HeldDocument, readHeld } from './store/collections.ts'

/** Documents looked at in one step. */
const stepSize = 200
/** How many are told that don't fit. */
const mostTold = 100

/** @throws {DocumentsDontFit} when documents of the collection are refused. */
export function checkFit(sql: Sql, full: FullPath, check: CheckData): Promise<void> {
  return checkFitSince(sql, full, check, new Date(0))
}

/** As {@link checkFit}, of documents that were written at this time or later. */
export async function checkFitSince(sql: Sql, full: FullPath, check: CheckData, since: Date): Promise<void> {
  const unfit: UnfitDocument[] = []
  for (let after = ''; ; ) {
    const documents = await readHeld(sql, full, { since, after, limit: stepSize })
    for (const document of documents) unfit.push(...faultsOf(document, check))
    if (unfit.length > mostTold) throw new DocumentsDontFit(full.path, unfit.slice(0, mostTold), true)
    const last = documents.at(-1)
    if (last === undefined || documents.length < stepSize) break
    after = last.key
  }
  if (unfit.length > 0) throw new DocumentsDontFit(full.path, unfit, false)
}

function faultsOf({ key, version, ...value }: HeldDocument, check: CheckData): UnfitDocument[] {
  try {
    check(value)
    return []
  } catch (error) {
    if (!(error instanceof SchemaViolation)) throw error
    return [{ key, version, path: error.path, reason: error.reason }]
  }
}
