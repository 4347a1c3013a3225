import {
  AccountAmbiguous,
  AccountNameTaken,
  AccountNotFound,
  AccountStateConflict,
} from '#domain/access/account-errors.ts'
import type { CreatedAccount } from '#domain/access/account-service.ts'
import type { Account } from '#domain/access/account-store.ts'
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
  [AccountStateConflict, 'The account is not in a state in which this can be done; the message says why.'],
] as const
for (const [type, description] of failures)
  builder.objectType(type, {
    name: type.name,
    description,
    interfaces: [Failure],
    isTypeOf: (value) => value instanceof type,
  })

const InstallationAccount = builder.objectRef<Account>('InstallationAccount').implement({
  description: 'An account as the operator of the installation sees it: nothing of what it holds.',
  fields: (t) => ({
    id: t.exposeID('id', { description: 'Stable.' }),
    name: t.exposeString('name', { description: 'Unique in the installation.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was created.' }),
    suspendedAt: t.expose('suspendedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'Since when nobody can use it; null when it is active.',
    }),
    suspensionReason: t.exposeString('suspensionReason', { nullable: true, description: 'Why it is suspended.' }),
  }),
})

const Connection = connectionOf('InstallationAccount', InstallationAccount)

builder.queryField('installationAccounts', (t) =>
  t.field({
    type: Connection,
    description: 'The accounts of the installation, oldest first. Needs `installation:admin`.',
    args: {
      first: t.arg.int({ description: 'How many, 1 to 200; 50 when absent.' }),
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
      account: t.field({ type: InstallationAccount, description: 'As it is now.', resolve: (account) => account }),
    }),
  })
}

const CreateAccountPayload = builder.objectRef<CreatedAccount>('CreateAccountPayload').implement({
  description: 'The account can be used from now on.',
  fields: (t) => ({
    account: t.field({ type: InstallationAccount, description: 'The account.', resolve: ({ account }) => account }),
    ownerToken: t.exposeString('ownerToken', {
      description: 'The token of its first owner, with every scope of the account. It is shown this once.',
    }),
  }),
})

const CreateAccountInput = builder.inputType('CreateAccountInput', {
  description: 'An account to be created.',
  fields: (t) => ({
    name: t.string({ required: true, description: 'Unique in the installation; at most 100 characters.' }),
  }),
})

builder.mutationField('createAccount', (t) =>
  t.field({
    type: CreateAccountPayload,
    description: 'Creates an account with its first owner’s token. Needs `installation:admin`.',
    args: { input: t.arg({ type: CreateAccountInput, required: true, description: 'The account.' }) },
    errors: { types: [InvalidInput, AccountNameTaken] },
    resolve: (_root, { input }, { caller, access }) => access.accounts.create(caller, input.name),
  }),
)

const accountDescription = 'Its id or name.'

const SuspendAccountInput = builder.inputType('SuspendAccountInput', {
  description: 'An account to be suspended.',
  fields: (t) => ({
    account: t.string({ required: true, description: accountDescription }),
    reason: t.string({ description: 'For its owners’ audit log; at most 500 characters.' }),
  }),
})

builder.mutationField('suspendAccount', (t) =>
  t.field({
    type: accountPayload('SuspendAccountPayload', 'Nobody can use the account until it is resumed.'),
    description:
      'Suspends an account: its tokens, sessions and hooks are refused, its streams end, its tasks and deliveries wait. What runs ends by itself, and nothing is deleted. Needs `installation:admin`.',
    args: { input: t.arg({ type: SuspendAccountInput, required: true, description: 'Which.' }) },
    errors: { types: [AccountNotFound, AccountAmbiguous, AccountStateConflict, InvalidInput] },
    resolve: (_root, { input: { account, reason } }, { caller, access }) =>
      access.accounts.suspend(caller, account, reason ?? undefined),
  }),
)

const ResumeAccountInput = builder.inputType('ResumeAccountInput', {
  description: 'An account to be used again.',
  fields: (t) => ({ account: t.string({ required: true, description: accountDescription }) }),
})

builder.mutationField('resumeAccount', (t) =>
  t.field({
    type: accountPayload('ResumeAccountPayload', 'The account can be used again.'),
    description: 'Ends the suspension of an account. Needs `installation:admin`.',
    args: { input: t.arg({ type: ResumeAccountInput, required: true, description: 'Which.' }) },
    errors: { types: [AccountNotFound, AccountAmbiguous, AccountStateConflict] },
    resolve: (_root, { input: { account } }, { caller, access }) => access.accounts.resume(caller, account),
  }),
)
