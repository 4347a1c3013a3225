import { z } from 'zod'
import { moment } from '#transport/rest/fields.ts'
import { AuditEntriesDocument, type AuditFactsFragment, AuditPagesDocument } from '#transport/rest/generated/graphql.ts'
import { answerPage, linkHeader, listQuery, placeOf } from '#transport/rest/paging.ts'
import { defineRoute, type Route } from '#transport/rest/route.ts'

const outcomes = ['succeeded', 'failed', 'refused'] as const
const storedOutcomeOf = { succeeded: 'SUCCEEDED', failed: 'FAILED', refused: 'REFUSED' } as const
const orderOf = { newest: 'NEWEST_FIRST', oldest: 'OLDEST_FIRST' } as const

const entry = z
  .object({
    accountId: z.string(),
    seq: z.int().describe('Its position in the chain, from 1, without gaps.'),
    at: z.iso.datetime(),
    type: z.string().describe('The type of the event, such as `auth.token_revoked`.'),
    outcome: z.enum(['SUCCEEDED', 'FAILED', 'REFUSED']),
    actor: z.object({ kind: z.string(), id: z.string(), name: z.string() }).describe('Who did it.'),
    subject: z.string().describe('What it was done to, such as `task:<id>`.'),
    credential: z.object({ kind: z.string(), id: z.string() }).nullable().describe('The credential that was used.'),
    address: z.string().nullable().describe('The network address of the caller.'),
    userAgent: z.string().nullable(),
    requestId: z.string().nullable(),
    operation: z
      .object({ name: z.string().nullable(), hash: z.string() })
      .nullable()
      .describe('The GraphQL operation.'),
    scopes: z.array(z.string()).describe('The scopes that were required and held.'),
    data: z.record(z.string(), z.unknown()).describe('Further details.'),
    previousHash: z.string().describe('Hash of the previous entry, in hexadecimal.'),
    hash: z.string().describe('SHA-256 of all other fields, exactly as shown here, as canonical JSON (RFC 8785).'),
  })
  .meta({ id: 'AuditEntry', description: 'An action, or a refused attempt.' })

const ending = 'A `*` at its end stands for any ending.'
const auditQuery = z.object({
  actor: z.string().optional().describe('Only actions of the actor with this id or name.'),
  token: z.string().optional().describe('Only actions with the application token or session of this id.'),
  type: z.array(z.string()).optional().describe(`Only these types. ${ending}`),
  subject: z.string().optional().describe(`Only this subject. ${ending}`),
  address: z.string().optional().describe(`Only from this network address. ${ending}`),
  outcome: z.array(z.enum(outcomes)).optional().describe('Only these outcomes.'),
  operation: z.string().optional().describe('Only the operation with this name or hash.'),
  requestId: z.string().optional().describe('Only this request.'),
  from: moment('Not before.'),
  to: moment('Not after.'),
  order: z.enum(['newest', 'oldest']).default('newest').describe('Sort order.'),
  ...listQuery(),
})
type AuditQuery = z.output<typeof auditQuery>

export const auditRoutes: readonly Route[] = [
  defineRoute({
    method: 'get',
    path: '/audit',
    name: 'listAuditEntries',
    tag: 'Audit',
    summary: 'Lists who did what, from where and with which scopes, and which attempts were refused.',
    query: auditQuery,
    answers: { 200: { description: 'A page of entries.', schema: z.array(entry), headers: linkHeader } },
    document: AuditEntriesDocument,
    async variables({ query, operations }) {
      const selection = { where: toFilter(query), orderBy: orderOf[query.order] }
      const after = await placeOf(
        query,
        async (page) => (await operations.run(AuditPagesDocument, { ...selection, ...page })).auditEntries.pageInfo,
      )
      return { ...selection, first: query.limit, after }
    },
    answer: ({ auditEntries: { nodes, pageInfo } }, asked) =>
      answerPage(nodes satisfies readonly AuditFactsFragment[], pageInfo, asked),
  }),
]

function toFilter({ type: types, outcome, order: _, limit: __, offset: ___, cursor: ____, ...same }: AuditQuery) {
  return { ...same, types, outcomes: outcome?.map((name) => storedOutcomeOf[name]) }
}
