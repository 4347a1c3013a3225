import { z } from 'zod'

const dayMs = 24 * 60 * 60 * 1000

/** A retry policy as callers give it; absent fields come from elsewhere. */
export const retryInput = z.strictObject({
  maxAttempts: z.int().min(1).max(100).optional(),
  backoff: z.enum(['fixed', 'linear', 'exponential']).optional(),
  delayMs: z.int().min(0).max(dayMs).optional(),
  maxDelayMs: z
    .int()
    .min(0)
    .max(30 * dayMs)
    .optional(),
  jitter: z.number().min(0).max(1).optional(),
  retryOn: z.array(z.string().min(1).max(64)).min(1).max(50).optional(),
})
