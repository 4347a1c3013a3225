import type { EntryUpdate, entryUpdateKinds } from '#domain/entries/changes.ts'
import { builder } from '#schema/builder.ts'
import { described } from '#schema/described.ts'

const EntryUpdateKind = builder.enumType('EntryChangeType', {
  description:
    'STATE: what is, one entry each, first in a stream. SYNCED: that was all. SET, DELETED, EXPIRED: what changes. LAGGED: changes were dropped because the subscriber was too slow.',
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
  description: 'Something that is, or happened, among the account’s entries.',
  fields: (t) => ({
    kind: t.expose('kind', { type: EntryUpdateKind, description: 'What it tells.' }),
    cursor: t.string({
      nullable: true,
      description:
        'Where a later stream goes on; null for STATE, since what is has to be told whole. Of LAGGED: where what was dropped can be had again from.',
      resolve: (update) => update.cursor ?? null,
    }),
    at: t.expose('at', { type: 'DateTime', description: 'When.' }),
    key: t.exposeString('key', { nullable: true, description: 'Of which entry; null for SYNCED and LAGGED.' }),
    version: t.exposeInt('version', { nullable: true, description: 'That the entry has with it.' }),
    revision: t.exposeFloat('revision', { nullable: true, description: 'That the account has with it.' }),
    value: t.field({
      type: 'JSON',
      nullable: true,
      description: 'STATE and SET: what it is.',
      resolve: ({ value }) => value?.is ?? null,
    }),
    hasValue: t.boolean({
      description:
        'Whether `value` is what it was; false where there is none, or where a large one is not kept any more, since so many followed.',
      resolve: ({ value }) => value !== undefined,
    }),
    expiresAt: t.expose('expiresAt', {
      type: 'DateTime',
      nullable: true,
      description: 'STATE and SET: when it is gone by itself; null: never.',
    }),
    actor: t.expose('actor', { type: 'Actor', nullable: true, description: 'Who did it.' }),
    skipped: t.exposeInt('skipped', { nullable: true, description: 'LAGGED: how many changes were dropped.' }),
  }),
})

builder.subscriptionField('entryChanges', (t) =>
  t.field({
    type: EntryChangeRef,
    description:
      'First what is, in the order of keys, and SYNCED; then each change once. After a cursor, only changes.',
    args: {
      prefix: t.arg.string({
        required: true,
        description: 'Of entries whose keys begin with this; of all when it is empty.',
      }),
      after: t.arg.string({ description: 'Resume after this cursor (from any stream), without the initial snapshot.' }),
    },
    subscribe: (_root, { prefix, after }, { caller, entries }) => entries.changes(caller, prefix, after ?? undefined),
    resolve: (update) => update,
  }),
)
