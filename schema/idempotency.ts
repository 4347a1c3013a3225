import { IdempotencyKeyReused } from '#platform/database/idempotency.ts'
import { failureType } from './failures.ts'

failureType(IdempotencyKeyReused, 'KeyReused', 'The idempotency key was used by a different request.')

/** The idempotency key of an input. */
export const idempotencyKey = {
  description:
    'Makes it safe to repeat the request within a day: it is done once, and a repetition returns the original response. Keys are separate for each person, across their sessions, and for each application token together with its predecessors. At most 255 visible ASCII characters.',
} as const
