import { z } from 'zod'
import { Refused } from './refused.ts'

/** What rows that change a thing with a version look at of the headers (RFC 9110 §13.1.1). */
export const ifMatchHeaders = z.object({
  'if-match': z
    .string()
    .optional()
    .describe('Only if the current version has this `ETag`; `*`: only if there is one. Otherwise 412.'),
})

type IfMatchHeaders = z.output<typeof ifMatchHeaders>

/** A version as it stands in `ETag`. */
export function etagOf(version: number): string {
  return `"${version}"`
}

/** The documented header of every route that responds with a version. */
export const etagHeader = { ETag: 'The version in quotation marks: send it as `If-Match` with a change.' }

/**
 * The version that `If-Match` asks for, also as the weak tag that a compressing proxy makes of ours; undefined when it asks
 * for none, or for any. @throws {Refused} 400 for a list of
 * several, 412 for what no version of ours looks like.
 */
export function versionOf({ 'if-match': text }: IfMatchHeaders): number | undefined {
  if (text === undefined || text.trim() === '*') return undefined
  const [, digits] = /^(?:W\/)?"([1-9]\d{0,9})"$/.exec(text.trim()) ?? []
  if (digits !== undefined && Number(digits) < 2 ** 31) return Number(digits)
  if (text.includes(',')) throw new Refused('MALFORMED_REQUEST', '`If-Match` takes one version, such as "3", or *.')
  throw new Refused('PRECONDITION_FAILED', `No version has the ETag ${text}; ETags look like "3".`)
}

/** The refusal of a change as {@link ifMatchHeaders} promise it: what is not as they said is a failed precondition. */
export function preconditioned(refused: Refused, { 'if-match': text }: IfMatchHeaders): Refused {
  const isFailed = refused.code === 'VERSION_CONFLICT' || (refused.code === 'NOT_FOUND' && text?.trim() === '*')
  return text !== undefined && isFailed ? new Refused('PRECONDITION_FAILED', refused.message) : refused
}
