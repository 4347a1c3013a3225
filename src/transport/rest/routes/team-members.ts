import { z } from 'zod'
import { idempotencyHeaders, keyNames, keyOf } from '#transport/rest/fields.ts'
import {
  AddTeamMemberDocument,
  type MembershipFragment,
  RemoveTeamMemberDocument,
  TeamMemberPagesDocument,
  TeamMembersDocument,
  UpdateTeamMemberDocument,
} from '#transport/rest/generated/graphql.ts'
import { linkHeader, nextLink, pageBy, placeOf } from '#transport/rest/paging.ts'
import { done, nameOfRole, personParams, role, roleOf } from '#transport/rest/person.ts'
import { found } from '#transport/rest/refused.ts'
import { defineRoute, json, type Route } from '#transport/rest/route.ts'

const tag = 'Teams'

/** The documents write these names so. */
const membership = z
  .object({
    user_id: z.string(),
    account_id: z.string().describe('The team’s id.'),
    email: z.string(),
    first_name: z.string(),
    last_name: z.string(),
    role: role.describe('In the team.'),
    created_at: z.iso.datetime().describe('When they joined.'),
  })
  .meta({ id: 'TeamMembership', description: 'A person in a team.' })

const members = z
  .object({ members: z.array(membership), total: z.int().describe('Number of members on all pages.') })
  .meta({ id: 'TeamMembers', description: 'A page of a team’s members.' })

const changed = z
  .object({ success: z.literal(true), membership })
  .meta({ id: 'ChangedTeamMembership', description: 'The updated membership.' })

const example = {
  user_id: '019e7c3a-5b1e-7c3a-8a51-3f5d0c9a4b11',
  account_id: '019e7c3a-9d40-7f0e-b1c2-6a7d2e1f0c55',
  email: 'ada@example.com',
  first_name: 'Ada',
  last_name: 'Lovelace',
  role: 'member',
  created_at: '2026-11-24T12:48:36.561Z',
}
const changedExample = { success: true, membership: example }

const teamParams = z.object({ slug: z.string().describe('The team’s slug.') })
const memberParams = teamParams.extend(personParams.shape)

export const teamMemberRoutes: readonly Route[] = [
  defineRoute({
    method: 'get',
    path: '/teams/{slug}/members',
    name: 'listTeamMembers',
    tag,
    summary: 'Lists the members of a team in the order in which they joined.',
    description: 'For members of the team, and for callers with `access:admin`.',
    params: teamParams,
    query: z.object({ role: role.optional().describe('Only members with this role.'), ...pageBy(10) }),
    answers: {
      200: {
        description: 'A page of members.',
        schema: members,
        headers: linkHeader,
        example: { members: [example], total: 1 },
      },
    },
    refusals: [404],
    document: TeamMembersDocument,
    async variables({ params: { slug }, query, operations }) {
      const role = query.role === undefined ? null : roleOf[query.role]
      const pageInfo = async (page: { first: number; after: string | null }) => {
        const { team } = await operations.run(TeamMemberPagesDocument, { slug, role, ...page })
        return team?.members.pageInfo ?? { endCursor: null, hasNextPage: false }
      }
      return { slug, role, first: query.limit, after: await placeOf(query, pageInfo) }
    },
    answer(data, { params, path, query }) {
      const { id, memberCount, members } = found(data.team, `team ${params.slug}`)
      const end = query.offset + query.limit
      const next = nextLink({ path, query }, 'offset', members.pageInfo.hasNextPage ? String(end) : null)
      return json(200, { members: members.nodes.map((member) => toMembership(id, member)), total: memberCount }, next)
    },
  }),
  defineRoute({
    method: 'post',
    path: '/teams/{slug}/members',
    name: 'addTeamMember',
    tag,
    summary: 'Adds a person of the account to a team.',
    params: teamParams,
    headers: idempotencyHeaders,
    body: z
      .strictObject({
        email: z.string().describe('The person’s e-mail address.'),
        role: role.default('member').describe('In the team.'),
      })
      .meta({ id: 'TeamMemberRequest', description: 'A person to add to a team.' }),
    bodyExamples: { member: { email: 'ada@example.com', role: 'member' } },
    answers: { 201: { description: 'The person was added.', schema: changed, example: changedExample } },
    refusals: [404, 409],
    document: AddTeamMemberDocument,
    names: keyNames,
    variables: ({ params, body, headers }) => ({
      input: { slug: params.slug, who: body.email, role: roleOf[body.role], ...keyOf(headers) },
      who: body.email,
    }),
    answer: ({ addTeamMember }) => json(201, toChanged(addTeamMember.team)),
  }),
  defineRoute({
    method: 'delete',
    path: '/teams/{slug}/members/{email}',
    name: 'removeTeamMember',
    tag,
    summary: 'Removes a person from a team.',
    description: 'Members may remove themselves. The last owner cannot be removed.',
    params: memberParams,
    answers: { 200: { description: 'The person was removed.', schema: done } },
    refusals: [404, 409],
    document: RemoveTeamMemberDocument,
    variables: ({ params }) => ({ slug: params.slug, who: params.email }),
    answer: () => json(200, { success: true }),
  }),
  defineRoute({
    method: 'put',
    path: '/teams/{slug}/members/{email}/role',
    name: 'setTeamMemberRole',
    tag,
    summary: 'Changes a member’s role.',
    description: 'You cannot raise your own role, and the last owner cannot step down.',
    params: memberParams,
    body: z
      .strictObject({ role: role.describe('In the team.') })
      .meta({ id: 'TeamMemberRole', description: 'The new role of a member.' }),
    bodyExamples: { owner: { role: 'owner' } },
    answers: { 200: { description: 'The person has the role.', schema: changed, example: changedExample } },
    refusals: [404, 409],
    document: UpdateTeamMemberDocument,
    variables: ({ params, body }) => ({
      input: { slug: params.slug, who: params.email, role: roleOf[body.role] },
      who: params.email,
    }),
    answer: ({ updateTeamMember }) => json(200, toChanged(updateTeamMember.team)),
  }),
]

function toMembership(teamId: string, { user, role, joinedAt }: MembershipFragment): z.output<typeof membership> {
  return {
    user_id: user.id,
    account_id: teamId,
    email: user.email,
    first_name: user.firstName,
    last_name: user.lastName,
    role: nameOfRole[role],
    created_at: joinedAt,
  }
}

function toChanged(team: { id: string; member: MembershipFragment | null }): z.output<typeof changed> {
  return { success: true, membership: toMembership(team.id, found(team.member, 'such member')) }
}
