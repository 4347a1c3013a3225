import { type AuditSelection, conditionsOf } from '#domain/audit/selection.ts'
import { decodeCursor, encodeCursor, InvalidCursor } from '#lib/cursor.ts'
import { builder } from '#schema/builder.ts'
import { nodeQuery, pageOf, pageSize } from '#schema/pagination.ts'
import { AuditEntryConnection, AuditOutcomeEnum } from './audit-entry.ts'

const AuditFilter = builder.inputType('AuditFilter', {
  description: 'Selects entries; all given conditions must match. Where stated, a `*` at the end matches any ending.',
  fields: (t) => ({
    actor: t.string({ description: 'Actions of the actor with this id, or with this name at the time.' }),
    token: t.id({ description: 'Actions with the application token or session of this id.' }),
    types: t.stringList({ description: 'Any of these types; may end in `*`, such as `auth.token_*`.' }),
    subject: t.string({ description: 'This subject, such as `task:<id>`; may end in `*`, such as `token:*`.' }),
    address: t.string({ description: 'This network address; may end in `*`.' }),
    outcomes: t.field({ type: [AuditOutcomeEnum], description: 'Any of these outcomes.' }),
    operation: t.string({ description: 'The operation with this name or hash.' }),
    requestId: t.string({ description: 'The id of the request.' }),
    from: t.field({ type: 'DateTime', description: 'Not before.' }),
    to: t.field({ type: 'DateTime', description: 'Not after.' }),
  }),
})

const AuditOrder = builder.enumType('AuditOrder', {
  description: 'The order of entries.',
  values: {
    NEWEST_FIRST: { description: 'From the end of the chain to its beginning.' },
    OLDEST_FIRST: { description: 'From the beginning of the chain, as it is checked.' },
  } as const,
})

builder.queryField('auditEntries', (t) =>
  t.field({
    type: AuditEntryConnection,
    description: 'The audit log: who did what, from where and with which scopes, and which attempts were refused.',
    args: {
      where: t.arg({ type: AuditFilter, description: 'Only those that match; default: all.' }),
      orderBy: t.arg({
        type: AuditOrder,
        defaultValue: 'NEWEST_FIRST',
        required: true,
        description: 'Sort order.',
      }),
      first: t.arg.int({ description: 'Page size, 1 to 200; default 50.' }),
      after: t.arg.string({ description: 'Continue after this cursor.' }),
    },
    resolve: async (_root, { where, orderBy, first, after }, context, info) => {
      context.caller.must('audit:read')
      const size = pageSize(first)
      const order = orderBy === 'OLDEST_FIRST' ? 'asc' : 'desc'
      const read = await context.db.auditEntry.findMany({
        ...nodeQuery(context, info, 'AuditEntry'),
        where: { ...conditionsOf((where ?? {}) as AuditSelection), ...(after && { seq: behind(order, after) }) },
        orderBy: { seq: order },
        take: size + 1,
      })
      return pageOf(read, size, after, ({ seq }) => encodeCursor(`audit-${order}`, [String(seq)]))
    },
  }),
)

function behind(order: 'asc' | 'desc', cursor: string) {
  const [seq = ''] = decodeCursor(`audit-${order}`, cursor, 1)
  if (!/^\d{1,15}$/.test(seq)) throw new InvalidCursor()
  return order === 'asc' ? { gt: BigInt(seq) } : { lt: BigInt(seq) }
}
