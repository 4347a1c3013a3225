import type { personRoles } from '#domain/access/people/user.ts'
import { decodeCursor, encodeCursor, InvalidCursor } from '#lib/cursor.ts'
import { isId } from '#lib/ids.ts'
import { isWithinYears } from '#lib/moment.ts'
import { builder } from '#schema/builder.ts'
import { described } from '#schema/described.ts'
import { NodeRef } from '#schema/node.ts'
import { connectionOf, nodeQuery, pageOf, pageSize } from '#schema/pagination.ts'
import { visibleTeams } from './visible.ts'

const page = {
  first: { description: 'Page size, 1 to 200; default 50.' },
  after: { description: 'Continue after this cursor.' },
}

/** How many teams of a person are listed with them. */
const maxMemberships = 200

export const PersonRole = builder.enumType('PersonRole', {
  description: 'The role of a person in an account or a team. Owners add others.',
  values: described<(typeof personRoles)[number]>({
    OWNER: 'Manages people, tokens and everything else in the account or the team.',
    MEMBER: 'Uses the account without managing it.',
  }),
})

export const UserRef = builder.prismaObject('User', {
  interfaces: [NodeRef],
  description: 'A person.',
  select: { accountId: true, id: true },
  fields: (t) => ({
    id: t.exposeID('id', { description: 'Stable.' }),
    email: t.exposeString('email', { description: 'In lower case; unique.' }),
    firstName: t.exposeString('firstName', { description: 'May be empty.' }),
    lastName: t.exposeString('lastName', { description: 'May be empty.' }),
    role: t.field({
      type: PersonRole,
      description: 'In the account.',
      select: { role: true },
      resolve: ({ role }) => (role === 'OWNER' ? 'OWNER' : 'MEMBER'),
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When they were added.' }),
    lastSignInAt: t.expose('lastSignInAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When they last signed in; null when never.',
    }),
    removedAt: t.expose('removedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When they were removed; null for current members of the account.',
    }),
    memberships: t.relation('memberships', {
      description: 'Their teams, as far as the caller may see them; at most 200.',
      query: (_args, { caller }) => ({
        where: { team: visibleTeams(caller) },
        orderBy: { joinedAt: 'asc' },
        take: maxMemberships,
      }),
    }),
  }),
})

const TeamMemberRef = builder.prismaObject('TeamMember', {
  description: 'A person in a team.',
  select: { accountId: true, teamId: true, userId: true, joinedAt: true },
  fields: (t) => ({
    user: t.relation('user', { description: 'Who.' }),
    team: t.relation('team', { description: 'The team.' }),
    role: t.field({
      type: PersonRole,
      description: 'In the team.',
      select: { role: true },
      resolve: ({ role }) => (role === 'OWNER' ? 'OWNER' : 'MEMBER'),
    }),
    joinedAt: t.expose('joinedAt', { type: 'DateTime', description: 'When they joined.' }),
  }),
})

const TeamMemberConnection = connectionOf('TeamMember', TeamMemberRef)

export const TeamRef = builder.prismaObject('Team', {
  interfaces: [NodeRef],
  description: 'A team of people.',
  select: { accountId: true, id: true },
  fields: (t) => ({
    id: t.exposeID('id', { description: 'Stable.' }),
    slug: t.exposeString('slug', { description: 'Its short name; unique in the account.' }),
    name: t.exposeString('name', { description: 'Its display name.' }),
    description: t.exposeString('description', { description: 'What the team does; may be empty.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was created.' }),
    members: t.field({
      type: TeamMemberConnection,
      description: 'Its members, in the order in which they joined.',
      args: {
        role: t.arg({ type: PersonRole, description: 'Only members with this role; default: all.' }),
        first: t.arg.int(page.first),
        after: t.arg.string(page.after),
      },
      resolve: async ({ id }, { role, first, after }, context, info) => {
        const size = pageSize(first)
        const read = await context.db.teamMember.findMany({
          ...nodeQuery(context, info, 'TeamMember'),
          where: { teamId: id, ...(role && { role }), ...(after && { OR: behindMember(after) }) },
          orderBy: [{ joinedAt: 'asc' }, { userId: 'asc' }],
          take: size + 1,
        })
        return pageOf(read, size, after, (member) =>
          encodeCursor('members', [member.joinedAt.toISOString(), member.userId]),
        )
      },
    }),
    memberCount: t.int({
      description: 'Number of members.',
      args: { role: t.arg({ type: PersonRole, description: 'Only members with this role; default: all.' }) },
      resolve: ({ id }, { role }, { db }) => db.teamMember.count({ where: { teamId: id, ...(role && { role }) } }),
    }),
    member: t.prismaField({
      type: TeamMemberRef,
      nullable: true,
      description: 'One member; null when the person is not in the team.',
      args: { who: t.arg.string({ required: true, description: 'Their id or e-mail address.' }) },
      resolve: (query, { id }, { who }, { db }) =>
        db.teamMember.findFirst({
          ...query,
          where: { teamId: id, ...(isId(who) ? { userId: who } : { user: { email: who.trim().toLowerCase() } }) },
        }),
    }),
  }),
})

