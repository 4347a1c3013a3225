import {
  type AssignmentType,
  type Environment,
  type EnvironmentCategory,
  isAssigned,
  type Waiter,
} from '#domain/environments/environment.ts'
import { decodeCursor, encodeCursor, InvalidCursor } from '#lib/cursor.ts'
import { builder } from '#schema/builder.ts'
import { described } from '#schema/described.ts'
import { NodeRef } from '#schema/node.ts'
import { connectionOf, pageOf, pageSize } from '#schema/pagination.ts'
import { SalesforceOrgRef } from '#schema/salesforce/org.ts'

export const EnvironmentCategoryEnum = builder.enumType('EnvironmentCategory', {
  description: 'What an environment is for.',
  values: described<EnvironmentCategory>({
    DEV: 'Development.',
    TEST: 'Tests.',
    SNAPSHOT: 'Snapshots of a branch.',
    RELEASE: 'Releases.',
  }),
})

export const EnvironmentAssignmentTypeEnum = builder.enumType('EnvironmentAssignmentType', {
  description: 'What an environment can be set aside for.',
  values: described<AssignmentType>({
    PR: 'A pull request.',
    ISSUE: 'An issue.',
    USER: 'A user.',
    CUSTOM: 'Anything else.',
  }),
})

const LeaseRef = builder.objectRef<NonNullable<Environment['lock']>>('EnvironmentLease').implement({
  description: 'Who holds an environment, until when, and why.',
  fields: (t) => ({
    fence: t.exposeFloat('fence', { description: 'Grows with each grant; extending and releasing need it.' }),
    holder: t.expose('holder', { type: 'Actor', description: 'Who holds it.' }),
    reason: t.string({ nullable: true, description: 'What for.', resolve: ({ reason }) => reason }),
    acquiredAt: t.expose('acquiredAt', { type: 'DateTime', description: 'Since when.' }),
    expiresAt: t.expose('expiresAt', { type: 'DateTime', description: 'When the lease ends unless it is extended.' }),
  }),
})

const AssignmentRef = builder
  .objectRef<NonNullable<Environment['assignment']> & { readonly isActive: boolean }>('EnvironmentAssignment')
  .implement({
    description: 'What an environment is, or was last, set aside for.',
    fields: (t) => ({
      type: t.expose('type', { type: EnvironmentAssignmentTypeEnum, description: 'The kind of thing.' }),
      id: t.exposeString('id', { description: 'Which one, such as the number of a pull request.' }),
      isActive: t.exposeBoolean('isActive', { description: 'False once it has expired or was released.' }),
      by: t.expose('by', { type: 'Actor', description: 'Who set it aside.' }),
      at: t.field({ type: 'DateTime', description: 'When.', resolve: ({ at }) => new Date(at) }),
      expiresAt: t.field({
        type: 'DateTime',
        nullable: true,
        description: 'When it ends; null: when it is released.',
        resolve: ({ expiresAt }) => (expiresAt === null ? null : new Date(expiresAt)),
      }),
      fence: t.exposeFloat('fence', { description: 'The fence of its lease.' }),
      branch: t.string({ nullable: true, description: 'As requested.', resolve: ({ branch }) => branch }),
      domains: t.stringList({ description: 'As requested.', resolve: ({ domains }) => [...domains] }),
      metadata: t.field({ type: 'JSON', description: 'As requested.', resolve: ({ metadata }) => metadata }),
    }),
  })

const WaiterRef = builder.objectRef<Waiter>('EnvironmentWaiter').implement({
  description: 'A caller that waits for an environment.',
  fields: (t) => ({
    actor: t.field({ type: 'Actor', description: 'Who.', resolve: ({ by }) => by.actor }),
    reason: t.string({ nullable: true, description: 'What for.', resolve: ({ reason }) => reason }),
    queuedAt: t.expose('queuedAt', { type: 'DateTime', description: 'Since when it waits.' }),
    until: t.expose('until', { type: 'DateTime', description: 'When it stops waiting.' }),
  }),
})

const queueLimit = 200

