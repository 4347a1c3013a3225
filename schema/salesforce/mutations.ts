import {
  SalesforceCallFailed,
  SalesforceConnectionFailed,
  SalesforceOrgNotFound,
  SalesforceOrgUnusable,
} from '#domain/salesforce/errors.ts'
import type { FrontDoor } from '#domain/salesforce/front-door.ts'
import type { ConnectionTest, RemovedOrg } from '#domain/salesforce/org-commands.ts'
import type { RegisteredOrg } from '#domain/salesforce/registration.ts'
import { InvalidInput } from '#lib/errors.ts'
import { builder, isPublic } from '#schema/builder.ts'
import {
  BeginSalesforceLoginInput,
  FinishSalesforceLoginInput,
  OpenSalesforceOrgInput,
  RegisterSalesforceOrgInput,
  RegisterSalesforceSandboxInput,
  RemoveSalesforceOrgInput,
  TestSalesforceOrgInput,
  toRegistration,
  toSettings,
  UpdateSalesforceOrgInput,
} from './inputs.ts'
import { SalesforceOrgRef } from './org.ts'
import './failures.ts'

/** A payload with the org as it is now. */
function orgPayload<Shape extends { readonly id: string }>(name: string, description: string) {
  return builder.objectRef<Shape>(name).implement({
    description,
    fields: (t) => ({
      org: t.prismaField({
        type: SalesforceOrgRef,
        description: 'The org as it is now.',
        resolve: (query, { id }, _args, { caller, db }) =>
          db.salesforceOrg.findUniqueOrThrow({
            ...query,
            where: { accountId_id: { accountId: caller.accountId, id } },
          }),
      }),
    }),
  })
}

function registeredPayload(name: string) {
  const payload = orgPayload<RegisteredOrg>(name, 'The org is registered, and a connection to it has succeeded.')
  builder.objectField(payload, 'warnings', (t) =>
    t.stringList({
      description: 'What you should know about it, a sentence each.',
      resolve: ({ warnings }) => [...warnings],
    }),
  )
  return payload
}

builder.mutationField('registerSalesforceOrg', (t) =>
  t.field({
    type: registeredPayload('RegisterSalesforceOrgPayload'),
    description:
      'Registers a Salesforce org once a connection to it has succeeded; nothing is stored otherwise. One of the same username is replaced, and keeps its id.',
    args: { input: t.arg({ type: RegisterSalesforceOrgInput, required: true, description: 'The org.' }) },
    errors: { types: [InvalidInput, SalesforceConnectionFailed] },
    resolve: (_root, { input }, { caller, salesforce }) => salesforce.register(caller, toRegistration(input as never)),
  }),
)

builder.mutationField('registerSalesforceSandbox', (t) =>
  t.field({
    type: registeredPayload('RegisterSalesforceSandboxPayload'),
    description: 'Registers a sandbox by its name, through its production org and with the same app.',
    args: { input: t.arg({ type: RegisterSalesforceSandboxInput, required: true, description: 'The sandbox.' }) },
    errors: { types: [InvalidInput, SalesforceOrgNotFound, SalesforceOrgUnusable, SalesforceConnectionFailed] },
    resolve: (_root, { input: { sandboxName, production, ...given } }, { caller, salesforce }) =>
      salesforce.registerSandbox(caller, { sandboxName, production, ...toSettings(given as never) }),
  }),
)

const BeginSalesforceLoginPayload = builder
  .objectRef<{ url: string; expiresAt: Date }>('BeginSalesforceLoginPayload')
  .implement({
    description: 'The login waits for a person.',
    fields: (t) => ({
      url: t.exposeString('url', { description: 'Where to send the person; it works once.' }),
      expiresAt: t.expose('expiresAt', { type: 'DateTime', description: 'Until when they can come back.' }),
    }),
  })

builder.mutationField('beginSalesforceLogin', (t) =>
  t.field({
    type: BeginSalesforceLoginPayload,
    description: 'Starts to register an org by the web flow with PKCE, which a person completes in a browser.',
    args: { input: t.arg({ type: BeginSalesforceLoginInput, required: true, description: 'The app.' }) },
    errors: { types: [InvalidInput] },
    resolve: (_root, { input }, { caller, salesforce }) => {
      const { clientId, clientSecret, loginUrl, username, redirectUri, ...given } = input
      return salesforce.beginLogin(caller, {
        clientId,
        ...(redirectUri && { redirectUri }),
        ...(clientSecret && { clientSecret }),
        ...(loginUrl && { loginUrl }),
        ...(username && { username }),
        ...toSettings(given as never),
      })
    },
  }),
)

const FinishSalesforceLoginPayload = builder
  .objectRef<RegisteredOrg & { readonly username: string }>('FinishSalesforceLoginPayload')
  .implement({
    description: 'The org is registered in the account of those who started the login.',
    fields: (t) => ({
      orgId: t.id({ description: 'The id of the registered org.', resolve: ({ id }) => id }),
      username: t.exposeString('username', { description: 'As whom the server acts in it.' }),
    }),
  })

