import { z } from 'zod'
import {
  assignment,
  assignmentExample,
  assignmentTypes,
  categories,
  environment,
  environmentExample as example,
  toAssignment,
  toAssignmentType,
  toCategory,
  toEnvironment,
} from '#transport/rest/environment.ts'
import { wholeNumber } from '#transport/rest/fields.ts'
import {
  AcquireEnvironmentDocument,
  AssignEnvironmentDocument,
  AssignedEnvironmentDocument,
  CreateEnvironmentDocument,
  EnvironmentPagesDocument,
  EnvironmentsDocument,
  ExtendEnvironmentDocument,
  ReleaseEnvironmentDocument,
} from '#transport/rest/generated/graphql.ts'
import { answerPage, linkHeader, listQuery, placeOf } from '#transport/rest/paging.ts'
import { found } from '#transport/rest/refused.ts'
import { defineRoute, json, type Route } from '#transport/rest/route.ts'
import { leaseDurationSeconds, reason } from './lock-fields.ts'

const tag = 'Environments'
const maxWaitS = 300
const maxHours = 720

/** What this door calls the inputs. */
const names = {
  repository: 'repositoryIdentifier',
  orgUsername: 'salesforceUsername',
  position: 'orchestrationOrder',
  ttlMs: 'leaseDurationSeconds',
  waitMs: 'waitSeconds',
}

const metadata = z.record(z.string(), z.unknown()).optional().describe('At most 16 KiB as JSON; no secrets.')

const newEnvironment = z
  .strictObject({
    name: z.string().describe('Unique in its repository.'),
    category: z.enum(categories),
    repositoryIdentifier: z.string().optional().describe('Whose it is, such as `acme/shop`.'),
    description: z.string().optional(),
    salesforceUsername: z.string().optional().describe('The username of its Salesforce org.'),
    devHubUsername: z.string().optional(),
    isActive: z.boolean().optional().describe('Whether it can be acquired; true when absent.'),
    isDefault: z.boolean().optional().describe('Whether it is preferred when several are free.'),
    branch: z.string().optional(),
    tags: z.array(z.string()).optional().describe('At most 32.'),
    metadata,
    orchestrationOrder: z.int().optional().describe('Lower ones are acquired first.'),
    expiresAt: z.iso.datetime({ offset: true }).optional().describe('When it can no longer be acquired.'),
  })
  .meta({ id: 'NewEnvironment', description: 'An environment to create.' })

const params = z.object({ id: z.string().describe('The environment’s id.') })
const fence = z.int().describe('The fence of the lease.')

