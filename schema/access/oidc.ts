import {
  AccountRequired,
  NotInvited,
  ProviderFailed,
  ProviderMissing,
  ProviderRefused,
} from '#domain/access/sign-in/errors.ts'
import { InvalidInput } from '#lib/errors.ts'
import { builder, isPublic } from '#schema/builder.ts'
import { Failure, failureType } from '#schema/failures.ts'
import { signedInPayload } from './sign-in.ts'

failureType(ProviderMissing, 'ProviderMissing', 'No identity provider is configured.')
failureType(ProviderFailed, 'ProviderFailed', 'The identity provider is down, slow, or not what it should be.')
failureType(NotInvited, 'NotInvited', 'The provider knows the person, and this installation doesn’t.')

builder.objectType(ProviderRefused, {
  name: 'ProviderRefused',
  description: 'The provider said no, or what came back fits nothing that was begun.',
  interfaces: [Failure],
  isTypeOf: (value) => value instanceof ProviderRefused,
  fields: (t) => ({
    reason: t.exposeString('reason', {
      description:
        'The provider’s own code (RFC 6749 §4.1.2.1), `invalid_state`, `invalid_issuer`, `invalid_response`, or `expired`.',
    }),
  }),
})

const BeginOidcSignInInput = builder.inputType('BeginOidcSignInInput', {
  description: 'Where the provider sends the person back to.',
  fields: (t) => ({
    redirectUri: t.string({ required: true, description: 'One of those that the provider knows.' }),
    account: t.string({
      description: 'The account to sign in to, by id or name; needed only by people who belong to several accounts.',
    }),
  }),
})

const BeginOidcSignInPayload = builder.objectRef<{ url: string; pending: string }>('BeginOidcSignInPayload').implement({
  description: 'The person can go to the provider.',
  fields: (t) => ({
    url: t.exposeString('url', { description: 'Where to send them.' }),
    pending: t.exposeString('pending', {
      description: 'Sealed; pass it when they come back. Keep it where only their own browser has it.',
    }),
  }),
})

builder.mutationField('beginOidcSignIn', (t) =>
  t.field({
    ...isPublic,
    type: BeginOidcSignInPayload,
    description: 'Begins a sign-in at the identity provider: authorization code with PKCE. Needs no token.',
    args: { input: t.arg({ type: BeginOidcSignInInput, required: true, description: 'Where to come back.' }) },
    errors: { types: [ProviderMissing, ProviderFailed, InvalidInput] },
    resolve: (_root, { input }, { access }) => access.oidc.begin(input.redirectUri, input.account ?? undefined),
  }),
)

const FinishOidcSignInInput = builder.inputType('FinishOidcSignInInput', {
  description: 'What the person has come back with.',
  fields: (t) => ({
    parameters: t.string({ required: true, description: 'The query of the address that they were sent back to.' }),
    pending: t.string({ required: true, description: 'As `beginOidcSignIn` gave it.' }),
  }),
})

builder.mutationField('finishOidcSignIn', (t) =>
  t.field({
    ...isPublic,
    type: signedInPayload('FinishOidcSignInPayload'),
    description: 'Signs in who has come back from the identity provider. Needs no token.',
    args: { input: t.arg({ type: FinishOidcSignInInput, required: true, description: 'What they bring.' }) },
    errors: { types: [ProviderMissing, ProviderFailed, ProviderRefused, NotInvited, AccountRequired] },
    resolve: (_root, { input }, { access, request }) => access.oidc.finish(input.parameters, input.pending, request),
  }),
)
