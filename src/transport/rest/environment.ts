import { z } from 'zod'
import type { EnvironmentFactsFragment } from '#transport/rest/generated/graphql.ts'
import { actor } from './routes/lock-fields.ts'

export const categories = ['dev', 'test', 'snapshot', 'release'] as const
type Category = (typeof categories)[number]

/** A category as GraphQL has it. */
export function toCategory(name: Category): EnvironmentFactsFragment['category'] {
  return name.toUpperCase() as EnvironmentFactsFragment['category']
}

const lockStatus = z.object({
  isLocked: z.boolean(),
  currentLock: z
    .object({
      fence: z.int().describe('Extending and releasing need it.'),
      holder: actor,
      reason: z.string().nullable(),
      acquiredAt: z.iso.datetime(),
      expiresAt: z.iso.datetime(),
    })
    .nullable()
    .describe('Null while it is free.'),
  queuedLocks: z
    .array(z.object({ actor, reason: z.string().nullable(), queuedAt: z.iso.datetime(), until: z.iso.datetime() }))
    .describe('The first 50 who wait, in the order of their turns.'),
})

export const environment = z
  .object({
    id: z.string(),
    repositoryIdentifier: z.string(),
    name: z.string(),
    description: z.string(),
    category: z.enum(categories),
    salesforceUsername: z.string().nullable(),
    devHubUsername: z.string().nullable(),
    isActive: z.boolean(),
    isDefault: z.boolean(),
    isLocked: z.boolean(),
    lockedBy: z.string().nullable().describe('The name of who holds it.'),
    lockExpiresAt: z.iso.datetime().nullable(),
    lockExpiresInSeconds: z.int().nullable(),
    lockStatus,
    metadata: z.record(z.string(), z.unknown()),
    tags: z.array(z.string()),
    branch: z.string().nullable(),
    orchestrationOrder: z.int().nullable(),
    expiresAt: z.iso.datetime().nullable(),
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
  })
  .meta({ id: 'Environment', description: 'An environment with who holds it and who waits for it.' })

export const environmentExample = {
  id: '01a20df8-6459-7047-91d4-901f8af598e8',
  repositoryIdentifier: 'acme/shop',
  name: 'qa1',
  description: '',
  category: 'test' as const,
  salesforceUsername: 'qa1@acme.example',
  devHubUsername: null,
  isActive: true,
  isDefault: false,
  isLocked: false,
  lockedBy: null,
  lockExpiresAt: null,
  lockExpiresInSeconds: null,
  lockStatus: { isLocked: false, currentLock: null, queuedLocks: [] },
  metadata: {},
  tags: ['pool'],
  branch: null,
  orchestrationOrder: null,
  expiresAt: null,
  createdAt: '2030-01-01T04:00:00.000Z',
  updatedAt: '2030-01-01T04:00:00.000Z',
}

/** An environment as this door has it. */
export function toEnvironment(found: EnvironmentFactsFragment) {
  const { repository, category, orgUsername, position, lease, queue, assignment: _, ...same } = found
  const leftMs = lease === null ? 0 : Date.parse(lease.expiresAt) - Date.now()
  return {
    ...same,
    repositoryIdentifier: repository,
    category: category.toLowerCase() as Category,
    salesforceUsername: orgUsername,
    orchestrationOrder: position,
    isLocked: lease !== null,
    lockedBy: lease?.holder.name ?? null,
    lockExpiresAt: lease?.expiresAt ?? null,
    lockExpiresInSeconds: lease === null ? null : Math.max(0, Math.round(leftMs / 1_000)),
    lockStatus: { isLocked: lease !== null, currentLock: lease, queuedLocks: queue },
  }
}

export const assignmentTypes = ['pr', 'issue', 'user', 'custom'] as const
type AssignmentKind = (typeof assignmentTypes)[number]

/** A kind of assignment as GraphQL has it. */
export function toAssignmentType(name: AssignmentKind): NonNullable<EnvironmentFactsFragment['assignment']>['type'] {
  return name.toUpperCase() as NonNullable<EnvironmentFactsFragment['assignment']>['type']
}

export const assignment = z
  .object({
    assignmentType: z.enum(assignmentTypes),
    assignmentId: z.string(),
    repositoryIdentifier: z.string(),
    status: z
      .enum(['InUse', 'Available', 'Expired'])
      .describe('Available: it was released; Expired: its time is over.'),
    assignedBy: z.string(),
    assignedAt: z.iso.datetime(),
    expiresAt: z.iso.datetime().nullable().describe('Null: when it is released.'),
    branch: z.string().nullable(),
    domains: z.array(z.string()),
    metadata: z.record(z.string(), z.unknown()),
    environmentDetails: environment,
    version: z.int().describe('Grows with each assignment: the fence of its lease.'),
  })
  .meta({ id: 'EnvironmentAssignment', description: 'What an environment is, or was last, set aside for.' })

/** An assignment as this door has it. */
export function toAssignment(found: EnvironmentFactsFragment) {
  const { assignment: made } = found
  if (made === null) return null
  const isOver = made.expiresAt !== null && Date.parse(made.expiresAt) <= Date.now()
  return {
    assignmentType: made.type.toLowerCase() as AssignmentKind,
    assignmentId: made.id,
    repositoryIdentifier: found.repository,
    status: made.isActive ? ('InUse' as const) : isOver ? ('Expired' as const) : ('Available' as const),
    assignedBy: made.by.name,
    assignedAt: made.at,
    expiresAt: made.expiresAt,
    branch: made.branch,
    domains: made.domains,
    metadata: made.metadata,
    environmentDetails: toEnvironment(found),
    version: made.fence,
  }
}

export const assignmentExample = {
  assignmentType: 'pr' as const,
  assignmentId: '42',
  repositoryIdentifier: 'acme/shop',
  status: 'InUse' as const,
  assignedBy: 'pipeline',
  assignedAt: '2030-01-01T04:00:00.000Z',
  expiresAt: '2030-01-02T04:00:00.000Z',
  branch: null,
  domains: [],
  metadata: {},
  environmentDetails: environmentExample,
  version: 7,
}
