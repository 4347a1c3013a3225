import type { Caller, roles } from '#domain/access/service.ts'
import { builder } from '#schema/builder.ts'
import { described } from '#schema/described.ts'

const RoleEnum = builder.enumType('Role', {
  description: 'What somebody is in an account: people are owners or members, an APPLICATION may what its scopes say.',
  values: described<(typeof roles)[number]>({
    OWNER: 'A person, or the first token, with every scope of the account.',
    MEMBER: 'A person who uses the account without managing it.',
    APPLICATION: 'An application token: its scopes decide.',
  }),
})

const Account = builder.prismaObject('Account', {
  description: 'The tenant. Nothing crosses accounts.',
  select: { id: true },
  fields: (t) => ({
    id: t.exposeID('id', { description: 'Stable.' }),
    name: t.exposeString('name', { description: 'For people.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was created.' }),
  }),
})

const Viewer = builder.objectRef<Caller>('Viewer').implement({
  description: 'The caller of this request.',
  fields: (t) => ({
    kind: t.string({ description: 'user or application.', resolve: (caller) => caller.actor.kind }),
    id: t.id({ description: 'Of the user or application token.', resolve: (caller) => caller.actor.id }),
    name: t.string({ description: 'Of the user or application token.', resolve: (caller) => caller.actor.name }),
    role: t.expose('role', { type: RoleEnum, description: 'In the account.' }),
    scopes: t.stringList({ description: 'What this token may do.', resolve: (caller) => caller.scopes }),
    tokenExpiresAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When the token ends; null when it doesn’t.',
      resolve: (caller) => caller.expiresAt ?? null,
    }),
    account: t.prismaField({
      type: Account,
      description: 'The account that this token belongs to.',
      resolve: (query, caller, _args, { db }) =>
        db.account.findUniqueOrThrow({ ...query, where: { id: caller.accountId } }),
    }),
  }),
})

builder.queryField('viewer', (t) =>
  t.field({ type: Viewer, description: 'The caller of this request.', resolve: (_root, _args, { caller }) => caller }),
)
