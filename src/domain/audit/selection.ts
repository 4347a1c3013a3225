import { type InvalidInput, invalidInput } from '#lib/errors.ts'
import { isStorable } from '#lib/json.ts'
import type { Prisma } from '#platform/database/generated/client.ts'
import { startingWith } from '#platform/database/like.ts'
import type { AuditOutcome } from './audit-entry.ts'

/** Which entries of the log are wanted; all conditions that are given have to hold. */
export interface AuditSelection {
  /** Id or name. */
  readonly actor?: string | null
  /** Id of a credential. */
  readonly token?: string | null
  /** May end with `*`. */
  readonly types?: readonly string[] | null
  /** May end with `*`. */
  readonly subject?: string | null
  /** May end with `*`. */
  readonly address?: string | null
  readonly outcomes?: readonly AuditOutcome[] | null
  /** Name or hash. */
  readonly operation?: string | null
  readonly requestId?: string | null
  readonly from?: Date | null
  readonly to?: Date | null
}

const maxTypes = 50
const maxTextLength = 2_048

/** A selection as the database understands it. @throws {InvalidInput} */
export function conditionsOf(selection: AuditSelection): Prisma.AuditEntryWhereInput {
  const { actor, token, types, subject, address, outcomes, operation, requestId, from, to } = selection
  if (types != null && types.length > maxTypes) throw invalid('types', `must be at most ${maxTypes}`)
  return {
    AND: [
      either('actor', actor, (text) => [{ actorId: text }, { actorName: text }]),
      types == null ? {} : { OR: types.map((type) => ({ type: matching('types', type) })) },
      either('operation', operation, (text) => [{ operationName: text }, { operationHash: text }]),
    ],
    ...(token != null && { credentialId: matching('token', token) }),
    ...(subject != null && { subject: matching('subject', subject) }),
    ...(address != null && { address: matching('address', address) }),
    ...(outcomes != null && { outcome: { in: [...outcomes] } }),
    ...(requestId != null && { requestId: matching('requestId', requestId) }),
    ...((from != null || to != null) && { at: { ...(from && { gte: from }), ...(to && { lte: to }) } }),
  }
}

function either(
  path: string,
  text: string | null | undefined,
  of: (text: string) => Prisma.AuditEntryWhereInput[],
): Prisma.AuditEntryWhereInput {
  return text == null ? {} : { OR: of(checked(path, text)) }
}

function matching(path: string, text: string): { equals: string } | { startsWith: string } {
  const beginning = text.endsWith('*') ? text.slice(0, -1) : text
  if (beginning.includes('*')) throw invalid(path, 'may have a * at its end, and nowhere else')
  checked(path, text)
  if (beginning === text) return { equals: text }
  return startingWith(beginning)
}

function checked(path: string, text: string): string {
  if (text.length > maxTextLength) throw invalid(path, `must have at most ${maxTextLength} characters`)
  if (!isStorable(text)) throw invalid(path, 'must be text that can be stored')
  return text
}

function invalid(path: string, message: string): InvalidInput {
  return invalidInput('The selection', [{ path: `where.${path}`, message }])
}
