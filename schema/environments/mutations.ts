import type { Environment } from '#domain/environments/environment.ts'
import {
  EnvironmentExists,
  EnvironmentHeld,
  EnvironmentNotFound,
  NoSuchEnvironment,
} from '#domain/environments/errors.ts'
import { FenceLost, NotLockHolder } from '#domain/locks/errors.ts'
import { InvalidInput } from '#lib/errors.ts'
import { builder } from '#schema/builder.ts'
import { EnvironmentAssignmentTypeEnum, EnvironmentCategoryEnum, EnvironmentRef } from './environment.ts'
import './failures.ts'

type Fields = PothosSchemaTypes.InputFieldBuilder<typeof builder.$inferSchemaTypes, 'InputObject'>

const id = { required: true, description: 'The environment’s id.' } as const
const fence = { required: true, description: 'The fence of its lease.' } as const
const ttlMs = { required: true, description: 'Length of the lease, in milliseconds: 1,000 to 86,400,000.' } as const

/** What people decide about an environment. */
const settings = (t: Fields) => ({
  description: t.string({ description: 'For people, at most 1,000 characters.' }),
  repository: t.string({ description: 'Whose it is, such as `acme/shop`.' }),
  orgUsername: t.string({ description: 'The username of its Salesforce org; it need not be registered yet.' }),
  devHubUsername: t.string({ description: 'The username of the Dev Hub that it comes from.' }),
  isActive: t.boolean({ description: 'Whether it can be acquired.' }),
  isDefault: t.boolean({ description: 'Whether it is preferred when several are free.' }),
  branch: t.string({ description: 'The branch that it belongs to.' }),
  tags: t.stringList({ description: 'To find it by; at most 32.' }),
  metadata: t.field({ type: 'JSON', description: 'An object, at most 16 KiB as JSON. It must not hold secrets.' }),
  position: t.int({ description: 'Its place in an order; lower ones are acquired first.' }),
  expiresAt: t.field({ type: 'DateTime', description: 'When it can no longer be acquired.' }),
})

const CreateEnvironmentInput = builder.inputType('CreateEnvironmentInput', {
  description: 'An environment to create.',
  fields: (t) => ({
    name: t.string({ required: true, description: 'Unique in its repository, at most 100 characters.' }),
    category: t.field({ type: EnvironmentCategoryEnum, required: true, description: 'What it is for.' }),
    ...settings(t),
  }),
})

const UpdateEnvironmentInput = builder.inputType('UpdateEnvironmentInput', {
  description: 'What to change about an environment; what is left out stays.',
  fields: (t) => ({
    id: t.id(id),
    name: t.string({ description: 'Unique in its repository, at most 100 characters.' }),
    category: t.field({ type: EnvironmentCategoryEnum, description: 'What it is for.' }),
    ...settings(t),
  }),
})

const DeleteEnvironmentInput = builder.inputType('DeleteEnvironmentInput', {
  description: 'An environment to delete.',
  fields: (t) => ({ id: t.id(id) }),
})

const EnvironmentFilterInput = builder.inputType('EnvironmentFilterInput', {
  description: 'Which environments will do; all that is given must match.',
  fields: (t) => ({
    category: t.field({ type: EnvironmentCategoryEnum, description: 'Of this category.' }),
    repository: t.string({ description: 'Of this repository.' }),
    branch: t.string({ description: 'Of this branch.' }),
    tags: t.stringList({ description: 'With all of these tags.' }),
  }),
})

const AcquireEnvironmentInput = builder.inputType('AcquireEnvironmentInput', {
  description: 'Which environment to acquire.',
  fields: (t) => ({
    anyOf: t.idList({ description: 'Ids, any of which will do.' }),
    where: t.field({ type: EnvironmentFilterInput, description: 'What it has to be like, beside `anyOf`.' }),
    ttlMs: t.int(ttlMs),
    waitMs: t.int({
      defaultValue: 0,
      required: true,
      description: 'How long to wait if all are held, in milliseconds; at most 300,000.',
    }),
    reason: t.string({ description: 'What it is needed for, at most 500 characters; shown to others.' }),
  }),
})

const ExtendEnvironmentInput = builder.inputType('ExtendEnvironmentInput', {
  description: 'An environment whose lease is to be extended.',
  fields: (t) => ({ id: t.id(id), fence: t.float(fence), ttlMs: t.int(ttlMs) }),
})

const ReleaseEnvironmentInput = builder.inputType('ReleaseEnvironmentInput', {
  description: 'An environment to release.',
  fields: (t) => ({ id: t.id(id), fence: t.float(fence) }),
})

const AssignEnvironmentInput = builder.inputType('AssignEnvironmentInput', {
  description: 'What to set an environment aside for.',
  fields: (t) => ({
    type: t.field({ type: EnvironmentAssignmentTypeEnum, required: true, description: 'The kind of thing.' }),
    id: t.string({ required: true, description: 'Which one: letters, digits and `@ . _ -`.' }),
    repository: t.string({ required: true, description: 'Whose environments will do.' }),
    poolTag: t.string({ description: 'Only environments with this tag.' }),
    branch: t.string({ description: 'Kept with the assignment.' }),
    domains: t.stringList({ description: 'Kept with the assignment; at most 50.' }),
    expirationHours: t.int({ description: 'After how many hours it ends, 1 to 720; 24 when absent.' }),
    isImmortal: t.boolean({ description: 'Whether it ends only when it is released.' }),
    metadata: t.field({ type: 'JSON', description: 'An object that is kept with it, at most 16 KiB as JSON.' }),
    override: t.boolean({ description: 'Whether a current assignment for the same is ended, instead of used again.' }),
  }),
})

