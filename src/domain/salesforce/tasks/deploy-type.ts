import { defineServerTaskType, type TaskType } from '#domain/tasks/task-type.ts'
import { deployInput, validateInput } from './deploy-input.ts'
import { certificateEnv, orgConcurrency, type SalesforceTypeOptions } from './type-options.ts'

/** Salesforce may take minutes to stop what it does. */
const graceMs = 60_000
const timeoutMs = 4 * 60 * 60 * 1000
const retry = { maxAttempts: 3, backoff: 'exponential', delayMs: 30_000 } as const

type Kind = 'validate' | 'deploy'

const readsOf = ({
  part,
  validation,
}: {
  part?: { taskType: string } | undefined
  validation?: string | undefined
}) => [...(part === undefined ? [] : [part.taskType]), ...(validation === undefined ? [] : ['salesforce.validate'])]

/** Settings that both types share; an attempt after a lost one goes on with what that one has started. */
function common(options: SalesforceTypeOptions, kind: Kind) {
  return {
    onWorkerLost: 'retry' as const,
    concurrency: orgConcurrency,
    retry,
    timeoutMs,
    graceMs,
    env: certificateEnv,
    async prepare(context: Parameters<TaskType['run']>[0]) {
      const { prepare } = await import('./deploy.ts')
      await prepare(options, context as never)
    },
    async run(context: never) {
      return (await import('./deploy.ts')).deploy(options, context, { isValidation: kind === 'validate' })
    },
  }
}

/** Checks a package against an org without changing anything there. */
export function createValidateType(options: SalesforceTypeOptions): TaskType {
  return defineServerTaskType({
    name: 'salesforce.validate',
    description:
      'Validates a package in a Salesforce org: compiles it and runs tests there, and changes nothing. Its component problems, test results and coverage are parts.',
    input: validateInput,
    scope: 'salesforce:use',
    reads: readsOf,
    ...common(options, 'validate'),
  })
}

/** Deploys a package, or what was validated before. */
export function createDeployType(options: SalesforceTypeOptions): TaskType {
  return defineServerTaskType({
    name: 'salesforce.deploy',
    description:
      'Deploys a package to a Salesforce org. Its component problems, test results and coverage are parts; cancelling the task cancels the deployment.',
    input: deployInput,
    scope: 'salesforce:deploy',
    reads: readsOf,
    ...common(options, 'deploy'),
  })
}
