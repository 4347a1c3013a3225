import { defineServerTaskType, type TaskType } from '#domain/tasks/task-type.ts'
import { input } from './source-check-input.ts'
import type { SalesforceTypeOptions } from './type-options.ts'

/** Checks an SFDX project without an org. */
export function createSourceCheckType(options: SalesforceTypeOptions): TaskType {
  return defineServerTaskType({
    name: 'salesforce.sourceCheck',
    description:
      'Reads an SFDX project of a git repository without an org: lists its components, writes their manifest, and finds malformed metadata, duplicates and missing package directories.',
    input,
    onWorkerLost: 'retry',
    async prepare(context) {
      const { prepare } = await import('./source-check.ts')
      await prepare(options, context as never)
    },
    run: async (context) => (await import('./source-check.ts')).checkSource(options, context),
  })
}
