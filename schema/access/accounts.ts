import type { Account } from '#domain/access/account.ts'
import type { AccountDeletion } from '#domain/access/account-deletion.ts'
import {
  AccountAmbiguous,
  AccountNameTaken,
  AccountNotFound,
  AccountStateConflict,
} from '#domain/access/account-errors.ts'
import type { FirstOwner } from '#domain/access/account-owner.ts'
import type { CreatedAccount } from '#domain/access/account-service.ts'
import { decodeCursor, encodeCursor, InvalidCursor } from '#lib/cursor.ts'
import { InvalidInput } from '#lib/errors.ts'
import { isId } from '#lib/ids.ts'
import { builder } from '#schema/builder.ts'
import { Failure } from '#schema/failures.ts'
import { connectionOf, pageOf, pageSize } from '#schema/pagination.ts'

const failures = [
  [AccountNotFound, 'The installation has no such account.'],
  [AccountAmbiguous, 'Several accounts have this name: give the id of one.'],
  [AccountNameTaken, 'An account has this name already.'],
  [AccountStateConflict, 'The state of the account does not allow this; the message says why.'],
] as const
for (const [type, description] of failures)
  builder.objectType(type, {
    name: type.name,
    description,
    interfaces: [Failure],
    isTypeOf: (value) => value instanceof type,
  })

const InstallationAccount = builder.objectRef<Account>('InstallationAccount').implement({
  description: 'An account as the operator of the installation sees it, without its content.',
  fields: (t) => ({
    id: t.exposeID('id', { description: 'Stable.' }),
    name: t.exposeString('name', { description: 'Unique in the installation.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was created.' }),
    suspendedAt: t.expose('suspendedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was suspended; null when it is active.',
    }),
    deletionStartedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When its deletion started; null when it is not being deleted.',
      resolve: ({ deletionAt }) => deletionAt,
    }),
    suspensionReason: t.exposeString('suspensionReason', {
      nullable: true,
      description: 'The reason that was given for the suspension.',
    }),
  }),
})

const Connection = connectionOf('InstallationAccount', InstallationAccount)

builder.queryField('installationAccounts', (t) =>
  t.field({
    type: Connection,
    description: 'The accounts of the installation, oldest first. Needs `installation:admin`.',
    args: {
      first: t.arg.int({ description: 'Page size, 1 to 200; default 50.' }),
      after: t.arg.string({ description: 'Continue after this cursor.' }),
    },
    resolve: async (_root, { first, after }, { caller, access }) => {
      const size = pageSize(first)
      const read = await access.accounts.list(caller, after ? behind(after) : undefined, size + 1)
      return pageOf(read, size, after, ({ id }) => encodeCursor('accounts', [id]))
    },
  }),
)

function behind(cursor: string): string {
  const [id = ''] = decodeCursor('accounts', cursor, 1)
  if (!isId(id)) throw new InvalidCursor()
  return id
}

function accountPayload(name: string, description: string) {
  return builder.objectRef<Account>(name).implement({
    description,
    fields: (t) => ({
      account: t.field({ type: InstallationAccount, description: 'Its current state.', resolve: (account) => account }),
    }),
  })
}

const FirstOwnerRef = builder.objectRef<FirstOwner>('FirstOwner').implement({
  description: 'The person who owns a new account.',
  fields: (t) => ({
    id: t.exposeID('id', { description: 'Stable.' }),
    email: t.exposeString('email', { description: 'The e-mail address that they sign in with.' }),
    password: t.exposeString('password', {
      description: 'Their generated first password, which they can change. It is shown only once.',
    }),
  }),
})

const CreateAccountPayload = builder.objectRef<CreatedAccount>('CreateAccountPayload').implement({
  description: 'The account can be used from now on.',
  fields: (t) => ({
    account: t.field({ type: InstallationAccount, description: 'The account.', resolve: ({ account }) => account }),
    ownerToken: t.exposeString('ownerToken', {
      description: 'The token of its owner, with every scope of the account. It is shown only once.',
    }),
    owner: t.field({
      type: FirstOwnerRef,
      nullable: true,
      description: 'The person who owns it; null without `ownerEmail`.',
      resolve: ({ owner }) => owner,
    }),
  }),
})

const CreateAccountInput = builder.inputType('CreateAccountInput', {
  description: 'The account to create.',
  fields: (t) => ({
    name: t.string({ required: true, description: 'Unique in the installation; at most 100 characters.' }),
    ownerEmail: t.string({
      description: 'E-mail address of a person who owns the account, with a generated password; nobody when absent.',
    }),
  }),
})

