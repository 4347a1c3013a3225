import type { Caller } from '#domain/access/service.ts'
import type { Actor, By, NewEntry } from '#platform/journal/entry.ts'
import type { OrgRow, OrgState } from './org.ts'

/** What the journal says of Salesforce orgs. */
export type SalesforceEventType =
  | 'salesforce.login_started'
  | 'salesforce.org_registered'
  | 'salesforce.org_updated'
  | 'salesforce.org_removed'
  | 'salesforce.org_opened'
  | 'salesforce.org_unavailable'
  | 'salesforce.org_recovered'
  | 'salesforce.connection_tested'
  | 'salesforce.credential_used'
  | 'salesforce.token_refreshed'
  | 'salesforce.auth_failed'
  | 'salesforce.auth_expiring'
  | 'salesforce.limit_near'
  | 'salesforce.validated'
  | 'salesforce.deployed'

/** Left out of event lists unless asked for: servers cause these again and again. */
export const quietSalesforceEventTypes: readonly string[] = [
  'salesforce.token_refreshed',
  'salesforce.credential_used',
] satisfies SalesforceEventType[]

/** What does something with an org when nobody asked for it. */
const salesforceActor: Actor = { kind: 'system', id: 'salesforce', name: 'salesforce' }
const bySystem: By = { actor: salesforceActor }

type Org = Pick<OrgRow, 'accountId' | 'id' | 'username' | 'orgId' | 'kind'>

/** An entry about an org; its data names the org. */
export function orgEvent(
  type: SalesforceEventType,
  org: Org,
  { actor, origin }: By = bySystem,
  data: object = {},
): NewEntry {
  const { accountId, id, username, orgId, kind } = org
  return { accountId, type, subject: `salesforce-org:${id}`, actor, origin, data: { username, orgId, kind, ...data } }
}

/** What is announced when an org gets into a state. */
export const eventOfState: Readonly<Record<OrgState, SalesforceEventType>> = {
  ACTIVE: 'salesforce.org_recovered',
  MAINTENANCE: 'salesforce.org_unavailable',
  NEEDS_REAUTHORIZATION: 'salesforce.auth_failed',
  BLOCKED: 'salesforce.auth_failed',
  LOCKED: 'salesforce.auth_failed',
}

/** Whether the caller may see events about Salesforce orgs. */
export function mayHearOfSalesforce(caller: Caller): boolean {
  return caller.can('salesforce:use')
}
