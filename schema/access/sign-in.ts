import { ScopeNotHeld } from '#domain/access/errors.ts'
import { UserNotFound } from '#domain/access/people/errors.ts'
import {
  type AccountName,
  AccountRequired,
  RefreshRefused,
  SessionNotFound,
  SignInRefused,
  TokenRefused,
  TooManyAttempts,
  WrongPassword,
} from '#domain/access/sign-in/errors.ts'
import type { SignedIn } from '#domain/access/sign-in/sessions.ts'
import { InvalidInput } from '#lib/errors.ts'
import { builder, isPublic } from '#schema/builder.ts'
import { Failure, failureType } from '#schema/failures.ts'
import './failures.ts'
import { PersonRole } from './person.ts'
import { userPayload } from './person-mutations.ts'

failureType(SignInRefused, 'SignInRefused', 'The address or the password is wrong.')
failureType(RefreshRefused, 'RefreshRefused', 'The refresh token is not valid (any more).')
failureType(TokenRefused, 'TokenRefused', 'The token does not belong to a person, or is not valid.')
failureType(SessionNotFound, 'SessionNotFound', 'The account has no such active session.')
failureType(WrongPassword, 'WrongPassword', 'The current password is wrong.')

builder.objectType(TooManyAttempts, {
  name: 'TooManyAttempts',
  description: 'Too many attempts from this address or for this person.',
  interfaces: [Failure],
  isTypeOf: (value) => value instanceof TooManyAttempts,
  fields: (t) => ({
    retryAfterMs: t.exposeFloat('retryAfterMs', { description: 'When to try again, in milliseconds.' }),
  }),
})

const SignInAccount = builder.objectRef<AccountName>('SignInAccount').implement({
  description: 'An account that a person may sign in to.',
  fields: (t) => ({
    id: t.exposeID('id', { description: 'Pass this or the name as `account`.' }),
    name: t.exposeString('name', { description: 'Its display name; not necessarily unique.' }),
  }),
})

builder.objectType(AccountRequired, {
  name: 'AccountRequired',
  description: 'The person belongs to several accounts; repeat the request with `account`.',
  interfaces: [Failure],
  isTypeOf: (value) => value instanceof AccountRequired,
  fields: (t) => ({
    accounts: t.field({
      type: [SignInAccount],
      description: 'The accounts that they belong to.',
      resolve: (failure) => [...failure.accounts],
    }),
  }),
})

export function signedInPayload(name: string) {
  return builder.objectRef<SignedIn>(name).implement({
    description: 'The person is signed in.',
    fields: (t) => ({
      accessToken: t.exposeString('accessToken', { description: 'Send it as `Authorization: Bearer <token>`.' }),
      accessTokenExpiresAt: t.expose('accessTokenExpiresAt', { type: 'DateTime', description: 'An hour from now.' }),
      refreshToken: t.exposeString('refreshToken', {
        description:
          'Exchanges for the next pair; can be used once. Using it again ends the session, since it may have been stolen.',
      }),
      userId: t.id({ description: 'Who.', resolve: ({ person }) => person.id }),
      email: t.string({ description: 'The person’s e-mail address.', resolve: ({ person }) => person.email }),
      role: t.field({ type: PersonRole, description: 'In the account.', resolve: ({ person }) => person.role }),
    }),
  })
}

const SignInInput = builder.inputType('SignInInput', {
  description: 'The credentials of a person.',
  fields: (t) => ({
    email: t.string({ required: true, description: 'The person’s e-mail address.' }),
    password: t.string({ required: true, description: 'The password.' }),
    scopes: t.stringList({ description: 'The scopes of the session; default: everything that the role allows.' }),
    account: t.string({
      description: 'The account to sign in to, by id or name; needed only with the same password in several accounts.',
    }),
  }),
})

builder.mutationField('signIn', (t) =>
  t.field({
    ...isPublic,
    type: signedInPayload('SignInPayload'),
    description: 'Signs a person in by e-mail address and password. Needs no token.',
    args: { input: t.arg({ type: SignInInput, required: true, description: 'Who.' }) },
    errors: { types: [SignInRefused, TooManyAttempts, AccountRequired, InvalidInput, ScopeNotHeld] },
    resolve: (_root, { input }, { access, request }) =>
      access.passwords.signIn(input.email, input.password, request, {
        scopes: input.scopes ?? undefined,
        account: input.account ?? undefined,
      }),
  }),
)

