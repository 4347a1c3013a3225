import { z } from 'zod'
import { orgField } from './type-options.ts'

const names = z.array(z.string().regex(/^\w+(\.\w+)?$/, 'must be the name of a class')).max(1_000)

export const input = z
  .strictObject({
    org: orgField,
    classes: names.default([]).describe('Test classes to run.'),
    suites: z
      .array(z.string().regex(/^\w+$/, 'must be the name of a suite'))
      .max(100)
      .default([])
      .describe('Test suites to run.'),
    testLevel: z
      .enum(['RunLocalTests', 'RunAllTestsInOrg'])
      .optional()
      .describe('Instead of classes and suites: all tests but those of installed packages, or all.'),
    maxFailedTests: z
      .int()
      .min(-1)
      .max(1_000_000)
      .default(-1)
      .describe('After how many failures no further tests are run; -1: never.'),
    coverage: z.boolean().default(false).describe('Whether the part `coverage.json` says which lines are covered.'),
  })
  .refine(
    ({ classes, suites, testLevel }) => classes.length + suites.length > 0 !== (testLevel !== undefined),
    'needs classes, suites, or a testLevel',
  )
export type ApexTestsInput = z.output<typeof input>
