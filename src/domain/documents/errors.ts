import { AppError } from '#lib/errors.ts'
import type { Actor } from '#platform/journal/entry.ts'
import type { DocumentName } from './document.ts'

export class DocumentNotFound extends AppError {
  readonly code = 'NOT_FOUND'
  constructor({ collection, key }: DocumentName, version?: number) {
    super(`There is no document ${key} in ${collection}${version === undefined ? '' : ` of version ${version}`}.`)
  }
}

export class CollectionNotFound extends AppError {
  readonly code = 'NOT_FOUND'
  constructor(path: string) {
    super(`There is no collection ${path}.`)
  }
}

export class CollectionExists extends AppError {
  readonly code = 'ALREADY_EXISTS'
  constructor(path: string) {
    super(`The collection ${path} already exists.`)
  }
}

/** What a document is to hold doesn't fit the schema of its collection. */
export class SchemaViolation extends AppError {
  readonly code = 'SCHEMA_VIOLATION'
  /** A JSON Pointer into the document; empty for the whole. */
  readonly path: string
  readonly reason: string
  constructor(path: string, reason: string) {
    super(`The schema of the collection refuses ${path === '' ? 'the document' : path}: it ${reason}.`)
    this.path = path
    this.reason = reason
  }
}

/** A document that a new schema would refuse. */
export interface UnfitDocument {
  readonly key: string
  readonly version: number
  readonly path: string
  readonly reason: string
}

/** Documents of the collection don't fit the schema that it is to have. */
export class ExistingDocumentsInvalid extends AppError {
  readonly code = 'SCHEMA_VIOLATION'
  readonly documents: readonly UnfitDocument[]
  /** Whether there may be others. */
  readonly more: boolean
  constructor(path: string, documents: readonly UnfitDocument[], more: boolean) {
    const count = `${more ? 'At least ' : ''}${documents.length}`
    super(`${count} of the documents in ${path} do not match the schema. Change them first, or set acceptExisting.`)
    this.documents = documents
    this.more = more
  }
}

/** The document was written since; carries its current state. */
export class VersionConflict extends AppError {
  readonly code = 'VERSION_CONFLICT'
  readonly document: DocumentName
  readonly expectedVersion: number
  /** 0 when there is none. */
  readonly currentVersion: number
  readonly currentBy: Actor | undefined
  readonly currentAt: Date | undefined
  constructor(
    { collection, key }: DocumentName,
    expected: number,
    current: { readonly version: number; readonly updatedBy: Actor; readonly updatedAt: Date } | undefined,
  ) {
    super(`Document ${key} in ${collection} ${conflictOf(expected, current)}.`)
    this.document = { collection, key }
    this.expectedVersion = expected
    this.currentVersion = current?.version ?? 0
    this.currentBy = current?.updatedBy
    this.currentAt = current?.updatedAt
  }
}

function conflictOf(
  expected: number,
  current: { readonly version: number; readonly updatedBy: Actor } | undefined,
): string {
  if (current === undefined) return `does not exist, so it is not at version ${expected}`
  const { version, updatedBy } = current
  if (expected === 0) return `already exists (version ${version}, written by ${updatedBy.name})`
  return `is at version ${version}, by ${updatedBy.name}, and not at version ${expected}`
}

/** The collection wants every write to say which version it changes. */
export class VersionRequired extends AppError {
  readonly code = 'VERSION_REQUIRED'
  constructor({ collection, key }: DocumentName) {
    super(`The collection ${collection} requires \`expectedVersion\` with each write: 0 for a new ${key}.`)
  }
}

/** A filter takes too much for one version of a document, alone or beside the account's other filters. */
export class FilterTooComplex extends AppError {
  readonly code = 'TOO_COMPLEX'
  constructor({ collection, key, version }: DocumentName & { readonly version: number }) {
    super(
      `The filter takes too long for version ${version} of document ${key} in ${collection}. Ask for fewer conditions or ` +
        'shorter regular expressions, and resume after the last cursor.',
    )
  }
}

/** The patch doesn't fit the document: something isn't there that it needs, or a test of its own has failed. */
export class PatchFailed extends AppError {
  readonly code = 'PATCH_FAILED'
  /** Which operation, from 0. */
  readonly operation: number
  constructor(operation: number, op: string, path: string, { cause }: { cause: unknown }) {
    super(
      `Operation ${operation} of the patch, ${op} ${path === '' ? 'of the whole' : path}, doesn’t fit the document.`,
    )
    this.operation = operation
    this.cause = cause
  }
}

/** None of the writes was done, for the sake of those that could not be. */
export class WritesRefused extends AppError {
  readonly code = 'VERSION_CONFLICT'
  readonly refusals: readonly { readonly index: number; readonly failure: AppError }[]
  constructor(refusals: readonly { readonly index: number; readonly failure: AppError }[]) {
    const [first] = refusals
    const which = first === undefined ? '' : ` The first, write ${first.index}: ${first.failure.message}`
    super(`Nothing was written: ${refusals.length} of the writes could not be done.${which}`)
    this.refusals = refusals
  }
}
