import type { EntryUpdate, entryUpdateKinds } from '#domain/entries/changes.ts'
import { builder } from '#schema/builder.ts'
import { described } from '#schema/described.ts'

const EntryUpdateKind = builder.enumType('EntryChangeType', {
  description:
    'STATE: an existing entry, first in a stream. SYNCED: all existing entries were sent. SET, DELETED, EXPIRED: a change. LAGGED: changes were dropped because the subscriber was too slow.',
  values: described<(typeof entryUpdateKinds)[number]>({
    STATE: 'An existing entry; first in a stream.',
    SYNCED: 'All existing entries were sent; changes follow.',
    SET: 'The entry has a new value.',
    DELETED: 'The entry was deleted.',
    EXPIRED: 'The entry has expired.',
    LAGGED: 'Changes were dropped because the subscriber was too slow.',
  }),
})

const EntryChangeRef = builder.objectRef<EntryUpdate>('EntryChange').implement({
  description: 'An existing entry, or a change of one.',
  fields: (t) => ({
    kind: t.expose('kind', { type: EntryUpdateKind, description: 'The kind of update.' }),
    cursor: t.string({
      nullable: true,
      description:
        'Where a later stream resumes; null for STATE, since a snapshot has to be sent as a whole. For LAGGED: from where the dropped updates can be read again.',
      resolve: (update) => update.cursor ?? null,
    }),
    at: t.expose('at', { type: 'DateTime', description: 'When.' }),
    key: t.exposeString('key', { nullable: true, description: 'The key of the entry; null for SYNCED and LAGGED.' }),
    version: t.exposeInt('version', { nullable: true, description: 'The entry’s version after the change.' }),
    revision: t.exposeFloat('revision', { nullable: true, description: 'The account’s revision after the change.' }),
    value: t.field({
      type: 'JSON',
      nullable: true,
      description: 'STATE and SET: the value.',
      resolve: ({ value }) => value?.is ?? null,
    }),
    hasValue: t.boolean({
      description:
        'Whether `value` is present; false when there is none, or when a large value is no longer stored because many newer ones followed.',
      resolve: ({ value }) => value !== undefined,
    }),
    expiresAt: t.expose('expiresAt', {
      type: 'DateTime',
      nullable: true,
      description: 'STATE and SET: when it expires; null: never.',
    }),
    actor: t.expose('actor', { type: 'Actor', nullable: true, description: 'Who did it.' }),
    skipped: t.exposeInt('skipped', { nullable: true, description: 'LAGGED: how many changes were dropped.' }),
  }),
})

builder.subscriptionField('entryChanges', (t) =>
  t.field({
    type: EntryChangeRef,
    description: 'The existing entries in key order and SYNCED, then each change once. After a cursor, only changes.',
    args: {
      prefix: t.arg.string({
        required: true,
        description: 'Only entries whose keys begin with this; empty: all.',
      }),
      after: t.arg.string({ description: 'Resume after this cursor (from any stream), without the initial snapshot.' }),
    },
    subscribe: (_root, { prefix, after }, { caller, entries }) => entries.changes(caller, prefix, after ?? undefined),
    resolve: (update) => update,
  }),
)
