import { z } from 'zod'
import {
  EndSessionsDocument,
  type SessionFactsFragment,
  SessionPagesDocument,
  SessionsDocument,
  SignOutDocument,
} from '#transport/rest/generated/graphql.ts'
import { answerPage, linkHeader, listQuery, placeOf } from '#transport/rest/paging.ts'
import { done } from '#transport/rest/person.ts'
import { defineRoute, json, type Route } from '#transport/rest/route.ts'

const tag = 'Signing in'

const session = z
  .object({
    id: z.string(),
    email: z.string().describe('Who is signed in.'),
    current: z.boolean().describe('Whether this request was made with it.'),
    method: z.string().describe('How they signed in: `password`, `oidc` or `device`.'),
    scopes: z.array(z.string()).describe('What it is narrowed to; empty: all that the role allows.'),
    createdAt: z.iso.datetime(),
    lastUsedAt: z.iso.datetime().describe('Known some seconds later.'),
    expiresAt: z.iso.datetime().describe('When it ends, unless it is refreshed before.'),
    address: z.string().describe('The network address that it was last used from.'),
    userAgent: z.string().nullable(),
  })
  .meta({ id: 'Session', description: 'What a person is signed in with, on one device.' })

const email = z.string().optional().describe('Of this person: their e-mail address or id; oneself when absent.')

export const sessionRoutes: readonly Route[] = [
  defineRoute({
    method: 'get',
    path: '/auth/sessions',
    name: 'listSessions',
    tag,
    summary: 'Lists sessions that go on, newest first: one’s own or, for an application token, everybody’s.',
    query: z.object({ email, ...listQuery(10) }),
    answers: { 200: { description: 'A page of sessions.', schema: z.array(session), headers: linkHeader } },
    document: SessionsDocument,
    async variables({ query, operations }) {
      const who = query.email ?? null
      const pageInfo = async (page: { first: number; after: string | null }) =>
        (await operations.run(SessionPagesDocument, { who, ...page })).sessions.pageInfo
      return { who, first: query.limit, after: await placeOf(query, pageInfo) }
    },
    answer: ({ sessions: { nodes, pageInfo } }, asked) => answerPage(nodes.map(toSession), pageInfo, asked),
  }),
  defineRoute({
    method: 'delete',
    path: '/auth/sessions',
    name: 'endSessions',
    tag,
    summary: 'Ends all of a person’s sessions but the one of this request.',
    query: z.object({ email }),
    answers: {
      200: {
        description: 'They have ended, with everything that was under way with them.',
        schema: z.object({ count: z.int().describe('How many.') }),
        example: { count: 2 },
      },
    },
    refusals: [404],
    document: EndSessionsDocument,
    variables: ({ query }) => ({ input: { who: query.email ?? null } }),
    answer: ({ endSessions: { count } }) => json(200, { count }),
  }),
  defineRoute({
    method: 'delete',
    path: '/auth/sessions/{id}',
    name: 'endSession',
    tag,
    summary: 'Ends a session.',
    params: z.object({ id: z.string().describe('The session’s id.') }),
    answers: { 200: { description: 'It has ended, with everything that was under way with it.', schema: done } },
    refusals: [404],
    document: SignOutDocument,
    variables: ({ params }) => ({ input: { sessionId: params.id } }),
    answer: () => json(200, { success: true }),
  }),
]

function toSession({ isCurrent, user, ...facts }: SessionFactsFragment): z.output<typeof session> {
  return { ...facts, email: user.email, current: isCurrent }
}
