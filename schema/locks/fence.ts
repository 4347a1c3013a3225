import type { Fence } from '#domain/locks/service.ts'
import { builder } from '#schema/builder.ts'

const FenceInput = builder.inputType('FenceInput', {
  description: 'A lock that the writer must hold: nothing is written once it has lost the lock.',
  fields: (t) => ({
    lock: t.string({ required: true, description: 'The lock’s name.' }),
    fence: t.float({ required: true, description: 'The fence returned when the lock was acquired.' }),
  }),
})

/** The fence of an input. */
export const fence = { type: FenceInput, description: 'A lock that the caller must hold.' } as const

export function fenceOf(fence: typeof FenceInput.$inferInput | null | undefined): Fence | undefined {
  return fence ?? undefined
}
