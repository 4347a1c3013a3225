import { z } from 'zod'
import { type OpenWait, waitKinds } from '#domain/tasks/task.ts'
import type { Actor } from '#platform/journal/entry.ts'

/** Bounds of what a task remembers from one attempt to the next. */
export const durableLimits = {
  /** Steps of a task, and waits of a task. */
  steps: 1_000,
  waits: 1_000,
  /** The result of one step as JSON. */
  stepBytes: 256 * 1024,
  /** The value of one signal as JSON. */
  signalBytes: 64 * 1024,
  /** Signals that were sent before the task waits for them. */
  signals: 100,
  nameLength: 200,
  defaultTimeoutMs: 7 * 24 * 3_600_000,
  maxTimeoutMs: 366 * 24 * 3_600_000,
} as const

export const durableName = z
  .string()
  .min(1)
  .max(durableLimits.nameLength)
  .regex(/^\P{Cc}*$/u, 'must not hold control characters')

/** What an attempt asks the server to remember, or whether it does. */
export const durableRequest = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('findStep'), name: durableName }),
  z.object({
    kind: z.literal('keepStep'),
    name: durableName,
    startedAt: z.date(),
    json: z.string().max(2 * durableLimits.stepBytes),
  }),
  z.object({
    kind: z.literal('wait'),
    for: z.enum(waitKinds),
    /** Of TASK: the task's id. */
    name: durableName,
    /** 1 for the first wait of an attempt for this kind and name. */
    occurrence: z.int().positive().max(durableLimits.waits),
    timeoutMs: z.number().min(0).max(durableLimits.maxTimeoutMs),
  }),
])
export type DurableRequest = z.output<typeof durableRequest>

/** How a wait has ended. */
export interface WaitOutcome {
  readonly outcome: 'SIGNALLED' | 'APPROVED' | 'REJECTED' | 'PASSED' | 'ENDED' | 'TIMED_OUT'
  readonly value: unknown
  readonly by: Actor | null
  readonly comment: string | null
  readonly at: Date
}

export interface DurableReplies {
  /** Undefined: the step is still to be done. */
  readonly findStep: { readonly json: string | undefined }
  readonly keepStep: null
  readonly wait: { readonly over: WaitOutcome } | { readonly open: OpenWait }
}

/** An answer, or why there is none; the attempt then fails for good. */
export type DurableReply =
  | { readonly answer: DurableReplies[keyof DurableReplies] }
  | { readonly refused: { readonly code: string; readonly message: string } }
