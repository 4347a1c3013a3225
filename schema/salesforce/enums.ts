import type { AuthMethod, OrgKind, OrgState } from '#domain/salesforce/org.ts'
import { builder } from '#schema/builder.ts'
import { described } from '#schema/described.ts'

export const SalesforceOrgKindEnum = builder.enumType('SalesforceOrgKind', {
  description: 'What sort of org it is.',
  values: described<OrgKind>({
    PRODUCTION: 'A production org, or a trial of one.',
    SANDBOX: 'A sandbox of a production org.',
    SCRATCH: 'A scratch org, which Salesforce deletes at `expiresAt`.',
    DEVELOPER: 'A Developer Edition org.',
  }),
})

export const SalesforceOrgStateEnum = builder.enumType('SalesforceOrgState', {
  description:
    'Whether an org can be used, as of its last use. All states but NEEDS_REAUTHORIZATION end by themselves with the next use that succeeds.',
  values: described<OrgState>({
    ACTIVE: 'It can be used.',
    NEEDS_REAUTHORIZATION: 'Its authorization has ended: register it again.',
    BLOCKED: 'Salesforce does not allow the app, or the network address of this server.',
    LOCKED: 'The org is locked, suspended or deleted.',
    MAINTENANCE: 'The org can’t be reached for now; its authorization is kept.',
  }),
})

export const SalesforceAuthMethodEnum = builder.enumType('SalesforceAuthMethod', {
  description: 'How access tokens of an org are requested, in the order in which the methods are recommended.',
  values: described<AuthMethod>({
    JWT_BEARER: 'With assertions that a private key signs (RFC 7523).',
    WEB: 'With the refresh token of a web flow that a person approved.',
    CLIENT_CREDENTIALS: 'With the client secret of an app that has a user to run as.',
    AUTH_URL: 'With the refresh token of an SFDX auth URL.',
  }),
})
