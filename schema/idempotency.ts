import { IdempotencyKeyReused } from '#platform/database/idempotency.ts'
import { failureType } from './failures.ts'

failureType(IdempotencyKeyReused, 'KeyReused', 'The idempotency key belongs to a request that asks for something else.')

/** What inputs say of their key. */
export const idempotencyKey = {
  description:
    'Makes it safe to send the request again within a day: it is done once, and a repetition gets the same answer. Each person has keys of their own, over all their sessions, and so has each application token together with the tokens that it was rotated from. Visible ASCII, at most 255.',
} as const
