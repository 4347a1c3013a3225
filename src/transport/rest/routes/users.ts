import { z } from 'zod'
import { idempotencyHeaders, keyNames, keyOf } from '#transport/rest/fields.ts'
import {
  CreateUserDocument,
  RemoveUserDocument,
  UpdateUserDocument,
  UserDocument,
  type UserFactsFragment,
  UserPagesDocument,
  UsersDocument,
  ViewerDocument,
} from '#transport/rest/generated/graphql.ts'
import { answerPage, linkHeader, listQuery, placeOf } from '#transport/rest/paging.ts'
import { done, personParams, role, roleOf, toUser, user } from '#transport/rest/person.ts'
import { found, Refused } from '#transport/rest/refused.ts'
import { defineRoute, json, type Route } from '#transport/rest/route.ts'

const tag = 'Users'

const example = {
  id: '019e7c3a-5b1e-7c3a-8a51-3f5d0c9a4b11',
  firstName: 'Ada',
  lastName: 'Lovelace',
  email: 'ada@example.com',
  role: 'member',
  teams: ['engine'],
}
const answers = { 200: { description: 'The person.', schema: user, example } }

/** The documents answer a change with the person under `user`, and a look-up with the person alone; a change has both. */
const changed = user
  .extend({ success: z.literal(true), user })
  .meta({ id: 'ChangedUser', description: 'The updated person.' })
const changedExample = { ...example, success: true, user: example }

const name = z.string().describe('At most 100 characters.')

export const userRoutes: readonly Route[] = [
  defineRoute({
    method: 'get',
    path: '/users',
    name: 'listUsers',
    tag,
    summary: 'Lists the account’s people, by e-mail address.',
    query: z.object({
      role: role.optional().describe('Only people with this role in the account.'),
      team: z.string().optional().describe('Only members of the team with this slug.'),
      ...listQuery(10),
    }),
    answers: {
      200: { description: 'A page of people.', schema: z.array(user), headers: linkHeader, example: [example] },
    },
    document: UsersDocument,
    async variables({ query, operations }) {
      const where = { role: query.role ? roleOf[query.role] : null, team: query.team ?? null }
      const pageInfo = async (page: { first: number; after: string | null }) =>
        (await operations.run(UserPagesDocument, { ...where, ...page })).users.pageInfo
      return { ...where, first: query.limit, after: await placeOf(query, pageInfo) }
    },
    answer: ({ users: { nodes, pageInfo } }, asked) => answerPage(nodes.map(toUser), pageInfo, asked),
  }),
  defineRoute({
    method: 'post',
    path: '/users',
    name: 'createUser',
    tag,
    summary: 'Adds a person to the account.',
    headers: idempotencyHeaders,
    body: z
      .strictObject({
        email: z.string().describe('They sign in with it.'),
        firstName: name.default(''),
        lastName: name.default(''),
        role: role.default('member').describe('In the account.'),
      })
      .meta({ id: 'UserRequest', description: 'A person to add.' }),
    bodyExamples: { member: { email: 'ada@example.com', firstName: 'Ada', lastName: 'Lovelace', role: 'member' } },
    answers: {
      201: {
        description: 'The person was added.',
        schema: changed,
        example: changedExample,
        headers: { Location: 'Where they are.' },
      },
    },
    refusals: [409],
    document: CreateUserDocument,
    names: keyNames,
    variables: ({ body, headers }) => ({ input: { ...body, ...keyOf(headers), role: roleOf[body.role] } }),
    answer: ({ createUser: { user } }, { prefix }) =>
      json(201, toChanged(user), { location: `${prefix}/users/${encodeURIComponent(user.email)}` }),
  }),
  defineRoute({
    method: 'delete',
    path: '/users',
    name: 'deleteUserByBody',
    tag,
    summary: 'Removes the person named in the body from the account.',
    description: 'Their name stays on everything they did.',
    body: z
      .strictObject({ email: z.string().describe('The person’s e-mail address.') })
      .meta({ id: 'UserRemoval', description: 'A person to remove.' }),
    bodyExamples: { ada: { email: 'ada@example.com' } },
    answers: { 200: { description: 'The person was removed.', schema: done } },
    refusals: [404, 409],
    document: RemoveUserDocument,
    variables: ({ body }) => ({ who: body.email }),
    answer: () => json(200, { success: true }),
  }),
  defineRoute({
    method: 'get',
    path: '/users/me',
    name: 'getOwnUser',
    tag,
    summary: 'Returns the signed-in person.',
    description: '404 for an application token, which does not belong to a person.',
    answers,
    refusals: [404],
    document: ViewerDocument,
    variables: () => ({}),
    async answer({ viewer: { kind, id, name } }, { operations }) {
      if (kind !== 'user')
        throw new Refused('NOT_FOUND', `The caller is the application token "${name}", not a person.`)
      return json(200, toUser(found((await operations.run(UserDocument, { who: id })).user, `user ${id}`)))
    },
  }),
  defineRoute({
    method: 'get',
    path: '/users/{email}',
    name: 'getUser',
    tag,
    summary: 'Returns a person.',
    params: personParams,
    answers,
    refusals: [404],
    document: UserDocument,
    variables: ({ params }) => ({ who: params.email }),
    answer: (data, { params }) => json(200, toUser(found(data.user, `user ${params.email}`))),
  }),
  defineRoute({
    method: 'put',
    path: '/users/{email}',
    name: 'updateUser',
    tag,
    summary: 'Updates a person; absent fields keep their values.',
    description: 'Everyone may change their own name, owners everyone’s. You cannot raise your own role.',
    params: personParams,
    body: z
      .strictObject({
        firstName: name.optional(),
        lastName: name.optional(),
        role: role.optional().describe('In the account.'),
      })
      .meta({ id: 'UserChanges', description: 'The fields of a person to change.' }),
    bodyExamples: { names: { firstName: 'Ada', lastName: 'Lovelace' }, role: { role: 'owner' } },
    answers: { 200: { description: 'The person was updated.', schema: changed, example: changedExample } },
    refusals: [404, 409],
    document: UpdateUserDocument,
    variables: ({ params, body: { role, ...names } }) => ({
      input: { who: params.email, ...names, ...(role && { role: roleOf[role] }) },
    }),
    answer: ({ updateUser }) => json(200, toChanged(updateUser.user)),
  }),
  defineRoute({
    method: 'delete',
    path: '/users/{email}',
    name: 'deleteUser',
    tag,
    summary: 'Removes a person from the account.',
    description: 'Their name stays on everything they did.',
    params: personParams,
    answers: { 200: { description: 'The person was removed.', schema: done } },
    refusals: [404, 409],
    document: RemoveUserDocument,
    variables: ({ params }) => ({ who: params.email }),
    answer: () => json(200, { success: true }),
  }),
]

function toChanged(facts: UserFactsFragment): z.output<typeof changed> {
  const user = toUser(facts)
  return { ...user, success: true, user }
}
