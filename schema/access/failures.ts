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
  description: 'The token has expired, was revoked or was rotated, and stays so.',
  interfaces: [Failure],
  isTypeOf: (value) => value instanceof ApplicationTokenEnded,
  fields: (t) => ({ status: t.exposeString('status', { description: 'EXPIRED, REVOKED or ROTATED.' }) }),
})

builder.objectType(TooManyPersonalTokens, {
  name: 'TooManyPersonalTokens',
  description: 'The person has as many valid personal tokens as one may have.',
  interfaces: [Failure],
  isTypeOf: (value) => value instanceof TooManyPersonalTokens,
  fields: (t) => ({ limit: t.exposeInt('limit', { description: 'How many a person may have.' }) }),
})

builder.objectType(TokenShown, {
  name: 'TokenShown',
  description: 'An earlier request with this idempotency key created the token and showed it.',
  interfaces: [Failure],
  isTypeOf: (value) => value instanceof TokenShown,
  fields: (t) => ({ id: t.exposeID('id', { description: 'The token’s id; rotate it if its text was lost.' }) }),
})

builder.objectType(ScopeNotHeld, {
  name: 'ScopeNotHeld',
  description: 'Nobody grants, changes or takes away rights that they don’t hold themselves.',
  interfaces: [Failure],
  isTypeOf: (value) => value instanceof ScopeNotHeld,
  fields: (t) => ({
    scopes: t.stringList({ description: 'Those that you lack.', resolve: (failure) => [...failure.scopes] }),
  }),
})
