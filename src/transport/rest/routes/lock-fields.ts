import { z } from 'zod'

const maxLeaseS = 86_400

export const actor = z.object({ kind: z.string(), id: z.string(), name: z.string() })

export const leaseDurationSeconds = z
  .int()
  .min(1)
  .max(maxLeaseS)
  .describe(`How long the lock is held unless it is renewed, in seconds; at most ${maxLeaseS}.`)

export const reason = z.string().describe('What it is needed for, at most 500 characters; shown to others.')
