import { defineServerTaskType, type TaskType } from '#domain/tasks/task-type.ts'
import { input } from './retrieve-input.ts'
import { certificateEnv, orgConcurrency, passingFaultRetry, type SalesforceTypeOptions } from './type-options.ts'

/** Retrieves metadata as a zip part. */
export function createRetrieveType(options: SalesforceTypeOptions): TaskType {
  return defineServerTaskType({
    name: 'salesforce.retrieve',
    description:
      'Retrieves metadata of a Salesforce org as the part `package.zip`, which `salesforce.deploy` can take.',
    input,
    scope: 'salesforce:use',
    concurrency: orgConcurrency,
    onWorkerLost: 'retry',
    retry: passingFaultRetry,
    env: certificateEnv,
    prepare: async () => (await import('./retrieve.ts')).prepare(),
    run: async (context) => (await import('./retrieve.ts')).retrieve(options, context),
  })
}
