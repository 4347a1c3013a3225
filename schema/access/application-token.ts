import { tokenStatus, tokenStatuses } from '#domain/access/tokens/token.ts'
import { decodeCursor, encodeCursor, InvalidCursor } from '#lib/cursor.ts'
import { isId } from '#lib/ids.ts'
import type { Actor } from '#platform/journal/entry.ts'
import { builder } from '#schema/builder.ts'
import { NodeRef } from '#schema/node.ts'
import { connectionOf, nodeQuery, pageOf, pageSize } from '#schema/pagination.ts'

const TokenStatusEnum = builder.enumType('ApplicationTokenStatus', {
  description: 'ACTIVE, or over for good: EXPIRED by itself, REVOKED by somebody.',
  values: tokenStatuses,
})

export const ApplicationTokenRef = builder.prismaObject('ApplicationToken', {
  interfaces: [NodeRef],
  description: 'A program’s right to call. The token itself is shown once, when it is made.',
  select: { accountId: true, id: true },
  fields: (t) => ({
    id: t.exposeID('id', { description: 'Stable.' }),
    name: t.exposeString('name', { description: 'For people.' }),
    scopes: t.exposeStringList('scopes', { description: 'What it may do; `*` is everything.' }),
    status: t.field({
      type: TokenStatusEnum,
      description: 'Whether it works now.',
      select: { expiresAt: true, revokedAt: true },
      resolve: (token) => tokenStatus(token, new Date()),
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was made.' }),
    createdBy: t.field({
      type: 'Actor',
      description: 'Who made it.',
      select: { createdBy: true },
      resolve: (token) => token.createdBy as unknown as Actor,
    }),
    expiresAt: t.expose('expiresAt', { type: 'DateTime', description: 'When it ends, or has ended, by itself.' }),
    revokedAt: t.expose('revokedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When somebody ended it; null when nobody did.',
    }),
    endedBy: t.field({
      type: 'Actor',
      nullable: true,
      description: 'Who revoked or rotated it; null when nobody did.',
      select: { endedBy: true },
      resolve: (token) => token.endedBy as unknown as Actor | null,
    }),
    endReason: t.exposeString('endReason', { nullable: true, description: 'What they gave as the reason.' }),
    successorId: t.exposeID('successorId', {
      nullable: true,
      description: 'The token that stands in its place since it was rotated.',
    }),
    lastUsedAt: t.expose('lastUsedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was last used, known some seconds later; null when never.',
    }),
    lastUsedAddress: t.exposeString('lastUsedAddress', { nullable: true, description: 'From which network address.' }),
    lastUsedAgent: t.exposeString('lastUsedAgent', { nullable: true, description: 'By which user agent.' }),
    calls: t.float({
      description: 'How many requests were made with it, known some seconds later.',
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
    description: 'One application token; null when the account has none of this id.',
    args: { id: t.arg.id({ required: true, description: 'Its id.' }) },
    resolve: (query, _root, { id }, { caller, db }) => {
      caller.must('access:admin')
      if (!isId(id)) return null
      return db.applicationToken.findUnique({ ...query, where: { accountId_id: { accountId: caller.accountId, id } } })
    },
  }),
)

builder.queryField('applicationTokens', (t) =>
  t.field({
    type: ApplicationTokenConnection,
    description: 'The account’s application tokens, newest first.',
    args: {
      status: t.arg({ type: [TokenStatusEnum], description: 'One of these; all when absent.' }),
      first: t.arg.int({ description: 'How many, 1 to 200; 50 when absent.' }),
      after: t.arg.string({ description: 'Go on behind this cursor.' }),
    },
    resolve: async (_root, { status, first, after }, context, info) => {
      context.caller.must('access:admin')
      const size = pageSize(first)
      const read = await context.db.applicationToken.findMany({
        ...nodeQuery(context, info, 'ApplicationToken'),
        where: { ...(status && { OR: status.map(conditionOf) }), ...(after && { id: { lt: behind(after) } }) },
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