builder.mutationField('finishSalesforceLogin', (t) =>
  t.field({
    ...isPublic,
    type: FinishSalesforceLoginPayload,
    description:
      'Completes a login that `beginSalesforceLogin` started, with the rights that its starter still has. Needs no token: the state parameter is known to the person’s browser alone.',
    args: { input: t.arg({ type: FinishSalesforceLoginInput, required: true, description: 'The parameters.' }) },
    errors: { types: [SalesforceConnectionFailed] },
    resolve: (_root, { input }, { salesforce, request }) => salesforce.finishLogin(input.parameters, request),
  }),
)

builder.mutationField('updateSalesforceOrg', (t) =>
  t.field({
    type: orgPayload<{ id: string }>('UpdateSalesforceOrgPayload', 'The org is changed.'),
    description: 'Changes what people decide about an org; its credential is changed by registering it again.',
    args: { input: t.arg({ type: UpdateSalesforceOrgInput, required: true, description: 'The changes.' }) },
    errors: { types: [InvalidInput, SalesforceOrgNotFound] },
    resolve: async (_root, { input: { org, ...given } }, { caller, salesforce }) => ({
      id: await salesforce.update(caller, org, toSettings(given as never)),
    }),
  }),
)

const TestSalesforceOrgPayload = orgPayload<ConnectionTest>('TestSalesforceOrgPayload', 'The connection was tested.')
builder.objectFields(TestSalesforceOrgPayload, (t) => ({
  isConnected: t.exposeBoolean('isConnected', { description: 'Whether Salesforce answered as it should.' }),
  apiVersion: t.string({
    nullable: true,
    description: 'The API version that is used; null without a connection.',
    resolve: ({ apiVersion }) => apiVersion ?? null,
  }),
  latencyMs: t.exposeInt('latencyMs', { description: 'How long it took, in milliseconds.' }),
  error: t.string({
    nullable: true,
    description: 'Why there is no connection; null when there is.',
    resolve: ({ error }) => error ?? null,
  }),
}))

builder.mutationField('testSalesforceOrg', (t) =>
  t.field({
    type: TestSalesforceOrgPayload,
    description: 'Connects to an org. That it can’t be used is a result, not a failure.',
    args: { input: t.arg({ type: TestSalesforceOrgInput, required: true, description: 'The org.' }) },
    errors: { types: [SalesforceOrgNotFound] },
    resolve: (_root, { input }, { caller, salesforce }) => salesforce.test(caller, input.org),
  }),
)

const OpenSalesforceOrgPayload = orgPayload<FrontDoor & { id: string }>(
  'OpenSalesforceOrgPayload',
  'The link opens a session of the org’s user: hand it to nobody else.',
)
builder.objectFields(OpenSalesforceOrgPayload, (t) => ({
  url: t.exposeString('url', { description: 'The link, for a browser. It is a secret, and stored nowhere.' }),
  isOneTime: t.exposeBoolean('isOneTime', {
    description: 'Whether it works once only. Links of apps without the scope `web` hold the session itself.',
  }),
}))

builder.mutationField('openSalesforceOrg', (t) =>
  t.field({
    type: OpenSalesforceOrgPayload,
    description: 'Makes a link that logs a browser in to an org as its user.',
    args: { input: t.arg({ type: OpenSalesforceOrgInput, required: true, description: 'The org.' }) },
    errors: { types: [InvalidInput, SalesforceOrgNotFound, SalesforceOrgUnusable, SalesforceCallFailed] },
    resolve: (_root, { input }, { caller, salesforce }) => salesforce.open(caller, input.org, input.path ?? undefined),
  }),
)

const RemoveSalesforceOrgPayload = builder.objectRef<RemovedOrg>('RemoveSalesforceOrgPayload').implement({
  description: 'The org is removed with its credential.',
  fields: (t) => ({
    id: t.exposeID('id', { description: 'The id that it had.' }),
    username: t.exposeString('username', { description: 'As whom the server acted in it.' }),
    isRevoked: t.exposeBoolean('isRevoked', { description: 'Whether its authorization was revoked at Salesforce.' }),
    revocationError: t.string({
      nullable: true,
      description: 'Why it could not be revoked: do it in the org’s setup.',
      resolve: ({ revocationError }) => revocationError ?? null,
    }),
  }),
})

builder.mutationField('removeSalesforceOrg', (t) =>
  t.field({
    type: RemoveSalesforceOrgPayload,
    description: 'Removes an org with its credential, for good.',
    args: { input: t.arg({ type: RemoveSalesforceOrgInput, required: true, description: 'The org.' }) },
    errors: { types: [SalesforceOrgNotFound] },
    resolve: (_root, { input: { org, revoke } }, { caller, salesforce }) => salesforce.remove(caller, org, { revoke }),
  }),
)
