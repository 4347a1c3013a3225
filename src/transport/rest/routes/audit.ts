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
    seq: z.int().describe('Its place in the chain: from 1, without gaps.'),
    at: z.iso.datetime(),
    type: z.string().describe('As events have it, such as `auth.token_revoked`.'),
    outcome: z.enum(['SUCCEEDED', 'FAILED', 'REFUSED']),
    actor: z.object({ kind: z.string(), id: z.string(), name: z.string() }).describe('Who.'),
    subject: z.string().describe('What was touched, such as `task:<id>`.'),
    credential: z.object({ kind: z.string(), id: z.string() }).nullable().describe('What they have shown.'),
    address: z.string().nullable().describe('The network address that it came from.'),
    userAgent: z.string().nullable(),
    requestId: z.string().nullable(),
    operation: z.object({ name: z.string().nullable(), hash: z.string() }).nullable().describe('By which operation.'),
    scopes: z.array(z.string()).describe('Those that it took, and were held.'),
    data: z.record(z.string(), z.unknown()).describe('What else is to be known, in short.'),
    previousHash: z.string().describe('Of the entry before, in hexadecimal digits.'),
    hash: z.string().describe('SHA-256 of all other fields, just as they stand here, as canonical JSON (RFC 8785).'),
  })
  .meta({ id: 'AuditEntry', description: 'One thing that somebody did, or was kept from doing.' })

const ending = 'A `*` at its end stands for any ending.'
const auditQuery = z.object({
  actor: z.string().optional().describe('Done by whoever has this id or name.'),
  token: z.string().optional().describe('Done with the application token, or the session, of this id.'),
  type: z.array(z.string()).optional().describe(`Of one of these types. ${ending}`),
  subject: z.string().optional().describe(`About this. ${ending}`),
  address: z.string().optional().describe(`From this network address. ${ending}`),
  outcome: z.array(z.enum(outcomes)).optional().describe('With one of these outcomes.'),
  operation: z.string().optional().describe('By the operation of this name, or of this hash.'),
  requestId: z.string().optional().describe('Of this request.'),
  from: moment('Not before.'),
  to: moment('Not after.'),
  order: z.enum(['newest', 'oldest']).default('newest').describe('Which come first.'),
  ...listQuery(),
})
type AuditQuery = z.output<typeof auditQuery>

export const auditRoutes: readonly Route[] = [
  defineRoute({
    method: 'get',
    path: '/audit',
    name: 'listAuditEntries',
    tag: 'Audit',
    summary: 'Says who did what, from where, by what right; and who was kept from it.',
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