function environmentPayload(name: string, description: string, environment: string) {
  return builder.objectRef<Environment>(name).implement({
    description,
    fields: (t) => ({
      environment: t.field({ type: EnvironmentRef, description: environment, resolve: (found) => found }),
    }),
  })
}

const now = 'Its current state.'

builder.mutationField('createEnvironment', (t) =>
  t.field({
    type: environmentPayload('CreateEnvironmentPayload', 'The environment was created.', now),
    description: 'Creates an environment.',
    args: { input: t.arg({ type: CreateEnvironmentInput, required: true, description: 'The environment.' }) },
    errors: { types: [InvalidInput, EnvironmentExists] },
    resolve: (_root, { input }, { caller, environments }) => environments.create(caller, given(input) as never),
  }),
)

builder.mutationField('updateEnvironment', (t) =>
  t.field({
    type: environmentPayload('UpdateEnvironmentPayload', 'The environment was changed.', now),
    description: 'Changes an environment; null clears what may be empty.',
    args: { input: t.arg({ type: UpdateEnvironmentInput, required: true, description: 'The changes.' }) },
    errors: { types: [InvalidInput, EnvironmentNotFound, EnvironmentExists] },
    resolve: (_root, { input: { id: which, ...changes } }, { caller, environments }) =>
      environments.update(caller, which, changes as never),
  }),
)

builder.mutationField('deleteEnvironment', (t) =>
  t.field({
    type: environmentPayload('DeleteEnvironmentPayload', 'The environment was deleted.', 'Its last state.'),
    description: 'Deletes an environment; its holder loses it, and those who wait for it go without.',
    args: { input: t.arg({ type: DeleteEnvironmentInput, required: true, description: 'The environment.' }) },
    errors: { types: [EnvironmentNotFound] },
    resolve: (_root, { input }, { caller, environments }) => environments.remove(caller, input.id),
  }),
)

builder.mutationField('acquireEnvironment', (t) =>
  t.field({
    type: environmentPayload('AcquireEnvironmentPayload', 'An environment was acquired.', 'The one, with its lease.'),
    description:
      'Acquires an environment that is free, or the first that becomes free. Waiting callers are served in order; a caller that disconnects leaves the queues.',
    args: { input: t.arg({ type: AcquireEnvironmentInput, required: true, description: 'Which one.' }) },
    errors: { types: [InvalidInput, NoSuchEnvironment, EnvironmentHeld] },
    resolve: (_root, { input }, { caller, environments, whenLeft }) => environments.acquire(caller, input, whenLeft()),
  }),
)

builder.mutationField('extendEnvironment', (t) =>
  t.field({
    type: environmentPayload('ExtendEnvironmentPayload', 'The lease was extended.', now),
    description: 'Extends the lease of the caller’s own environment, counted from now.',
    args: { input: t.arg({ type: ExtendEnvironmentInput, required: true, description: 'The lease.' }) },
    errors: { types: [InvalidInput, EnvironmentNotFound, FenceLost, NotLockHolder] },
    resolve: (_root, { input: { ttlMs: lease, ...held } }, { caller, environments }) =>
      environments.extend(caller, held, lease),
  }),
)

builder.mutationField('releaseEnvironment', (t) =>
  t.field({
    type: environmentPayload('ReleaseEnvironmentPayload', 'The environment was released.', now),
    description: 'Releases the caller’s own environment; the first waiting caller acquires it.',
    args: { input: t.arg({ type: ReleaseEnvironmentInput, required: true, description: 'The lease.' }) },
    errors: { types: [EnvironmentNotFound, FenceLost, NotLockHolder] },
    resolve: (_root, { input }, { caller, environments }) => environments.release(caller, input),
  }),
)

const AssignEnvironmentPayload = builder
  .objectRef<{ environment: Environment; isNew: boolean }>('AssignEnvironmentPayload')
  .implement({
    description: 'An environment is set aside.',
    fields: (t) => ({
      environment: t.field({
        type: EnvironmentRef,
        description: 'The environment that is set aside.',
        resolve: (found) => found.environment,
      }),
      isNew: t.exposeBoolean('isNew', { description: 'False: it had been set aside for the same already.' }),
    }),
  })

builder.mutationField('assignEnvironment', (t) =>
  t.field({
    type: AssignEnvironmentPayload,
    description:
      'Sets a free environment of a repository aside, for a pull request, say; a current assignment is used again.',
    args: { input: t.arg({ type: AssignEnvironmentInput, required: true, description: 'What for.' }) },
    errors: { types: [InvalidInput, NoSuchEnvironment, EnvironmentHeld] },
    resolve: (_root, { input }, { caller, environments }) => environments.assign(caller, given(input) as never),
  }),
)

/** Without what was left open: null means that where something is created. */
function given(input: object): object {
  return Object.fromEntries(Object.entries(input).filter(([, value]) => value !== null && value !== undefined))
}

builder.queryField('assignedEnvironment', (t) =>
  t.field({
    type: EnvironmentRef,
    nullable: true,
    description: 'The environment that is, or was last, set aside for something; null: none ever was.',
    args: {
      type: t.arg({ type: EnvironmentAssignmentTypeEnum, required: true, description: 'The kind of thing.' }),
      id: t.arg.string({ required: true, description: 'Which one.' }),
      repository: t.arg.string({ required: true, description: 'Whose environment.' }),
    },
    resolve: async (_root, asked, { caller, environments }) =>
      (await environments.findAssignment(caller, asked)) ?? null,
  }),
)
