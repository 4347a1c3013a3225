import type { Caller, roles } from '#domain/access/service.ts'
import { builder } from '#schema/builder.ts'
import { described } from '#schema/described.ts'

const RoleEnum = builder.enumType('Role', {
  description:
    'The role of a caller in an account: people are owners or members; an APPLICATION is limited by its scopes.',
  values: described<(typeof roles)[number]>({
    OWNER: 'A person, or the first token, with every scope of the account.',
    MEMBER: 'A person who uses the account without managing it.',
    APPLICATION: 'An application token, limited by its scopes.',
  }),
})

const Account = builder.prismaObject('Account', {
  description: 'The tenant. Nothing crosses accounts.',
  select: { id: true },
  fields: (t) => ({
    id: t.exposeID('id', { description: 'Stable.' }),
    name: t.exposeString('name', { description: 'Its display name.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was created.' }),
  }),
})

const Viewer = builder.objectRef<Caller>('Viewer').implement({
  description: 'The caller of this request.',
  fields: (t) => ({
    kind: t.string({ description: 'user or application.', resolve: (caller) => caller.actor.kind }),
    id: t.id({ description: 'That of the user or application token.', resolve: (caller) => caller.actor.id }),
    name: t.string({ description: 'That of the user or application token.', resolve: (caller) => caller.actor.name }),
    role: t.expose('role', { type: RoleEnum, description: 'In the account.' }),
    scopes: t.stringList({ description: 'The scopes of this token.', resolve: (caller) => caller.scopes }),
    tokenExpiresAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When the token expires; null: never.',
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
