import {
  ApplicationTokenEnded,
  ApplicationTokenNotFound,
  ScopeNotHeld,
  TokenShown,
  TooManyPersonalTokens,
} from '#domain/access/errors.ts'
import type { IssuedToken } from '#domain/access/tokens/token-issue.ts'
import { QuotaExceeded } from '#domain/quotas/errors.ts'
import { InvalidInput } from '#lib/errors.ts'
import { IdempotencyKeyReused } from '#platform/database/idempotency.ts'
import { builder } from '#schema/builder.ts'
import { idempotencyKey } from '#schema/idempotency.ts'
import { ApplicationTokenRef } from './application-token.ts'
import './failures.ts'

/** A payload with the token as it is now and, where one was created, its text. */
function tokenPayload<Shape extends { id: string }>(name: string, description: string) {
  return builder.objectRef<Shape>(name).implement({
    description,
    fields: (t) => ({
      applicationToken: t.prismaField({
        type: ApplicationTokenRef,
        description: 'Its current state.',
        resolve: (query, { id }, _args, { caller, db }) =>
          db.applicationToken.findUniqueOrThrow({
            ...query,
            where: { accountId_id: { accountId: caller.accountId, id } },
          }),
      }),
    }),
  })
}

function issuedPayload(name: string, description: string) {
  const payload = tokenPayload<IssuedToken>(name, description)
  builder.objectField(payload, 'token', (t) =>
    t.exposeString('token', { description: 'The token. It is not stored and cannot be shown again.' }),
  )
  return payload
}

const keyDescription = `${idempotencyKey.description} A token is shown once: the second answer is TokenShown.`

const expiryDescription =
  'After how many days it expires; default 30. At most 365, unless the account’s policy says otherwise.'

const CreateApplicationTokenInput = builder.inputType('CreateApplicationTokenInput', {
  description: 'The token to create.',
  fields: (t) => ({
    name: t.string({ required: true, description: 'A name for people to recognize it by; at most 100 characters.' }),
    scopes: t.stringList({
      required: true,
      description:
        'Its scopes, such as `tasks:read`; narrowed ones such as `tasks:write:type=deploy.*` or `documents:write:releases/**`. They must not exceed the caller’s.',
    }),
    expiresInDays: t.int({ description: expiryDescription }),
    personal: t.boolean({
      description:
        'Whether the token belongs to the signed-in person: it never allows more than their current role, ends when they are removed, and they can list and revoke it. Default: true for people without `access:admin`, otherwise false.',
    }),
    idempotencyKey: t.string({ description: keyDescription }),
  }),
})

builder.mutationField('createApplicationToken', (t) =>
  t.field({
    type: issuedPayload('CreateApplicationTokenPayload', 'The token is valid from now on.'),
    description:
      'Creates an application token. Needs `access:admin`; people who are signed in create personal tokens without it, at most 50 valid ones each.',
    args: { input: t.arg({ type: CreateApplicationTokenInput, required: true, description: 'The token.' }) },
    errors: {
      types: [InvalidInput, ScopeNotHeld, QuotaExceeded, TooManyPersonalTokens, IdempotencyKeyReused, TokenShown],
    },
    resolve: (_root, { input }, { caller, access }) =>
      access.tokens.create(caller, { ...withoutNull(input), personal: input.personal ?? undefined }),
  }),
)

const RotateApplicationTokenInput = builder.inputType('RotateApplicationTokenInput', {
  description: 'The token to replace.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'The old token’s id, or the token itself.' }),
    overlapMs: t.int({
      required: true,
      defaultValue: 0,
      description: 'How long the old token stays valid, in milliseconds; default 0, at most seven days.',
    }),
    expiresInDays: t.int({
      description: `${expiryDescription} A token without \`access:admin\` that rotates itself keeps its end, and can only ask for an earlier one.`,
    }),
    idempotencyKey: t.string({ description: keyDescription }),
  }),
})

builder.mutationField('rotateApplicationToken', (t) =>
  t.field({
    type: issuedPayload('RotateApplicationTokenPayload', 'The successor is valid from now on.'),
    description:
      'Replaces a token by a successor with the same name and scopes. A token may rotate itself, and people their personal tokens; other tokens need `access:admin`. When a token that was already rotated rotates itself again, it has been copied: all tokens of its rotation chain are revoked. An idempotency key makes retries safe.',
    args: { input: t.arg({ type: RotateApplicationTokenInput, required: true, description: 'The token.' }) },
    errors: {
      types: [
        ApplicationTokenNotFound,
        ApplicationTokenEnded,
        InvalidInput,
        ScopeNotHeld,
        IdempotencyKeyReused,
        TokenShown,
      ],
    },
    resolve: (_root, { input }, { caller, access }) => access.tokens.rotate(caller, withoutNull(input)),
  }),
)

const RevokeApplicationTokenInput = builder.inputType('RevokeApplicationTokenInput', {
  description: 'The token to revoke.',
  fields: (t) => ({
    id: t.string({ required: true, description: 'Its id, or the token itself.' }),
    reason: t.string({ description: 'The reason, in at most 500 characters.' }),
  }),
})

builder.mutationField('revokeApplicationToken', (t) =>
  t.field({
    type: tokenPayload<{ id: string }>('RevokeApplicationTokenPayload', 'The token is no longer accepted.'),
    description:
      'Revokes a token and ends everything running under it. People may revoke their personal tokens; other tokens need `access:admin`. Revoking by id also needs every scope of the token; the token itself proves as much.',
    args: { input: t.arg({ type: RevokeApplicationTokenInput, required: true, description: 'The token.' }) },
    errors: { types: [ApplicationTokenNotFound, ApplicationTokenEnded, InvalidInput, ScopeNotHeld] },
    resolve: async (_root, { input }, { caller, access }) => ({
      id: await access.tokens.revoke(caller, input.id, input.reason ?? undefined),
    }),
  }),
)

/** What was left out is absent, and not null. */
function withoutNull<
  Input extends { expiresInDays?: number | null | undefined; idempotencyKey?: string | null | undefined },
>(input: Input) {
  return {
    ...input,
    expiresInDays: input.expiresInDays ?? undefined,
    idempotencyKey: input.idempotencyKey ?? undefined,
  }
}
