import { z } from 'zod'
import { orgField } from './type-options.ts'

export const input = z.strictObject({
  org: orgField,
  soql: z.string().min(1).max(100_000).describe('The query.'),
  includeDeleted: z.boolean().default(false).describe('Whether deleted and archived records are found, too.'),
  bulk: z
    .enum(['auto', 'always', 'never'])
    .default('auto')
    .describe(
      '`auto`: one request, or Bulk API 2.0 when there are more records than one answer holds. `never`: one request.',
    ),
  format: z
    .enum(['ndjson', 'csv'])
    .default('ndjson')
    .describe('Of the parts that Bulk API 2.0 fills: a JSON object a line, whose values are strings or null; or CSV.'),
})
export type QueryInput = z.output<typeof input>