export const EnvironmentRef = builder.objectRef<Environment>('Environment').implement({
  interfaces: [NodeRef],
  description: 'Something that one caller at a time uses, such as an org for tests.',
  fields: (t) => ({
    id: t.exposeID('id', { description: 'Stable. Its lock is named `environment/<id>`.' }),
    name: t.exposeString('name', { description: 'Unique in its repository.' }),
    description: t.exposeString('description', { description: 'For people.' }),
    category: t.expose('category', { type: EnvironmentCategoryEnum, description: 'What it is for.' }),
    repository: t.exposeString('repository', { description: 'Whose it is; empty: nobody’s in particular.' }),
    orgUsername: t.string({
      nullable: true,
      description: 'The username of its Salesforce org.',
      resolve: ({ orgUsername }) => orgUsername,
    }),
    org: t.prismaField({
      type: SalesforceOrgRef,
      nullable: true,
      description: 'That org; null while none of this username is registered.',
      resolve: (query, { orgUsername }, _args, { db }) =>
        orgUsername === null ? null : db.salesforceOrg.findFirst({ ...query, where: { username: orgUsername } }),
    }),
    devHubUsername: t.string({
      nullable: true,
      description: 'The username of the Dev Hub that it comes from.',
      resolve: ({ devHubUsername }) => devHubUsername,
    }),
    isActive: t.exposeBoolean('isActive', { description: 'Whether it can be acquired.' }),
    isDefault: t.exposeBoolean('isDefault', { description: 'Whether it is preferred when several are free.' }),
    branch: t.string({
      nullable: true,
      description: 'The branch that it belongs to.',
      resolve: ({ branch }) => branch,
    }),
    tags: t.stringList({ description: 'To find it by.', resolve: ({ tags }) => [...tags] }),
    metadata: t.field({
      type: 'JSON',
      description: 'What its users want to know.',
      resolve: ({ metadata }) => metadata,
    }),
    position: t.int({
      nullable: true,
      description: 'Its place in an order; lower ones are acquired first.',
      resolve: ({ position }) => position,
    }),
    expiresAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When it can no longer be acquired; null: never.',
      resolve: ({ expiresAt }) => expiresAt,
    }),
    lease: t.field({
      type: LeaseRef,
      nullable: true,
      description: 'Who holds it; null while it is free.',
      resolve: ({ lock }) => lock ?? null,
    }),
    queue: t.field({
      type: [WaiterRef],
      description: 'Who waits for it, in the order of their turns.',
      complexity: ({ first }) => ({ field: 1, multiplier: Math.min(Math.max(1, first), queueLimit) }),
      args: { first: t.arg.int({ defaultValue: 10, required: true, description: `How many, at most ${queueLimit}.` }) },
      resolve: ({ id }, { first }, { caller, environments }) =>
        environments.queue(caller, id, Math.min(Math.max(first, 0), queueLimit)),
    }),
    assignment: t.field({
      type: AssignmentRef,
      nullable: true,
      description: 'What it is, or was last, set aside for.',
      resolve: (environment) =>
        environment.assignment && { ...environment.assignment, isActive: isAssigned(environment) },
    }),
    createdBy: t.expose('createdBy', { type: 'Actor', description: 'Who created it.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was created.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When it was last changed.' }),
  }),
})

const EnvironmentConnection = connectionOf('Environment', EnvironmentRef)

builder.queryField('environment', (t) =>
  t.field({
    type: EnvironmentRef,
    nullable: true,
    description: 'One environment; null when there is none of this id.',
    args: { id: t.arg.id({ required: true, description: 'Its id.' }) },
    resolve: async (_root, { id }, { caller, environments }) => (await environments.find(caller, id)) ?? null,
  }),
)

builder.queryField('environments', (t) =>
  t.field({
    type: EnvironmentConnection,
    description: 'The account’s environments by repository and name.',
    args: {
      category: t.arg({ type: EnvironmentCategoryEnum, description: 'Of this category; all when absent.' }),
      repository: t.arg.string({ description: 'Of this repository; all when absent.' }),
      branch: t.arg.string({ description: 'Of this branch; all when absent.' }),
      isActive: t.arg.boolean({ description: 'Only those that can be acquired, or that can’t.' }),
      tags: t.arg.stringList({ description: 'Only those with all of these tags.' }),
      first: t.arg.int({ description: 'How many, 1 to 200; 50 when absent.' }),
      after: t.arg.string({ description: 'Continue after this cursor.' }),
    },
    async resolve(_root, { first, after, ...filter }, { caller, environments }) {
      const size = pageSize(first)
      const read = await environments.list(caller, filter, { after: placeOf(after), limit: size + 1 })
      return pageOf(read, size, after, ({ repository, name }) =>
        encodeCursor('environments', [repository, name].map(encodeURIComponent)),
      )
    },
  }),
)

function placeOf(cursor: string | null | undefined): { repository: string; name: string } | undefined {
  if (!cursor) return undefined
  const [repository = '', name = ''] = decodeCursor('environments', cursor, 2).map(decoded)
  return { repository, name }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    throw new InvalidCursor()
  }
}
