import { ScopeNotHeld } from '#domain/access/errors.ts'
import { UserNotFound } from '#domain/access/people/errors.ts'
import { decodeCursor, encodeCursor, InvalidCursor } from '#lib/cursor.ts'
import { isId } from '#lib/ids.ts'
import { builder } from '#schema/builder.ts'
import { NodeRef } from '#schema/node.ts'
import { connectionOf, nodeQuery, pageOf, pageSize } from '#schema/pagination.ts'

const SessionRef = builder.prismaObject('Session', {
  interfaces: [NodeRef],
  description: 'What a person is signed in with, on one device.',
  select: { accountId: true, id: true },
  fields: (t) => ({
    id: t.exposeID('id', { description: 'Stable; `signOut` takes it.' }),
    user: t.relation('user', { description: 'Who is signed in.' }),
    isCurrent: t.boolean({
      description: 'Whether this request uses it.',
      resolve: ({ id }, _args, { caller }) => caller.credential.id === id,
    }),
    method: t.exposeString('method', { description: 'How they signed in: `password`, `oidc` or `device`.' }),
    scopes: t.exposeStringList('scopes', { description: 'What it is narrowed to; empty: all that the role allows.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When they signed in.' }),
    lastUsedAt: t.expose('lastUsedAt', { type: 'DateTime', description: 'Known some seconds later.' }),
    expiresAt: t.expose('expiresAt', { type: 'DateTime', description: 'When it ends, unless it is refreshed before.' }),
    address: t.exposeString('address', { description: 'The network address that it was last used from.' }),
    userAgent: t.exposeString('userAgent', { nullable: true, description: 'The program that last used it.' }),
  }),
})

const SessionConnection = connectionOf('Session', SessionRef)

builder.queryField('sessions', (t) =>
  t.field({
    type: SessionConnection,
    description:
      'Sessions that go on, newest first: one’s own, or those of others for who administers access. An application ' +
      'token has none, so that without `who` it is answered with everybody’s.',
    args: {
      who: t.arg.string({ description: 'The person’s id or e-mail address; oneself when absent.' }),
      first: t.arg.int({ description: 'How many, 1 to 200; 50 when absent.' }),
      after: t.arg.string({ description: 'Continue after this cursor.' }),
    },
    resolve: async (_root, { who, first, after }, context, info) => {
      const size = pageSize(first)
      const user = context.access.sessions.personIn(context.caller, who ?? undefined)
      const read = await context.db.session.findMany({
        ...nodeQuery(context, info, 'Session'),
        where: {
          endedAt: null,
          expiresAt: { gt: new Date() },
          user: { removedAt: null, ...user },
          ...(after && { id: { lt: behind(after) } }),
        },
        orderBy: { id: 'desc' },
        take: size + 1,
      })
      return pageOf(read, size, after, (session) => encodeCursor('sessions', [session.id]))
    },
  }),
)

function behind(cursor: string): string {
  const [id = ''] = decodeCursor('sessions', cursor, 1)
  if (!isId(id)) throw new InvalidCursor()
  return id
}

const EndSessionsInput = builder.inputType('EndSessionsInput', {
  description: 'Whose sessions are to end.',
  fields: (t) => ({
    who: t.string({ description: 'The person’s id or e-mail address; oneself when absent.' }),
    keepCurrent: t.boolean({
      required: true,
      defaultValue: true,
      description: 'Whether the session of this request stays.',
    }),
  }),
})

const EndSessionsPayload = builder.objectRef<{ count: number }>('EndSessionsPayload').implement({
  description: 'The sessions have ended, with everything that was under way with them.',
  fields: (t) => ({ count: t.exposeInt('count', { description: 'How many.' }) }),
})

builder.mutationField('endSessions', (t) =>
  t.field({
    type: EndSessionsPayload,
    description:
      'Ends all other sessions of oneself or, with `access:admin`, all of somebody else. Needs every scope that the person’s role has.',
    args: { input: t.arg({ type: EndSessionsInput, required: true, description: 'Whose.' }) },
    errors: { types: [UserNotFound, ScopeNotHeld] },
    resolve: async (_root, { input: { who, keepCurrent } }, { caller, access }) => ({
      count: await access.sessions.endAll(caller, who ?? undefined, keepCurrent),
    }),
  }),
)
