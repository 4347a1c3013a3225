import { z } from 'zod'
import { invalidInput } from '#lib/errors.ts'
import { inWords, issuesOf } from '#lib/parse.ts'
import { leaseBounds, maxClaim, maxClaimedTypes, maxWaitMs, shortText, workerFields } from './remote-worker.ts'

const claim = z.strictObject({
  ...workerFields,
  /** The types of which it takes tasks. */
  types: z.array(shortText(64)).min(1).max(maxClaimedTypes),
  /** How many tasks at most. */
  max: z.int().min(1).max(maxClaim).default(1),
  /** How long to wait for a first one, in milliseconds. */
  waitMs: z.int().min(0).max(maxWaitMs).default(0),
  /** How long a lease lasts without a heartbeat, in milliseconds. */
  leaseMs: z.int().min(leaseBounds.min).max(leaseBounds.max).default(leaseBounds.default),
})
export type ClaimRequest = z.input<typeof claim>
export type Claim = z.output<typeof claim>

/** @throws {InvalidInput} */
export function parseClaim(request: ClaimRequest): Claim {
  return parsed(claim, 'The claim', request)
}

/** A value of the schema. @throws {InvalidInput} for everything that is wrong with it; `what` is the sentence's subject. */
export function parsed<Schema extends z.ZodType>(
  schema: Schema,
  what: string,
  value: z.input<Schema>,
): z.output<Schema> {
  const result = schema.safeParse(value, inWords)
  if (!result.success) throw invalidInput(what, issuesOf(result.error))
  return result.data
}
