import type { Fence } from '#domain/locks/service.ts'
import { builder } from '#schema/builder.ts'

const FenceInput = builder.inputType('FenceInput', {
  description: 'A lock that the writer holds: nothing is written once it has lost it.',
  fields: (t) => ({
    lock: t.string({ required: true, description: 'The lock’s name.' }),
    fence: t.float({ required: true, description: 'What acquiring it answered with.' }),
  }),
})

/** What inputs say of their fence. */
export const fence = { type: FenceInput, description: 'A lock that has to be held.' } as const

export function fenceOf(fence: typeof FenceInput.$inferInput | null | undefined): Fence | undefined {
  return fence ?? undefined
}
