import {
  SalesforceCallFailed,
  SalesforceConnectionFailed,
  SalesforceOrgNotFound,
  SalesforceOrgUnusable,
} from '#domain/salesforce/errors.ts'
import { builder } from '#schema/builder.ts'
import { Failure, failureType } from '#schema/failures.ts'
import { SalesforceOrgStateEnum } from './enums.ts'

failureType(SalesforceOrgNotFound, 'SalesforceOrgNotFound', 'The account has no such Salesforce org.')

builder.objectType(SalesforceConnectionFailed, {
  name: 'SalesforceConnectionFailed',
  description: 'The org can’t be connected to with what was given; nothing was stored.',
  interfaces: [Failure],
  isTypeOf: (value) => value instanceof SalesforceConnectionFailed,
  fields: (t) => ({
    reason: t.exposeString('reason', { description: 'Salesforce’s own code, such as `invalid_grant`, or `TIMEOUT`.' }),
  }),
})

builder.objectType(SalesforceOrgUnusable, {
  name: 'SalesforceOrgUnusable',
  description: 'The org can’t be used for now, or until it is registered again.',
  interfaces: [Failure],
  isTypeOf: (value) => value instanceof SalesforceOrgUnusable,
  fields: (t) => ({
    state: t.field({ type: SalesforceOrgStateEnum, description: 'Its state.', resolve: ({ state }) => state }),
  }),
})

builder.objectType(SalesforceCallFailed, {
  name: 'SalesforceCallFailed',
  description: 'Salesforce refused the call; the message is its own.',
  interfaces: [Failure],
  isTypeOf: (value) => value instanceof SalesforceCallFailed,
  fields: (t) => ({
    reason: t.exposeString('reason', { description: 'Salesforce’s own code, such as `REQUEST_LIMIT_EXCEEDED`.' }),
  }),
})
