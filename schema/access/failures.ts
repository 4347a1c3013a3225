import {
  ApplicationTokenEnded,
  ApplicationTokenNotFound,
  ScopeNotHeld,
  TokenShown,
  TooManyPersonalTokens,
} from '#domain/access/errors.ts'
import { builder } from '#schema/builder.ts'
import { Failure } from '#schema/failures.ts'

builder.objectType(ApplicationTokenNotFound, {
  name: 'ApplicationTokenNotFound',
  description: 'The account has no such application token.',
  interfaces: [Failure],
  isTypeOf: (value) => value instanceof ApplicationTokenNotFound,
})

builder.objectType(ApplicationTokenEnded, {
  name: 'ApplicationTokenEnded',
  description: 'The token has expired, was revoked or was rotated; this cannot be undone.',
  interfaces: [Failure],
  isTypeOf: (value) => value instanceof ApplicationTokenEnded,
  fields: (t) => ({ status: t.exposeString('status', { description: 'EXPIRED, REVOKED or ROTATED.' }) }),
})

builder.objectType(TooManyPersonalTokens, {
  name: 'TooManyPersonalTokens',
  description: 'The person has the maximum number of valid personal tokens.',
  interfaces: [Failure],
  isTypeOf: (value) => value instanceof TooManyPersonalTokens,
  fields: (t) => ({ limit: t.exposeInt('limit', { description: 'Maximum per person.' }) }),
})

builder.objectType(TokenShown, {
  name: 'TokenShown',
  description: 'An earlier request with this idempotency key already created and returned the token.',
  interfaces: [Failure],
  isTypeOf: (value) => value instanceof TokenShown,
  fields: (t) => ({ id: t.exposeID('id', { description: 'The token’s id; rotate the token if it was lost.' }) }),
})

builder.objectType(ScopeNotHeld, {
  name: 'ScopeNotHeld',
  description: 'Callers cannot grant, change or revoke scopes that they do not hold themselves.',
  interfaces: [Failure],
  isTypeOf: (value) => value instanceof ScopeNotHeld,
  fields: (t) => ({
    scopes: t.stringList({ description: 'The missing scopes.', resolve: (failure) => [...failure.scopes] }),
  }),
})
