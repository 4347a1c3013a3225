import { ScopeNotHeld } from '#domain/access/errors.ts'
import { UserNotFound } from '#domain/access/people/errors.ts'
import { decodeCursor, encodeCursor, InvalidCursor } from '#lib/cursor.ts'
import { isId } from '#lib/ids.ts'
import { builder } from '#schema/builder.ts'
import { NodeRef } from '#schema/node.ts'
import { connectionOf, nodeQuery, pageOf, pageSize } from '#schema/pagination.ts'

const SessionRef = builder.prismaObject('Session', {
  interfaces: [NodeRef],
  description: 'A person’s sign-in on one device.',
  select: { accountId: true, id: true },
  fields: (t) => ({
    id: t.exposeID('id', { description: 'Stable; pass it to `signOut`.' }),
    user: t.relation('user', { description: 'Who is signed in.' }),
    isCurrent: t.boolean({
      description: 'Whether this request uses it.',
      resolve: ({ id }, _args, { caller }) => caller.credential.id === id,
    }),
    method: t.exposeString('method', { description: 'How they signed in: `password`, `oidc` or `device`.' }),
    scopes: t.exposeStringList('scopes', {
      description: 'The scopes that it is limited to; empty: everything that the role allows.',
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When they signed in.' }),
    lastUsedAt: t.expose('lastUsedAt', { type: 'DateTime', description: 'Updated with a delay of some seconds.' }),
    expiresAt: t.expose('expiresAt', { type: 'DateTime', description: 'When it expires unless it is refreshed.' }),
    address: t.exposeString('address', { description: 'The network address it was last used from.' }),
    userAgent: t.exposeString('userAgent', { nullable: true, description: 'The program that last used it.' }),
  }),
})

const SessionConnection = connectionOf('Session', SessionRef)

builder.queryField('sessions', (t) =>
  t.field({
    type: SessionConnection,
    description:
      'Active sessions, newest first: the caller’s own, or those of others with `access:admin`. An application ' +
      'token has none: without `who` it gets everyone’s.',
    args: {
      who: t.arg.string({ description: 'The person’s id or e-mail address; default: the caller.' }),
      first: t.arg.int({ description: 'Page size, 1 to 200; default 50.' }),
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
  description: 'Whose sessions to end.',
  fields: (t) => ({
    who: t.string({ description: 'The person’s id or e-mail address; default: the caller.' }),
    keepCurrent: t.boolean({
      required: true,
      defaultValue: true,
      description: 'Whether to keep the session of this request.',
    }),
  }),
})

const EndSessionsPayload = builder.objectRef<{ count: number }>('EndSessionsPayload').implement({
  description: 'The sessions and everything running under them have ended.',
  fields: (t) => ({ count: t.exposeInt('count', { description: 'Number of ended sessions.' }) }),
})

builder.mutationField('endSessions', (t) =>
  t.field({
    type: EndSessionsPayload,
    description:
      'Ends the caller’s other sessions or, with `access:admin`, all sessions of another person. Needs every scope of that person’s role.',
    args: { input: t.arg({ type: EndSessionsInput, required: true, description: 'Whose.' }) },
    errors: { types: [UserNotFound, ScopeNotHeld] },
    resolve: async (_root, { input: { who, keepCurrent } }, { caller, access }) => ({
      count: await access.sessions.endAll(caller, who ?? undefined, keepCurrent),
    }),
  }),
)
