import type { OrgRegistrationInput, OrgSettings } from '#domain/salesforce/registration-input.ts'
import { builder } from '#schema/builder.ts'

type Fields = PothosSchemaTypes.InputFieldBuilder<typeof builder.$inferSchemaTypes, 'InputObject'>

/** What people decide about an org. */
const settings = (t: Fields) => ({
  isDefault: t.boolean({ description: 'Whether it is the account’s default org, instead of the one that is.' }),
  isDevHub: t.boolean({ description: 'Whether it counts as a Dev Hub; as Salesforce says when absent.' }),
  metadata: t.field({
    type: 'JSON',
    description:
      'An object of texts, numbers, true, false and null to filter by, at most 16 KiB. It must not hold secrets.',
  }),
})

const orgField = { required: true, description: 'Its id or username.' } as const

const JwtBearerInput = builder.inputType('SalesforceJwtBearerInput', {
  description: 'An External Client App with a certificate, for a user whom an administrator has approved for it.',
  fields: (t) => ({
    clientId: t.string({ required: true, description: 'The consumer key of the app.' }),
    username: t.string({ required: true, description: 'As whom the server acts.' }),
    privateKey: t.string({
      required: true,
      description: 'The RSA key of the certificate in PEM, at least 2048 bits, without a passphrase.',
    }),
  }),
})

const ClientCredentialsInput = builder.inputType('SalesforceClientCredentialsInput', {
  description: 'An External Client App that has a user to run as.',
  fields: (t) => ({
    clientId: t.string({ required: true, description: 'The consumer key of the app.' }),
    clientSecret: t.string({ required: true, description: 'The consumer secret of the app.' }),
  }),
})

export const RegisterSalesforceOrgInput = builder.inputType('RegisterSalesforceOrgInput', {
  description: 'An org to register: exactly one of `jwtBearer`, `clientCredentials` and `authUrl`.',
  fields: (t) => ({
    jwtBearer: t.field({ type: JwtBearerInput, description: 'By the JWT bearer flow, which is recommended.' }),
    clientCredentials: t.field({ type: ClientCredentialsInput, description: 'By the client credentials flow.' }),
    authUrl: t.string({
      description:
        'By an SFDX auth URL, `force://<client id>:<client secret>:<refresh token>@<host>`. Its refresh token is used, so that it may be replaced.',
    }),
    loginUrl: t.string({
      description:
        'Where tokens are requested: the org’s My Domain, such as `https://acme.my.salesforce.com`, or `https://test.salesforce.com` for sandboxes; `https://login.salesforce.com` when absent. Needed for client credentials; an auth URL has its own.',
    }),
    username: t.string({ description: 'Whose authorization it has to be; anybody’s when absent.' }),
    ...settings(t),
  }),
})

export const RegisterSalesforceSandboxInput = builder.inputType('RegisterSalesforceSandboxInput', {
  description: 'A sandbox whose production org is registered.',
  fields: (t) => ({
    sandboxName: t.string({
      required: true,
      description: 'Its name in the production org, 1 to 10 letters and digits.',
    }),
    production: t.string({ required: true, description: 'The production org, by id or username.' }),
    ...settings(t),
  }),
})

export const BeginSalesforceLoginInput = builder.inputType('BeginSalesforceLoginInput', {
  description: 'An External Client App that a person is to approve.',
  fields: (t) => ({
    clientId: t.string({ required: true, description: 'The consumer key of the app.' }),
    clientSecret: t.string({ description: 'The consumer secret, if the app needs it.' }),
    loginUrl: t.string({
      description:
        'Where the person logs in: the org’s My Domain, or `https://login.salesforce.com`, which is the default.',
    }),
    username: t.string({ description: 'Who has to approve; anybody when absent.' }),
    redirectUri: t.string({
      description:
        'A callback URL of the app, whose parameters `finishSalesforceLogin` needs; `<PUBLIC_URL>/api/auth/salesforce/callback` when absent, which does the rest.',
    }),
    ...settings(t),
  }),
})

export const FinishSalesforceLoginInput = builder.inputType('FinishSalesforceLoginInput', {
  description: 'What a person came back from Salesforce with.',
  fields: (t) => ({
    parameters: t.string({ required: true, description: 'The query of the callback URL, such as `code=…&state=…`.' }),
  }),
})

export const UpdateSalesforceOrgInput = builder.inputType('UpdateSalesforceOrgInput', {
  description: 'What is to be changed of an org; what is left out stays.',
  fields: (t) => ({ org: t.string(orgField), ...settings(t) }),
})

export const TestSalesforceOrgInput = builder.inputType('TestSalesforceOrgInput', {
  description: 'An org to connect to.',
  fields: (t) => ({ org: t.string(orgField) }),
})

export const OpenSalesforceOrgInput = builder.inputType('OpenSalesforceOrgInput', {
  description: 'An org to open in a browser.',
  fields: (t) => ({
    org: t.string(orgField),
    path: t.string({
      description: 'Where in the org, such as `/lightning/setup/SetupOneHome/home`; its home when absent.',
    }),
  }),
})

export const RemoveSalesforceOrgInput = builder.inputType('RemoveSalesforceOrgInput', {
  description: 'An org to remove.',
  fields: (t) => ({
    org: t.string(orgField),
    revoke: t.boolean({
      required: true,
      defaultValue: true,
      description:
        'Whether its authorization is revoked at Salesforce. A refresh token that others use too ends for them as well.',
    }),
  }),
})

type Given<Value> = Value extends object ? { [Key in keyof Value]?: Given<Value[Key]> | null } : Value

/** As the domain takes it, which checks what is inside; null stands for what is absent. */
export function toRegistration(input: Given<OrgRegistrationInput>): OrgRegistrationInput {
  return withoutNulls(input) as OrgRegistrationInput
}

/** What was given of an org's settings. */
export function toSettings({
  isDefault,
  isDevHub,
  metadata,
}: Given<OrgSettings> & { metadata?: unknown }): OrgSettings {
  return withoutNulls({ isDefault, isDevHub, metadata }) as OrgSettings
}

function withoutNulls(input: object): object {
  return Object.fromEntries(Object.entries(input).filter(([, value]) => value !== null && value !== undefined))
}
