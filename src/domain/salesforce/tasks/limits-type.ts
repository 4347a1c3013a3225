import { defineServerTaskType, type TaskType } from '#domain/tasks/task-type.ts'
import { input } from './limits-input.ts'
import { orgConcurrency, passingFaultRetry, type SalesforceTypeOptions } from './type-options.ts'

/** All limits of an org, such as its API requests of the day. */
export function createLimitsType(options: SalesforceTypeOptions): TaskType {
  return defineServerTaskType({
    name: 'salesforce.limits',
    description: 'Reads all limits of a Salesforce org, and announces those that are nearly used up.',
    input,
    scope: 'salesforce:use',
    concurrency: orgConcurrency,
    isolation: 'none',
    onWorkerLost: 'retry',
    retry: passingFaultRetry,
    run: async (context) => (await import('./limits.ts')).readLimits(options, context),
  })
}