builder.mutationField('createAccount', (t) =>
  t.field({
    type: CreateAccountPayload,
    description: 'Creates an account with the token of its owner. Needs `installation:admin`.',
    args: { input: t.arg({ type: CreateAccountInput, required: true, description: 'The account.' }) },
    errors: { types: [InvalidInput, AccountNameTaken] },
    resolve: (_root, { input }, { caller, access }) =>
      access.accounts.create(caller, { name: input.name, ownerEmail: input.ownerEmail ?? undefined }),
  }),
)

const accountDescription = 'Its id or name.'

const SuspendAccountInput = builder.inputType('SuspendAccountInput', {
  description: 'The account to suspend.',
  fields: (t) => ({
    account: t.string({ required: true, description: accountDescription }),
    reason: t.string({ description: 'For its audit log; at most 500 characters.' }),
  }),
})

builder.mutationField('suspendAccount', (t) =>
  t.field({
    type: accountPayload('SuspendAccountPayload', 'The account is unusable until it is resumed.'),
    description:
      'Suspends an account: its tokens, sessions and hooks are refused, its streams end, its tasks and deliveries wait. Tasks that run may finish, and nothing is deleted. Needs `installation:admin`.',
    args: { input: t.arg({ type: SuspendAccountInput, required: true, description: 'The account.' }) },
    errors: { types: [AccountNotFound, AccountAmbiguous, AccountStateConflict, InvalidInput] },
    resolve: (_root, { input: { account, reason } }, { caller, access }) =>
      access.accounts.suspend(caller, account, reason ?? undefined),
  }),
)

const ResumeAccountInput = builder.inputType('ResumeAccountInput', {
  description: 'The account to resume.',
  fields: (t) => ({ account: t.string({ required: true, description: accountDescription }) }),
})

builder.mutationField('resumeAccount', (t) =>
  t.field({
    type: accountPayload('ResumeAccountPayload', 'The account can be used again.'),
    description: 'Ends the suspension of an account. Needs `installation:admin`.',
    args: { input: t.arg({ type: ResumeAccountInput, required: true, description: 'The account.' }) },
    errors: { types: [AccountNotFound, AccountAmbiguous, AccountStateConflict] },
    resolve: (_root, { input: { account } }, { caller, access }) => access.accounts.resume(caller, account),
  }),
)

const DeletedRows = builder.objectRef<AccountDeletion['rows'][number]>('DeletedRows').implement({
  description: 'The deleted rows of one table.',
  fields: (t) => ({
    table: t.exposeString('table', { description: 'The name of the table.' }),
    count: t.exposeFloat('count', { description: 'Number of rows.' }),
  }),
})

const DeleteAccountPayload = builder.objectRef<AccountDeletion>('DeleteAccountPayload').implement({
  description: 'What was deleted, or would be.',
  fields: (t) => ({
    account: t.field({
      type: InstallationAccount,
      description: 'The account, as it was before.',
      resolve: ({ account }) => account,
    }),
    isDone: t.exposeBoolean('isDone', {
      description: 'Whether the account is deleted. While it is false, send the mutation again to continue.',
    }),
    rows: t.field({
      type: [DeletedRows],
      description: 'What this request deleted or, with `dryRun`, what would be deleted.',
      resolve: ({ rows }) => [...rows],
    }),
  }),
})

const DeleteAccountInput = builder.inputType('DeleteAccountInput', {
  description: 'The account to delete.',
  fields: (t) => ({
    account: t.string({ required: true, description: accountDescription }),
    confirm: t.string({ description: 'The name of the account, as a confirmation; required unless `dryRun` is true.' }),
    dryRun: t.boolean({ required: true, defaultValue: false, description: 'Only count what would be deleted.' }),
  }),
})

builder.mutationField('deleteAccount', (t) =>
  t.field({
    type: DeleteAccountPayload,
    description:
      'Permanently deletes an account with all its content. It must have been suspended for half a minute, and none of its tasks may be running. A request deletes for about ten seconds; repeat it until `isDone`. Needs `installation:admin`.',
    args: { input: t.arg({ type: DeleteAccountInput, required: true, description: 'The account.' }) },
    errors: { types: [AccountNotFound, AccountAmbiguous, AccountStateConflict, InvalidInput] },
    resolve: (_root, { input: { account, confirm, dryRun } }, { caller, access }) =>
      access.accounts.remove(caller, { account, confirm: confirm ?? undefined, dryRun }),
  }),
)
