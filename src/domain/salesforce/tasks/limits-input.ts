import { z } from 'zod'
import { orgField } from './type-options.ts'

export const input = z.strictObject({
  org: orgField,
  nearPercent: z
    .int()
    .min(1)
    .max(100)
    .default(80)
    .describe('Limits that are used up to at least this percentage are announced by `salesforce.limit_near`.'),
})
export type LimitsInput = z.output<typeof input>
