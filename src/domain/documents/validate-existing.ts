import type { Sql } from '#platform/database/sql.ts'
import type { FullPath } from './collection.ts'
import { ExistingDocumentsInvalid, SchemaViolation, type UnfitDocument } from './errors.ts'
import type { PreparedSchema, SchemaChecks } from './schemas/schema-checker.ts'
import { type HeldDocument, readHeld } from './store/collections.ts'

/** How many documents are read at a time. */
const stepSize = 200
/** How many invalid documents are reported. */
const maxReported = 100

/** Validates the documents of a collection against a new schema. @throws {ExistingDocumentsInvalid} */
export function validateExisting(
  sql: Sql,
  full: FullPath,
  schema: PreparedSchema,
  checks: SchemaChecks,
): Promise<void> {
  return validateChangedSince(sql, full, schema, checks, new Date(0))
}

/** As {@link validateExisting}, for the documents that were written at this time or later. */
export async function validateChangedSince(
  sql: Sql,
  full: FullPath,
  schema: PreparedSchema,
  checks: SchemaChecks,
  since: Date,
): Promise<void> {
  const unfit: UnfitDocument[] = []
  for (let after = ''; ; ) {
    const documents = await readHeld(sql, full, { since, after, limit: stepSize })
    for (const document of documents) unfit.push(...(await faultsOf(document, schema, checks)))
    if (unfit.length > maxReported) throw new ExistingDocumentsInvalid(full.path, unfit.slice(0, maxReported), true)
    const last = documents.at(-1)
    if (last === undefined || documents.length < stepSize) break
    after = last.key
  }
  if (unfit.length > 0) throw new ExistingDocumentsInvalid(full.path, unfit, false)
}

async function faultsOf(
  { key, version, ...value }: HeldDocument,
  schema: PreparedSchema,
  checks: SchemaChecks,
): Promise<UnfitDocument[]> {
  try {
    await checks.check(schema, value)
    return []
  } catch (error) {
    if (!(error instanceof SchemaViolation)) throw error
    return [{ key, version, path: error.path, reason: error.reason }]
  }
}
