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
    email: z.string().describe('E-mail address of the person who is signed in.'),
    current: z.boolean().describe('Whether it is the session of this request.'),
    method: z.string().describe('How they signed in: `password`, `oidc` or `device`.'),
    scopes: z.array(z.string()).describe('The scopes that it is limited to; empty: everything that the role allows.'),
    createdAt: z.iso.datetime(),
    lastUsedAt: z.iso.datetime().describe('Updated with a delay of some seconds.'),
    expiresAt: z.iso.datetime().describe('When it expires unless it is refreshed.'),
    address: z.string().describe('The network address it was last used from.'),
    userAgent: z.string().nullable(),
  })
  .meta({ id: 'Session', description: 'A person’s sign-in on one device.' })

const email = z.string().optional().describe('E-mail address or id of the person; by default the caller.')

export const sessionRoutes: readonly Route[] = [
  defineRoute({
    method: 'get',
    path: '/auth/sessions',
    name: 'listSessions',
    tag,
    summary: 'Lists active sessions, newest first: the caller’s own or, for an application token, everyone’s.',
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
    summary: 'Ends all sessions of a person except the one of this request.',
    query: z.object({ email }),
    answers: {
      200: {
        description: 'The sessions and everything running under them have ended.',
        schema: z.object({ count: z.int().describe('Number of ended sessions.') }),
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
    answers: { 200: { description: 'The session and everything running under it has ended.', schema: done } },
    refusals: [404],
    document: SignOutDocument,
    variables: ({ params }) => ({ input: { sessionId: params.id } }),
    answer: () => json(200, { success: true }),
  }),
]

function toSession({ isCurrent, user, ...facts }: SessionFactsFragment): z.output<typeof session> {
  return { ...facts, email: user.email, current: isCurrent }
}