const RefreshSessionInput = builder.inputType('RefreshSessionInput', {
  description: 'The session to continue.',
  fields: (t) => ({
    refreshToken: t.string({ required: true, description: 'The latest refresh token.' }),
    scopes: t.stringList({
      description: 'Narrows the scopes of the session; default: as before.',
    }),
  }),
})

builder.mutationField('refreshSession', (t) =>
  t.field({
    ...isPublic,
    type: signedInPayload('RefreshSessionPayload'),
    description: 'Exchanges a refresh token for a new pair. Needs no access token.',
    args: { input: t.arg({ type: RefreshSessionInput, required: true, description: 'The refresh token.' }) },
    errors: { types: [RefreshRefused, InvalidInput, ScopeNotHeld] },
    resolve: (_root, { input }, { access, request }) =>
      access.sessions.refresh(input.refreshToken, request, input.scopes ?? undefined),
  }),
)

const CheckSessionInput = builder.inputType('CheckSessionInput', {
  description: 'An access token to check.',
  fields: (t) => ({ accessToken: t.string({ required: true, description: 'The token.' }) }),
})

const CheckSessionPayload = builder.objectRef<{ userId: string }>('CheckSessionPayload').implement({
  description: 'The token is valid.',
  fields: (t) => ({ userId: t.exposeID('userId', { description: 'The id of its owner.' }) }),
})

builder.mutationField('checkSession', (t) =>
  t.field({
    ...isPublic,
    type: CheckSessionPayload,
    description: 'Returns the owner of an access token. Needs no other token.',
    args: { input: t.arg({ type: CheckSessionInput, required: true, description: 'The access token to check.' }) },
    errors: { types: [TokenRefused] },
    resolve: async (_root, { input }, { access }) => ({ userId: await access.sessions.check(input.accessToken) }),
  }),
)

const SignOutInput = builder.inputType('SignOutInput', {
  description: 'A session to end.',
  fields: (t) => ({ sessionId: t.id({ description: 'The session; default: the one of this request.' }) }),
})

const SignOutPayload = builder.objectRef<{ sessionId: string }>('SignOutPayload').implement({
  description: 'The session and everything running under it has ended.',
  fields: (t) => ({ sessionId: t.exposeID('sessionId', { description: 'The id of the session.' }) }),
})

builder.mutationField('signOut', (t) =>
  t.field({
    type: SignOutPayload,
    description:
      'Ends a session. The one of this request can always be ended; others need every scope of the person’s role and, for other people’s sessions, `access:admin`.',
    args: { input: t.arg({ type: SignOutInput, required: true, description: 'The session to end.' }) },
    errors: { types: [SessionNotFound, ScopeNotHeld] },
    resolve: async (_root, { input }, { caller, access }) => ({
      sessionId: await access.sessions.end(caller, input.sessionId ?? undefined),
    }),
  }),
)

const SetPasswordInput = builder.inputType('SetPasswordInput', {
  description: 'A new password for a person.',
  fields: (t) => ({
    who: t.string({ required: true, description: 'Their id or e-mail address.' }),
    password: t.string({ required: true, description: 'The new password: 12 to 256 characters.' }),
    presentPassword: t.string({ description: 'The current password; required to change your own.' }),
  }),
})

builder.mutationField('setPassword', (t) =>
  t.field({
    type: userPayload('SetPasswordPayload', 'The password was set, and all sessions of the person have ended.'),
    description:
      'Sets a person’s password: your own with the current one, those of others with `access:admin`. Needs every scope of the person’s role.',
    args: { input: t.arg({ type: SetPasswordInput, required: true, description: 'The person and the password.' }) },
    errors: { types: [UserNotFound, InvalidInput, WrongPassword, TooManyAttempts, ScopeNotHeld] },
    resolve: async (_root, { input }, { caller, access }) => ({
      id: await access.passwords.setPassword(caller, input.who, input.password, input.presentPassword ?? undefined),
    }),
  }),
)
