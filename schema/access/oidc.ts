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
failureType(ProviderFailed, 'ProviderFailed', 'The identity provider is down, slow, or misconfigured.')
failureType(NotInvited, 'NotInvited', 'The provider knows the person, but this installation does not.')

builder.objectType(ProviderRefused, {
  name: 'ProviderRefused',
  description: 'The provider refused, or its response belongs to no pending sign-in.',
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
  description: 'Where the provider redirects the person to afterwards.',
  fields: (t) => ({
    redirectUri: t.string({ required: true, description: 'One of the redirect URIs registered with the provider.' }),
    account: t.string({
      description: 'The account to sign in to, by id or name; needed only by people who belong to several accounts.',
    }),
  }),
})

const BeginOidcSignInPayload = builder.objectRef<{ url: string; pending: string }>('BeginOidcSignInPayload').implement({
  description: 'The sign-in was started.',
  fields: (t) => ({
    url: t.exposeString('url', { description: 'Where to redirect the person.' }),
    pending: t.exposeString('pending', {
      description: 'Encrypted state; pass it to `finishOidcSignIn`. Keep it in the person’s own browser only.',
    }),
  }),
})

builder.mutationField('beginOidcSignIn', (t) =>
  t.field({
    ...isPublic,
    type: BeginOidcSignInPayload,
    description: 'Starts a sign-in at the identity provider: authorization code with PKCE. Needs no token.',
    args: { input: t.arg({ type: BeginOidcSignInInput, required: true, description: 'Where to return to.' }) },
    errors: { types: [ProviderMissing, ProviderFailed, InvalidInput] },
    resolve: (_root, { input }, { access }) => access.oidc.begin(input.redirectUri, input.account ?? undefined),
  }),
)

const FinishOidcSignInInput = builder.inputType('FinishOidcSignInInput', {
  description: 'The provider’s response.',
  fields: (t) => ({
    parameters: t.string({ required: true, description: 'The query string of the redirect.' }),
    pending: t.string({ required: true, description: 'The value from `beginOidcSignIn`.' }),
  }),
})

builder.mutationField('finishOidcSignIn', (t) =>
  t.field({
    ...isPublic,
    type: signedInPayload('FinishOidcSignInPayload'),
    description: 'Completes a sign-in at the identity provider. Needs no token.',
    args: { input: t.arg({ type: FinishOidcSignInInput, required: true, description: 'The provider’s response.' }) },
    errors: { types: [ProviderMissing, ProviderFailed, ProviderRefused, NotInvited, AccountRequired] },
    resolve: (_root, { input }, { access, request }) => access.oidc.finish(input.parameters, input.pending, request),
  }),
)
