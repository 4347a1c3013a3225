import { z } from 'zod'

/** How long a request may wait for a task, in seconds. */
export const maxWaitS = 60

/** `operationId` in a path. One that isn't an id names nothing, which is for the operation to say. */
export const taskParams = z.object({
  operationId: z.string().describe('The task’s id, as returned when it was submitted.'),
})

/** A whole number in a query. */
export function wholeNumber(min: number, max: number) {
  const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`
  const rule = `must be a whole number ${range}`
  return z.coerce.number(rule).int(rule).min(min, rule).max(max, rule)
}

/** A moment in a query. */
export function moment(description: string) {
  return z.iso.datetime({ offset: true }).optional().describe(description)
}

/** What rows that make something look at of the headers. */
export const idempotencyHeaders = z.object({
  'idempotency-key': z
    .string()
    .min(1)
    .max(255)
    .optional()
    .describe('Repeating a request with the same key and content within a day returns the first response again.'),
})

/** The key of a request as GraphQL takes it. */
export function keyOf(headers: z.output<typeof idempotencyHeaders>): { idempotencyKey: string | null } {
  return { idempotencyKey: headers['idempotency-key'] ?? null }
}

/** What REST calls the key. */
export const keyNames = { idempotencyKey: 'Idempotency-Key' } as const
