import { z } from 'zod'
import { packageFields, sourceCount } from './package-input.ts'
import { orgField } from './type-options.ts'

const testLevels = ['NoTestRun', 'RunSpecifiedTests', 'RunLocalTests', 'RunAllTestsInOrg', 'RunRelevantTests'] as const

const fields = {
  org: orgField,
  ...packageFields,
  testLevel: z
    .enum(testLevels)
    .optional()
    .describe('Which Apex tests run; as Salesforce decides when absent: none in sandboxes, local ones in production.'),
  runTests: z
    .array(z.string().min(1).max(255))
    .max(500)
    .default([])
    .describe('The test classes for `RunSpecifiedTests`.'),
  ignoreWarnings: z.boolean().default(false).describe('Whether it succeeds in spite of warnings.'),
  allowMissingFiles: z.boolean().default(false).describe('Whether files may be missing that the manifest names.'),
  purgeOnDelete: z.boolean().default(false).describe('Whether deleted components skip the recycle bin.'),
}

const tests = {
  error: 'needs the test level RunSpecifiedTests, which needs it',
  path: ['runTests'],
}
const hasTests = ({ testLevel, runTests }: { testLevel?: string | undefined; runTests: readonly string[] }) =>
  (testLevel === 'RunSpecifiedTests') === runTests.length > 0

export const validateInput = z
  .strictObject(fields)
  .refine((input) => sourceCount(input) === 1, 'needs one of part, zipBase64 and repository')
  .refine(hasTests, tests)

export const deployInput = z
  .strictObject({
    ...fields,
    rollbackOnError: z
      .boolean()
      .default(true)
      .describe('Whether nothing is kept when something fails; production orgs need it.'),
    validation: z
      .uuid()
      .optional()
      .describe(
        'Quick deploy: a completed `salesforce.validate` task of the last ten days, for the same org. Its package is deployed without running tests again.',
      ),
  })
  .refine(
    ({ validation, ...source }) => sourceCount(source) + (validation === undefined ? 0 : 1) === 1,
    'needs one of part, zipBase64, repository and validation',
  )
  .refine(hasTests, tests)

export type DeployInput = z.output<typeof deployInput>