export const environmentRoutes: readonly Route[] = [
  defineRoute({
    method: 'get',
    path: '/environments',
    name: 'listEnvironments',
    tag,
    summary: 'Lists environments with who holds them and who waits for them.',
    description: 'With `category` as an array, else as an object with an array for each category. `limit` counts all.',
    query: z.object({
      repositoryIdentifier: z.string().optional().describe('Of this repository.'),
      category: z.enum(categories).optional().describe('Of this category.'),
      isActive: z.enum(['true', 'false'], 'must be true or false').optional(),
      branch: z.string().optional().describe('Of this branch.'),
      tags: z.array(z.string()).optional().describe('With all of these tags.'),
      ...listQuery(),
    }),
    answers: {
      200: {
        description: 'A page of environments.',
        schema: z.union([z.array(environment), z.record(z.enum(categories), z.array(environment))]),
        headers: linkHeader,
        example: [example],
      },
    },
    document: EnvironmentsDocument,
    async variables({ query, operations }) {
      const where = {
        category: query.category === undefined ? null : toCategory(query.category),
        repository: query.repositoryIdentifier ?? null,
        branch: query.branch ?? null,
        isActive: query.isActive === undefined ? null : query.isActive === 'true',
        tags: query.tags ?? null,
      }
      const pageInfo = async (page: { first: number; after: string | null }) =>
        (await operations.run(EnvironmentPagesDocument, { ...where, ...page })).environments.pageInfo
      return { ...where, first: query.limit, after: await placeOf(query, pageInfo) }
    },
    answer({ environments: { nodes, pageInfo } }, asked) {
      const all = nodes.map(toEnvironment)
      const page = answerPage(all, pageInfo, asked)
      if (asked.query.category !== undefined) return page
      const groups = categories.map((category) => [category, all.filter((one) => one.category === category)])
      return { ...page, ...json(200, Object.fromEntries(groups), page.headers) }
    },
  }),
  defineRoute({
    method: 'post',
    path: '/environments',
    name: 'createEnvironment',
    tag,
    summary: 'Creates an environment.',
    body: newEnvironment,
    bodyExamples: {
      sandbox: {
        name: 'qa1',
        category: 'test',
        repositoryIdentifier: 'acme/shop',
        salesforceUsername: 'qa1@acme.example',
      },
    },
    answers: { 201: { description: 'It was created.', schema: environment, example } },
    refusals: [409],
    document: CreateEnvironmentDocument,
    names,
    variables: ({ body }) => {
      const { repositoryIdentifier, salesforceUsername, orchestrationOrder, category, ...same } = body
      return {
        input: {
          ...same,
          category: toCategory(category),
          repository: repositoryIdentifier ?? null,
          orgUsername: salesforceUsername ?? null,
          position: orchestrationOrder ?? null,
        },
      }
    },
    answer: ({ createEnvironment }) => json(201, toEnvironment(createEnvironment.environment)),
  }),
  defineRoute({
    method: 'post',
    path: '/environments/acquire',
    name: 'acquireEnvironment',
    tag,
    summary: 'Acquires an environment that is free; 409 if none is, or becomes free in time.',
    description: 'A caller that disconnects while waiting leaves the queues.',
    body: z
      .strictObject({
        anyOf: z.array(z.string()).optional().describe('Ids, any of which will do.'),
        repositoryIdentifier: z.string().optional().describe('Of this repository.'),
        category: z.enum(categories).optional().describe('Of this category.'),
        branch: z.string().optional().describe('Of this branch.'),
        tags: z.array(z.string()).optional().describe('With all of these tags.'),
        leaseDurationSeconds,
        waitSeconds: z.int().min(0).max(maxWaitS).default(0).describe(`How long to wait, at most ${maxWaitS}.`),
        reason: reason.optional(),
      })
      .meta({ id: 'EnvironmentRequest', description: 'Which environment to acquire.' }),
    bodyExamples: {
      'any for tests': { category: 'test', leaseDurationSeconds: 3_600, waitSeconds: 300, reason: 'PR 42' },
    },
    answers: { 200: { description: 'It was acquired.', schema: environment, example } },
    refusals: [404, 409],
    document: AcquireEnvironmentDocument,
    names,
    variables: ({ body }) => {
      const {
        anyOf,
        leaseDurationSeconds: lease,
        waitSeconds,
        reason: why,
        repositoryIdentifier,
        category,
        ...same
      } = body
      const where = {
        ...same,
        repository: repositoryIdentifier ?? null,
        category: category === undefined ? null : toCategory(category),
      }
      return {
        input: { anyOf: anyOf ?? null, where, ttlMs: lease * 1000, waitMs: waitSeconds * 1000, reason: why ?? null },
      }
    },
    answer: ({ acquireEnvironment }) => json(200, toEnvironment(acquireEnvironment.environment)),
  }),
  defineRoute({
    method: 'put',
    path: '/environments/{id}/lease',
    name: 'extendEnvironment',
    tag,
    summary: 'Extends the lease of an environment; 409 if another fence holds it now.',
    params,
    body: z
      .strictObject({ fence, leaseDurationSeconds })
      .meta({ id: 'EnvironmentExtension', description: 'The new lease, counted from now.' }),
    bodyExamples: { 'an hour more': { fence: 7, leaseDurationSeconds: 3_600 } },
    answers: { 200: { description: 'It was extended.', schema: environment, example } },
    refusals: [403, 404, 409],
    document: ExtendEnvironmentDocument,
    names,
    variables: ({ params: { id }, body }) => ({
      input: { id, fence: body.fence, ttlMs: body.leaseDurationSeconds * 1000 },
    }),
    answer: ({ extendEnvironment }) => json(200, toEnvironment(extendEnvironment.environment)),
  }),
  defineRoute({
    method: 'delete',
    path: '/environments/{id}/lease',
    name: 'releaseEnvironment',
    tag,
    summary: 'Releases an environment; the next caller in its queue acquires it.',
    params,
    query: z.object({ fence: wholeNumber(1, Number.MAX_SAFE_INTEGER).describe('The fence of the lease.') }),
    answers: { 204: { description: 'It was released.' } },
    refusals: [403, 404, 409],
    document: ReleaseEnvironmentDocument,
    variables: ({ params: { id }, query }) => ({ input: { id, ...query } }),
    answer: () => ({ status: 204 }),
  }),
  defineRoute({
    method: 'post',
    path: '/review/environments/assign',
    name: 'assignEnvironment',
    tag,
    summary: 'Sets a free environment aside, for a pull request, say; a current assignment is used again.',
    body: z
      .strictObject({
        assignmentType: z.enum(assignmentTypes),
        assignmentId: z.string().describe('Letters, digits and `@ . _ -`.'),
        repositoryIdentifier: z.string(),
        poolTag: z.string().optional().describe('Only environments with this tag.'),
        branch: z.string().optional(),
        domains: z.array(z.string()).optional(),
        expirationHours: z.int().min(1).max(maxHours).optional().describe(`1 to ${maxHours}; 24 when absent.`),
        isImmortal: z.boolean().optional().describe('Whether it ends only when it is released.'),
        metadata,
        override: z.boolean().optional().describe('Whether a current assignment for the same is ended instead.'),
      })
      .meta({ id: 'AssignmentRequest', description: 'What to set an environment aside for.' }),
    bodyExamples: {
      'pull request': {
        assignmentType: 'pr',
        assignmentId: '42',
        repositoryIdentifier: 'acme/shop',
        poolTag: 'review',
      },
    },
    answers: {
      200: {
        description: 'An environment is set aside.',
        schema: z
          .object({
            status: z.literal('environment_assigned'),
            message: z.string(),
            timestamp: z.iso.datetime(),
            assignment,
          })
          .meta({ id: 'AssignedEnvironment' }),
        example: {
          status: 'environment_assigned',
          message: 'The environment qa1 is set aside for pr 42.',
          timestamp: '2030-01-01T04:00:00.000Z',
          assignment: assignmentExample,
        },
      },
    },
    refusals: [404, 409],
    document: AssignEnvironmentDocument,
    names: { type: 'assignmentType', id: 'assignmentId', ...names },
    variables: ({ body: { assignmentType, assignmentId, repositoryIdentifier, ...same } }) => ({
      input: { ...same, type: toAssignmentType(assignmentType), id: assignmentId, repository: repositoryIdentifier },
    }),
    answer({ assignEnvironment: { environment: which, isNew } }, { body }) {
      const thing = `${body.assignmentType} ${body.assignmentId}`
      const message = `The environment ${which.name} is set aside for ${thing}${isNew ? '' : ' already'}.`
      const timestamp = new Date().toISOString()
      return json(200, { status: 'environment_assigned', message, timestamp, assignment: toAssignment(which) })
    },
  }),
  defineRoute({
    method: 'get',
    path: '/review/environments/{assignmentType}/{assignmentId}',
    name: 'getAssignedEnvironment',
    tag,
    summary: 'Shows which environment is, or was last, set aside for something.',
    params: z.object({ assignmentType: z.enum(assignmentTypes), assignmentId: z.string() }),
    query: z.object({ repositoryIdentifier: z.string() }),
    answers: { 200: { description: 'The assignment.', schema: assignment, example: assignmentExample } },
    refusals: [404],
    document: AssignedEnvironmentDocument,
    variables: ({ params: { assignmentType, assignmentId }, query }) => ({
      type: toAssignmentType(assignmentType),
      id: assignmentId,
      repository: query.repositoryIdentifier,
    }),
    answer({ assignedEnvironment }, { params: { assignmentType, assignmentId } }) {
      const known = found(assignedEnvironment, `assignment for ${assignmentType} ${assignmentId}`)
      return json(200, toAssignment(known))
    },
  }),
]
