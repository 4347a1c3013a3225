import { ScopeNotHeld } from '#domain/access/errors.ts'
import { ExchangeRefused, IssuerFailed } from '#domain/access/trust/errors.ts'
import type { ExchangedToken } from '#domain/access/trust/token-exchange.ts'
import { QuotaExceeded } from '#domain/quotas/errors.ts'
import { InvalidInput } from '#lib/errors.ts'
import { builder, isPublic } from '#schema/builder.ts'
import { Failure, failureType } from '#schema/failures.ts'
import './failures.ts'

failureType(
  IssuerFailed,
  'IssuerFailed',
  'The keys of the token’s issuer cannot be fetched at the moment; try again later.',
)

builder.objectType(ExchangeRefused, {
  name: 'ExchangeRefused',
  description: 'The token was refused.',
  interfaces: [Failure],
  isTypeOf: (value) => value instanceof ExchangeRefused,
  fields: (t) => ({
    reason: t.exposeString('reason', { description: 'UNTRUSTED_ISSUER, INVALID_TOKEN or NO_MATCHING_RULE.' }),
  }),
})

const ExchangeTokenInput = builder.inputType('ExchangeTokenInput', {
  description: 'A token of a trusted issuer.',
  fields: (t) => ({
    subjectToken: t.string({ required: true, description: 'The OIDC token (JWT) of a CI job; at most 8 KiB.' }),
    scopes: t.stringList({
      description:
        'The scopes of the new token: those that the trust rule grants, or narrower ones; default: all of them.',
    }),
  }),
})

const ExchangeTokenPayload = builder.objectRef<ExchangedToken>('ExchangeTokenPayload').implement({
  description: 'The new token is valid from now on.',
  fields: (t) => ({
    token: t.exposeString('token', { description: 'Send it as `Authorization: Bearer <token>`.' }),
    expiresAt: t.expose('expiresAt', { type: 'DateTime', description: 'At most an hour from now.' }),
    expiresInSeconds: t.exposeInt('expiresInSeconds', { description: 'The same in seconds from now; at most 3600.' }),
    scopes: t.stringList({ description: 'The scopes of the token.', resolve: ({ scopes }) => [...scopes] }),
    rule: t.exposeString('rule', { description: 'The name of the trust rule that matched.' }),
  }),
})

builder.mutationField('exchangeToken', (t) =>
  t.field({
    ...isPublic,
    type: ExchangeTokenPayload,
    description:
      'Exchanges the OIDC token of a CI job for a short-lived token, according to the first matching trust rule of the configuration (RFC 8693). Needs no token.',
    args: { input: t.arg({ type: ExchangeTokenInput, required: true, description: 'The token to exchange.' }) },
    errors: { types: [InvalidInput, ExchangeRefused, IssuerFailed, ScopeNotHeld, QuotaExceeded] },
    resolve: (_root, { input }, { access, request }) =>
      access.exchange(input.subjectToken, input.scopes ?? undefined, request),
  }),
)
