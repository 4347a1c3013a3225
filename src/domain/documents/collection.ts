import { LRUCache } from 'lru-cache'
import { type CompositeKey, compositeKey } from '#lib/composite-key.ts'
import { invalidInput } from '#lib/errors.ts'
import { type PreparedSchema, prepareSchema } from './schemas/schema-checker.ts'

/** A collection's path with its account. */
export interface FullPath {
  readonly accountId: string
  readonly path: string
}

/** What a writer has to know of a collection. */
export interface CollectionRow extends FullPath {
  /** Grows with each change. */
  readonly revision: number
  readonly createdAt: Date
  readonly requireVersion: boolean
  readonly schema: unknown
}

/** What somebody has decided about a collection. */
export interface CollectionSettings {
  readonly requireVersion: boolean
  /** Null: none. */
  readonly schema: unknown
  readonly retention: Retention
}

/** What a collection asks of what is written to it. */
export interface CollectionRules {
  /** Each write has to say which version it changes. */
  readonly requireVersion: boolean
  /** Undefined: anything may be written. */
  readonly schema: PreparedSchema | undefined
}

/** Of a collection that nobody has made rules for. */
export const noRules: CollectionRules = { requireVersion: false, schema: undefined }

/** Making a schema ready takes milliseconds, so those in use are kept. */
const prepared = new LRUCache<CompositeKey, PreparedSchema>({ max: 500 })

export function rulesOf(row: CollectionRow): CollectionRules {
  const { requireVersion, schema } = row
  if (schema === null) return { requireVersion, schema: undefined }
  // A collection that was deleted and made again counts its changes from 1 again.
  const id = compositeKey(row.accountId, row.path, row.createdAt.getTime(), row.revision)
  const known = prepared.get(id) ?? prepareSchema(schema)
  prepared.set(id, known)
  return { requireVersion, schema: known }
}

export const retentionKinds = ['KEEP_ALL', 'KEEP_LAST', 'KEEP_DAYS'] as const

/** How long versions are kept; the current one and pinned ones always are. */
export interface Retention {
  readonly kind: (typeof retentionKinds)[number]
  /** KEEP_LAST: how many, including the current one. */
  readonly versions: number | null
  /** KEEP_DAYS: for how many days one is kept after another has taken its place. */
  readonly days: number | null
}

const maxVersions = 1_000_000
const maxDays = 36_500

/** @throws {InvalidInput} when it lacks its number, or has one that isn't its own. */
export function checkRetention({ kind, versions, days }: Retention): void {
  const isRight = (given: number | null, wanted: boolean, most: number) =>
    wanted ? given !== null && given >= 1 && given <= most : given === null
  if (!isRight(versions, kind === 'KEEP_LAST', maxVersions))
    refuse('versions', `must be 1 to ${maxVersions} with KEEP_LAST, and absent otherwise`)
  if (!isRight(days, kind === 'KEEP_DAYS', maxDays))
    refuse('days', `must be 1 to ${maxDays} with KEEP_DAYS, and absent otherwise`)
}

function refuse(name: string, message: string): never {
  throw invalidInput('The collection', [{ path: `retention.${name}`, message }])
}
