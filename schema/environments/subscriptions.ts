import type { EnvironmentUpdate } from '#domain/environments/changes.ts'
import { builder } from '#schema/builder.ts'
import { described } from '#schema/described.ts'
import { EnvironmentRef } from './environment.ts'

const EnvironmentChangeKind = builder.enumType('EnvironmentChangeKind', {
  description: 'What happened to an environment.',
  values: described<EnvironmentUpdate['kind']>({
    CREATED: 'It was created.',
    UPDATED: 'It was changed.',
    DELETED: 'It was deleted.',
    ASSIGNED: 'It was set aside for something.',
    ACQUIRED: 'Somebody holds it now.',
    EXTENDED: 'Its lease was extended; at most one update a minute.',
    RELEASED: 'Its holder has released it.',
    EXPIRED: 'Its lease has ended.',
    FORCED: 'It was taken from its holder.',
    LAGGED: 'Changes were dropped because the subscriber was too slow.',
  }),
})

const EnvironmentChangeRef = builder.objectRef<EnvironmentUpdate>('EnvironmentChange').implement({
  description: 'A change of an environment, or of who holds it.',
  fields: (t) => ({
    kind: t.expose('kind', { type: EnvironmentChangeKind, description: 'What happened.' }),
    cursor: t.exposeString('cursor', { description: 'Where a later stream resumes.' }),
    at: t.expose('at', { type: 'DateTime', description: 'When.' }),
    id: t.id({
      nullable: true,
      description: 'The environment’s id; null for LAGGED.',
      resolve: ({ id }) => id ?? null,
    }),
    environment: t.field({
      type: EnvironmentRef,
      nullable: true,
      description: 'The environment as it is when this is sent; null once it is deleted.',
      resolve: ({ environment }) => environment ?? null,
    }),
    actor: t.field({
      type: 'Actor',
      nullable: true,
      description: 'Who did it.',
      resolve: ({ actor }) => actor ?? null,
    }),
    skipped: t.int({
      nullable: true,
      description: 'LAGGED: how many changes were dropped.',
      resolve: ({ skipped }) => skipped ?? null,
    }),
  }),
})

builder.subscriptionField('environmentChanges', (t) =>
  t.field({
    type: EnvironmentChangeRef,
    description: 'Each change of environments, and of who holds them, once: from now on, or after a cursor.',
    args: { after: t.arg.string({ description: 'Resume after this cursor (from any stream).' }) },
    subscribe: (_root, { after }, { caller, environments }) => environments.changes(caller, after ?? undefined),
    resolve: (update) => update,
  }),
)