const UserConnection = connectionOf('User', UserRef)

builder.queryField('user', (t) =>
  t.prismaField({
    type: UserRef,
    nullable: true,
    description: 'One person, by id or e-mail address; null when the account has no such person.',
    args: { who: t.arg.string({ required: true, description: 'Their id or e-mail address.' }) },
    resolve: (query, _root, { who }, { caller, db, access }) => {
      access.users.mustSee(caller, who)
      return db.user.findFirst({
        ...query,
        where: { removedAt: null, ...(isId(who) ? { id: who } : { email: who.trim().toLowerCase() }) },
      })
    },
  }),
)

builder.queryField('users', (t) =>
  t.field({
    type: UserConnection,
    description: 'The people of the account, sorted by e-mail address.',
    args: {
      role: t.arg({ type: PersonRole, description: 'Only people with this role in the account; default: all.' }),
      team: t.arg.string({ description: 'Only members of the team with this slug; default: all.' }),
      first: t.arg.int(page.first),
      after: t.arg.string(page.after),
    },
    resolve: async (_root, { role, team, first, after }, context, info) => {
      context.caller.must('access:admin')
      const size = pageSize(first)
      const read = await context.db.user.findMany({
        ...nodeQuery(context, info, 'User'),
        where: {
          removedAt: null,
          ...(role && { role }),
          ...(team != null && { memberships: { some: { team: { slug: team } } } }),
          ...(after && { email: { gt: decodeCursor('users', after, 1)[0] ?? '' } }),
        },
        orderBy: { email: 'asc' },
        take: size + 1,
      })
      return pageOf(read, size, after, (user) => encodeCursor('users', [user.email]))
    },
  }),
)

const TeamConnection = connectionOf('Team', TeamRef)

builder.queryField('team', (t) =>
  t.prismaField({
    type: TeamRef,
    nullable: true,
    description: 'One team; null when the account has none with this slug, or the caller may not see it.',
    args: { slug: t.arg.string({ required: true, description: 'Its slug.' }) },
    resolve: (query, _root, { slug }, { caller, db }) =>
      db.team.findFirst({ ...query, where: { slug, ...visibleTeams(caller) } }),
  }),
)

builder.queryField('teams', (t) =>
  t.field({
    type: TeamConnection,
    description: 'The account’s teams, oldest first; for people without `access:admin`, only their own.',
    args: { first: t.arg.int(page.first), after: t.arg.string(page.after) },
    resolve: async (_root, { first, after }, context, info) => {
      const size = pageSize(first)
      const read = await context.db.team.findMany({
        ...nodeQuery(context, info, 'Team'),
        where: { ...visibleTeams(context.caller), ...(after && { id: { gt: idOf(after) } }) },
        orderBy: { id: 'asc' },
        take: size + 1,
      })
      return pageOf(read, size, after, (team) => encodeCursor('teams', [team.id]))
    },
  }),
)

function behindMember(cursor: string) {
  const [time = '', userId = ''] = decodeCursor('members', cursor, 2)
  const joinedAt = new Date(time)
  if (!isWithinYears(joinedAt) || !isId(userId)) throw new InvalidCursor()
  return [{ joinedAt: { gt: joinedAt } }, { joinedAt, userId: { gt: userId } }]
}

function idOf(cursor: string): string {
  const [id = ''] = decodeCursor('teams', cursor, 1)
  if (!isId(id)) throw new InvalidCursor()
  return id
}
