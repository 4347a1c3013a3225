import { z } from 'zod'
import { type EventTypes, eventTypesOf } from '#platform/journal/event-type.ts'
import type { SalesforceEventType } from './events.ts'

const org = z.looseObject({ username: z.string(), orgId: z.string(), kind: z.string() })
const state = org.extend({ state: z.string(), message: z.string().nullable().describe('In Salesforce’s own words.') })
const deployment = org.extend({
  taskId: z.string(),
  deployId: z.string().describe('Salesforce’s id of it.'),
  status: z.string().describe('Salesforce’s word: `Succeeded`, `SucceededPartial`, `Failed` or `Canceled`.'),
  isSuccessful: z.boolean(),
  componentsDeployed: z.int(),
  componentsTotal: z.int(),
  componentErrors: z.int(),
  testsRun: z.int(),
  testErrors: z.int(),
})
const settings = org.extend({ instanceUrl: z.string(), method: z.string(), isDefault: z.boolean() })

export const salesforceEventCatalog: EventTypes<SalesforceEventType> = {
  'salesforce.login_started': {
    description: 'Somebody was sent to Salesforce to approve this server.',
    data: z.looseObject({ loginUrl: z.string(), clientId: z.string() }),
  },
  ...eventTypesOf(settings, {
    'salesforce.org_registered': 'A Salesforce org was registered.',
    'salesforce.org_updated': 'A Salesforce org was changed, or registered again.',
  }),
  'salesforce.org_removed': {
    description: 'A Salesforce org was removed with its credential.',
    data: org.extend({ isRevoked: z.boolean().describe('Whether its authorization was revoked at Salesforce.') }),
  },
  'salesforce.org_opened': {
    description: 'Somebody got a link that opens a session in a Salesforce org.',
    data: org.extend({ path: z.string().nullable(), isOneTime: z.boolean() }),
  },
  'salesforce.connection_tested': {
    description: 'Somebody tested the connection to a Salesforce org.',
    data: org.extend({ isConnected: z.boolean(), error: z.string().nullable() }),
  },
  'salesforce.credential_used': {
    description: 'A task used the credential of a Salesforce org.',
    data: org.extend({ taskId: z.string(), taskType: z.string() }),
  },
  'salesforce.token_refreshed': {
    description: 'A new access token of a Salesforce org was received.',
    data: org.extend({ isRotated: z.boolean().describe('Whether the refresh token was replaced.') }),
  },
  ...eventTypesOf(state, {
    'salesforce.org_unavailable': 'A Salesforce org can’t be reached for now.',
    'salesforce.org_recovered': 'A Salesforce org can be used again.',
    'salesforce.auth_failed':
      'A Salesforce org can’t be used: its authorization has ended, or it is blocked or locked.',
  }),
  'salesforce.limit_near': {
    description: 'Limits of a Salesforce org are nearly used up.',
    data: org.extend({
      taskId: z.string(),
      limits: z.array(z.object({ name: z.string(), max: z.number(), remaining: z.number() })),
    }),
  },
  ...eventTypesOf(deployment, {
    'salesforce.validated': 'A validation in a Salesforce org has ended, which changed nothing there.',
    'salesforce.deployed': 'A deployment to a Salesforce org has ended, successfully or not.',
  }),
  'salesforce.auth_expiring': {
    description: 'A Salesforce org, or its authorization, is about to expire.',
    data: org.extend({
      reason: z.string().describe('`ORG_EXPIRES`, or `UNUSED`: its refresh token could not be used for a long time.'),
      expiresAt: z.iso.datetime().nullable().describe('When the org is deleted; null when that is not the reason.'),
    }),
  },
}
