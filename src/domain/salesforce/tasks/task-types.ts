import type { TaskType } from '#domain/tasks/task-type.ts'
import { createApexTestsType } from './apex-tests-type.ts'
import { createDeployType, createValidateType } from './deploy-type.ts'
import { createLimitsType } from './limits-type.ts'
import { createQueryType } from './query-type.ts'
import { createRetrieveType } from './retrieve-type.ts'
import { createSourceCheckType } from './source-check-type.ts'
import type { SalesforceTypeOptions } from './type-options.ts'

/** Those of {@link createSalesforceTypes} that ask the server for sessions of orgs. */
export const salesforceTypeNames = [
  'salesforce.query',
  'salesforce.limits',
  'salesforce.validate',
  'salesforce.deploy',
  'salesforce.retrieve',
  'salesforce.apexTests',
] as const

/** The task types for Salesforce orgs. */
export function createSalesforceTypes(options: SalesforceTypeOptions): TaskType[] {
  return [
    createQueryType(options),
    createLimitsType(options),
    createValidateType(options),
    createDeployType(options),
    createRetrieveType(options),
    createApexTestsType(options),
    createSourceCheckType(options),
  ]
}
