import { type AuditSelection, conditionsOf } from '#domain/audit/selection.ts'
import { decodeCursor, encodeCursor, InvalidCursor } from '#lib/cursor.ts'
import { builder } from '#schema/builder.ts'
import { nodeQuery, pageOf, pageSize } from '#schema/pagination.ts'
import { AuditEntryConnection, AuditOutcomeEnum } from './audit-entry.ts'

const AuditFilter = builder.inputType('AuditFilter', {
  description:
    'Which entries; all conditions that are given have to hold. Where it says so, a `*` at the end stands for any ending.',
  fields: (t) => ({
    actor: t.string({ description: 'Done by the actor with this id or, at the time, this name.' }),
    token: t.id({ description: 'Done with the application token, or the session, of this id.' }),
    types: t.stringList({ description: 'Of one of these types; `*` at the end, such as `auth.token_*`.' }),
    subject: t.string({ description: 'About this, such as `task:<id>`; `*` at the end, such as `token:*`.' }),
    address: t.string({ description: 'From this network address; `*` at the end.' }),
    outcomes: t.field({ type: [AuditOutcomeEnum], description: 'With one of these outcomes.' }),
    operation: t.string({ description: 'By the operation of this name, or of this hash.' }),
    requestId: t.string({ description: 'Of this request.' }),
    from: t.field({ type: 'DateTime', description: 'Not before.' }),
    to: t.field({ type: 'DateTime', description: 'Not after.' }),
  }),
})

const AuditOrder = builder.enumType('AuditOrder', {
  description: 'In which order entries are listed.',
  values: {
    NEWEST_FIRST: { description: 'From the end of the chain.' },
    OLDEST_FIRST: { description: 'From its beginning, as it is checked.' },
  } as const,
})

builder.queryField('auditEntries', (t) =>
  t.field({
    type: AuditEntryConnection,
    description: 'The audit log: who did what, from where, by what right; and who was kept from it.',
    args: {
      where: t.arg({ type: AuditFilter, description: 'Which; all when absent.' }),
      orderBy: t.arg({
        type: AuditOrder,
        defaultValue: 'NEWEST_FIRST',
        required: true,
        description: 'In which order.',
      }),
      first: t.arg.int({ description: 'How many, 1 to 200; 50 when absent.' }),
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
