import { z } from 'zod'
import type { DocumentFactsFragment } from './generated/graphql.ts'
import { Refused } from './refused.ts'
import { type Answer, json, type Route } from './route.ts'

/** What every row about documents says of the collection of those for which none is named. */
export const defaultCollection = 'default'

const actor = z.object({ kind: z.string(), id: z.string(), name: z.string() })

export const document = z
  .object({
    collection: z.string().describe('The path of its collection.'),
    key: z.string().describe('Unique within the collection.'),
    value: z.unknown().describe('What it holds: any JSON.'),
    version: z.int().describe('Grows by one with each write; also the `ETag`.'),
    createdAt: z.iso.datetime(),
    createdBy: actor,
    updatedAt: z.iso.datetime(),
    updatedBy: actor,
    expiresAt: z.iso.datetime().nullable().describe('When it expires and is deleted; null: never.'),
  })
  .meta({ id: 'Document', description: 'A JSON value under a key.' })

export function toDocument({ data, deleted: _, ...same }: DocumentFactsFragment) {
  return { ...same, value: data }
}

export const etagHeader = { ETag: 'Its version, in quotation marks.' }

/** A document with its version as `ETag`. */
export function answerDocument(
  status: number,
  facts: DocumentFactsFragment,
  headers: Record<string, string> = {},
): Answer {
  return json(status, toDocument(facts), { etag: etagOf(facts), ...headers })
}

export function etagOf({ version }: { readonly version: number }): string {
  return `"${version}"`
}

export const writeHeaders = z.object({
  'if-match': z
    .string()
    .optional()
    .describe('The `ETag` of the version to change; `*`: any version, but the document must exist. Otherwise 412.'),
  'if-none-match': z.string().optional().describe('`*`: only if the document does not exist; otherwise 412.'),
})

/**
 * The version that a write expects: by `If-Match`, by `If-None-Match: *` (RFC 9110 §13.1), or by the body.
 * @throws {Refused} 400 when it says so in two ways, or by what can't be a version.
 */
export function expectedVersionOf(headers: z.output<typeof writeHeaders>, inBody?: number | undefined): number | null {
  const { 'if-match': match, 'if-none-match': noneMatch } = headers
  const given = [match, noneMatch, inBody].filter((one) => one !== undefined)
  if (given.length > 1)
    throw new Refused(
      'MALFORMED_REQUEST',
      'Say once which version is changed: by `If-Match`, `If-None-Match` or `version`.',
    )
  if (match !== undefined) return isAny(match) ? null : versionOf(match)
  if (noneMatch === undefined) return inBody ?? null
  if (noneMatch.trim() !== '*') throw new Refused('MALFORMED_REQUEST', '`If-None-Match` of a write can only be `*`.')
  return 0
}

/** Whether a write is for whatever version there is, but for one that is there: `If-Match: *`. */
export function mustExist({ 'if-match': match }: z.output<typeof writeHeaders>): boolean {
  return match !== undefined && isAny(match)
}

function isAny(header: string): boolean {
  return header.trim() === '*'
}

/** A proxy that compresses makes a weak tag (`W/"3"`) of ours; the version in it is the same. */
function versionOf(header: string): number {
  const [, version] = /^\s*(?:W\/)?"(\d{1,9})"\s*$/.exec(header) ?? []
  if (version === undefined)
    throw new Refused('MALFORMED_REQUEST', '`If-Match` must be one version in quotation marks, such as "3".')
  return Number(version)
}

/** The same row, where a conflict with what a header has demanded is a failed precondition: 412 instead of 409. */
export function withPreconditions(route: Route): Route {
  return {
    ...route,
    async handle(request) {
      const demands = request.headers['if-match'] ?? request.headers['if-none-match']
      return route.handle(request).catch((error: unknown) => {
        if (demands === undefined || !(error instanceof Refused)) throw error
        const isMissing = error.code === 'NOT_FOUND' && mustExist(request.headers)
        if (error.code !== 'VERSION_CONFLICT' && !isMissing) throw error
        throw new Refused('PRECONDITION_FAILED', error.message)
      })
    },
  }
}
