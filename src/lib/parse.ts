import type { z } from 'zod'
import type { InputIssue } from './errors.ts'

/** For `safeParse`: what is not there is missing, where zod would speak of an `undefined` that nobody has sent. */
export const inWords = {
  error: ({ code, input }: z.core.$ZodRawIssue) =>
    code === 'invalid_type' && input === undefined ? 'is missing' : undefined,
}

/** What a schema refuses, each with its path below `root`. */
export function issuesOf(error: z.ZodError, root = ''): InputIssue[] {
  return error.issues.map(({ path, message }) => ({
    path: [root, ...path.map(String)].filter(Boolean).join('.'),
    message,
  }))
}
