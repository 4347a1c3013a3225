import { defineServerTaskType, type TaskType } from '#domain/tasks/task-type.ts'
import { input } from './apex-tests-input.ts'
import { certificateEnv, orgConcurrency, passingFaultRetry, type SalesforceTypeOptions } from './type-options.ts'

/** Runs Apex tests. */
export function createApexTestsType(options: SalesforceTypeOptions): TaskType {
  return defineServerTaskType({
    name: 'salesforce.apexTests',
    description:
      'Runs Apex tests in a Salesforce org. The parts `test-results.json` and `junit.xml` say how each came out.',
    input,
    scope: 'salesforce:use',
    concurrency: orgConcurrency,
    onWorkerLost: 'retry',
    retry: passingFaultRetry,
    graceMs: 30_000,
    timeoutMs: 4 * 60 * 60 * 1000,
    env: certificateEnv,
    prepare: async () => (await import('./apex-tests.ts')).prepare(),
    run: async (context) => (await import('./apex-tests.ts')).runApexTests(options, context),
  })
}
