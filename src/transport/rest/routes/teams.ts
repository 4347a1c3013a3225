import { z } from 'zod'
import { idempotencyHeaders, keyNames, keyOf } from '#transport/rest/fields.ts'
import {
  CreateTeamDocument,
  DeleteTeamDocument,
  type TeamFactsFragment,
  TeamPagesDocument,
  TeamsDocument,
} from '#transport/rest/generated/graphql.ts'
import { answerPage, linkHeader, listQuery, placeOf } from '#transport/rest/paging.ts'
import { done } from '#transport/rest/person.ts'
import { defineRoute, json, type Route } from '#transport/rest/route.ts'

const tag = 'Teams'

const team = z
  .object({
    id: z.string(),
    slug: z.string().describe('Its short name; unique in the account.'),
    name: z.string().describe('Its display name.'),
    description: z.string().describe('What the team does; may be empty.'),
    createdAt: z.iso.datetime(),
  })
  .meta({ id: 'Team', description: 'A team of people.' })

const example = {
  id: '019e7c3a-5b1e-7c3a-8a51-3f5d0c9a4b11',
  slug: 'engine',
  name: 'Engine',
  description: 'They build it.',
  createdAt: '2026-11-24T12:48:36.561Z',
}

export const teamRoutes: readonly Route[] = [
  defineRoute({
    method: 'get',
    path: '/teams',
    name: 'listTeams',
    tag,
    summary: 'Lists the account’s teams, oldest first.',
    query: z.object(listQuery()),
    answers: {
      200: { description: 'A page of teams.', schema: z.array(team), headers: linkHeader, example: [example] },
    },
    document: TeamsDocument,
    variables: async ({ query, operations }) => ({
      first: query.limit,
      after: await placeOf(query, async (page) => (await operations.run(TeamPagesDocument, page)).teams.pageInfo),
    }),
    answer: ({ teams: { nodes, pageInfo } }, asked) => answerPage(nodes.map(toTeam), pageInfo, asked),
  }),
  defineRoute({
    method: 'post',
    path: '/teams',
    name: 'createTeam',
    tag,
    summary: 'Creates a team.',
    description: 'A person who creates a team becomes its owner.',
    headers: idempotencyHeaders,
    body: z
      .strictObject({
        name: z.string().describe('At most 100 characters.'),
        slug: z.string().describe('1 to 63 of a-z, 0-9 and, between them, -.'),
        description: z.string().default('').describe('At most 500 characters.'),
      })
      .meta({ id: 'TeamRequest', description: 'A team to create.' }),
    bodyExamples: { engine: { name: 'Engine', slug: 'engine', description: 'They build it.' } },
    answers: {
      201: {
        description: 'The team was created.',
        schema: z.object({ success: z.literal(true), team }).meta({ id: 'ChangedTeam', description: 'The new team.' }),
        example: { success: true, team: example },
      },
    },
    refusals: [404, 409],
    document: CreateTeamDocument,
    names: keyNames,
    variables: ({ body, headers }) => ({ input: { ...body, ...keyOf(headers) } }),
    answer: ({ createTeam }) => json(201, { success: true, team: toTeam(createTeam.team) }),
  }),
  defineRoute({
    method: 'delete',
    path: '/teams/{slug}',
    name: 'deleteTeam',
    tag,
    summary: 'Deletes a team; the account’s last team cannot be deleted.',
    description: 'Its members stay in the account.',
    params: z.object({ slug: z.string().describe('The team’s slug.') }),
    answers: { 200: { description: 'The team was deleted.', schema: done } },
    refusals: [404, 409],
    document: DeleteTeamDocument,
    variables: ({ params }) => ({ slug: params.slug }),
    answer: () => json(200, { success: true }),
  }),
]

function toTeam({ id, slug, name, description, createdAt }: TeamFactsFragment): z.output<typeof team> {
  return { id, slug, name, description, createdAt }
}
