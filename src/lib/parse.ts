import type { z } from 'zod'

/** For `safeParse`: what is not there is missing, where zod would speak of an `undefined` that nobody has sent. */
export const inWords = {
  error: ({ code, input }: z.core.$ZodRawIssue) =>
    code === 'invalid_type' && input === undefined ? 'is missing' : undefined,
}
