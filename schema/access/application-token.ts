import { normalEmail } from '#domain/access/people/user.ts'
import { tokenStatus, type tokenStatuses } from '#domain/access/tokens/token.ts'
import { decodeCursor, encodeCursor, InvalidCursor } from '#lib/cursor.ts'
import { isId } from '#lib/ids.ts'
import type { Actor } from '#platform/journal/entry.ts'
import { builder } from '#schema/builder.ts'
import { described } from '#schema/described.ts'
import { NodeRef } from '#schema/node.ts'
import { connectionOf, nodeQuery, pageOf, pageSize } from '#schema/pagination.ts'
import { visibleTokens } from './visible.ts'

const TokenStatusEnum = builder.enumType('ApplicationTokenStatus', {
  description: 'ACTIVE, or permanently invalid: EXPIRED or REVOKED.',
  values: described<(typeof tokenStatuses)[number]>({
    ACTIVE: 'It is valid.',
    EXPIRED: 'It has expired.',
    REVOKED: 'It was revoked or rotated.',
  }),
})

export const ApplicationTokenRef = builder.prismaObject('ApplicationToken', {
  interfaces: [NodeRef],
  description:
    'A credential of a program. It belongs to the account or, as a personal token, to a person. The token itself is shown only once, when it is created.',
  select: { accountId: true, id: true },
  fields: (t) => ({
    id: t.exposeID('id', { description: 'Stable.' }),
    name: t.exposeString('name', { description: 'A name for people to recognize it by.' }),
    scopes: t.exposeStringList('scopes', {
      description:
        'Its scopes; `*` allows everything. A personal token never allows more than the current role of its owner.',
    }),
    owner: t.field({
      type: 'Actor',
      nullable: true,
      description: 'The owner of a personal token; null when the token belongs to the account.',
      select: { owner: { select: { id: true, email: true } } },
      resolve: ({ owner }) => owner && { kind: 'user' as const, id: owner.id, name: owner.email },
    }),
    status: t.field({
      type: TokenStatusEnum,
      description: 'Whether it is valid.',
      select: { expiresAt: true, revokedAt: true },
      resolve: (token) => tokenStatus(token, new Date()),
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was created.' }),
    createdBy: t.field({
      type: 'Actor',
      description: 'Who created it.',
      select: { createdBy: true },
      resolve: (token) => token.createdBy as unknown as Actor,
    }),
    expiresAt: t.expose('expiresAt', { type: 'DateTime', description: 'When it expires, or has expired.' }),
    revokedAt: t.expose('revokedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was revoked; null when it was not.',
    }),
    endedBy: t.field({
      type: 'Actor',
      nullable: true,
      description: 'Who revoked or rotated it; null when nobody did.',
      select: { endedBy: true },
      resolve: (token) => token.endedBy as unknown as Actor | null,
    }),
    endReason: t.exposeString('endReason', { nullable: true, description: 'The given reason.' }),
    successorId: t.exposeID('successorId', {
      nullable: true,
      description: 'The token that replaced it when it was rotated.',
    }),
    lastUsedAt: t.expose('lastUsedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was last used, updated with a delay of some seconds; null: never.',
    }),
    lastUsedAddress: t.exposeString('lastUsedAddress', {
      nullable: true,
      description: 'The network address it was last used from.',
    }),
    lastUsedAgent: t.exposeString('lastUsedAgent', {
      nullable: true,
      description: 'The user agent that last used it.',
    }),
    calls: t.float({
      description: 'Number of requests, updated with a delay of some seconds.',
      select: { calls: true },
      resolve: ({ calls }) => Number(calls),
    }),
  }),
})

const ApplicationTokenConnection = connectionOf('ApplicationToken', ApplicationTokenRef)

builder.queryField('applicationToken', (t) =>
  t.prismaField({
    type: ApplicationTokenRef,
    nullable: true,
    description: 'One application token; null when there is none with this id, or the caller may not see it.',
    args: { id: t.arg.id({ required: true, description: 'Its id.' }) },
    resolve: (query, _root, { id }, { caller, db }) => {
      const visible = visibleTokens(caller)
      return isId(id) ? db.applicationToken.findFirst({ ...query, where: { id, ...visible } }) : null
    },
  }),
)

builder.queryField('applicationTokens', (t) =>
  t.field({
    type: ApplicationTokenConnection,
    description:
      'Application tokens, newest first: with `access:admin` all of the account, otherwise the personal tokens of the caller.',
    args: {
      owner: t.arg.string({ description: 'Only the personal tokens of this person, by id or e-mail address.' }),
      status: t.arg({ type: [TokenStatusEnum], description: 'Any of these statuses; default: all.' }),
      first: t.arg.int({ description: 'Page size, 1 to 200; default 50.' }),
      after: t.arg.string({ description: 'Continue after this cursor.' }),
    },
    resolve: async (_root, { owner, status, first, after }, context, info) => {
      const visible = visibleTokens(context.caller)
      const size = pageSize(first)
      const read = await context.db.applicationToken.findMany({
        ...nodeQuery(context, info, 'ApplicationToken'),
        where: {
          ...visible,
          ...(owner && { owner: isId(owner) ? { id: owner } : { email: normalEmail(owner) ?? owner } }),
          ...(status && { OR: status.map(conditionOf) }),
          ...(after && { id: { lt: behind(after) } }),
        },
        orderBy: { id: 'desc' },
        take: size + 1,
      })
      return pageOf(read, size, after, (token) => encodeCursor('tokens', [token.id]))
    },
  }),
)

function behind(cursor: string): string {
  const [id = ''] = decodeCursor('tokens', cursor, 1)
  if (!isId(id)) throw new InvalidCursor()
  return id
}

function conditionOf(status: (typeof tokenStatuses)[number]) {
  if (status === 'REVOKED') return { revokedAt: { not: null } }
  const now = new Date()
  return { revokedAt: null, expiresAt: status === 'EXPIRED' ? { lte: now } : { gt: now } }
}
