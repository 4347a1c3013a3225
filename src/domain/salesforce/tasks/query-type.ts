import { defineServerTaskType, type TaskType } from '#domain/tasks/task-type.ts'
import { input } from './query-input.ts'
import { certificateEnv, orgConcurrency, passingFaultRetry, type SalesforceTypeOptions } from './type-options.ts'

/** Runs a query in SOQL. */
export function createQueryType(options: SalesforceTypeOptions): TaskType {
  return defineServerTaskType({
    name: 'salesforce.query',
    description:
      'Runs a SOQL query in a Salesforce org: a small result is the task’s result, a large one is streamed into its parts.',
    input,
    scope: 'salesforce:use',
    concurrency: orgConcurrency,
    onWorkerLost: 'retry',
    retry: passingFaultRetry,
    env: certificateEnv,
    prepare: async () => (await import('./query.ts')).prepare(),
    run: async (context) => (await import('./query.ts')).query(options, context),
  })
}
