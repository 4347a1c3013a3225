import type { EntryOutcome, EntryWritten, FailedCheck } from '#domain/entries/entry.ts'
import { EntryNotFound, EntryNotNumber, EntryOutOfBounds, EntryVersionConflict } from '#domain/entries/errors.ts'
import { FenceLost } from '#domain/locks/errors.ts'
import { QuotaExceeded } from '#domain/quotas/errors.ts'
import { InvalidInput } from '#lib/errors.ts'
import { IdempotencyKeyReused } from '#platform/database/idempotency.ts'
import { builder } from '#schema/builder.ts'
import { fenceOf } from '#schema/locks/fence.ts'
import { EntryRef } from './entry.ts'
import {
  checksOf,
  DeleteEntryInput,
  given,
  IncrementEntryInput,
  SetEntryInput,
  TransactEntriesInput,
  writesOf,
} from './inputs.ts'

const revision = 'The account’s revision with this change.'

const SetEntryPayload = builder.objectRef<EntryOutcome>('SetEntryPayload').implement({
  description: 'The entry is kept.',
  fields: (t) => ({
    entry: t.field({ type: EntryRef, description: 'As it was written.', resolve: entryOf }),
    revision: t.exposeFloat('revision', { description: revision }),
  }),
})

const IncrementEntryPayload = builder.objectRef<EntryOutcome>('IncrementEntryPayload').implement({
  description: 'It is counted.',
  fields: (t) => ({
    entry: t.field({ type: EntryRef, description: 'As it was written.', resolve: entryOf }),
    revision: t.exposeFloat('revision', { description: revision }),
  }),
})

function entryOf({ written: [first] }: EntryOutcome) {
  if (first?.entry === undefined) throw new Error('A write of an entry came to none.')
  return first.entry
}

const DeleteEntryPayload = builder.objectRef<EntryOutcome>('DeleteEntryPayload').implement({
  description: 'There is no such entry any more.',
  fields: (t) => ({
    key: t.string({ description: 'The key of the entry.', resolve: ({ written: [first] }) => first?.key ?? '' }),
    version: t.int({
      description: 'The deletion is one, too.',
      resolve: ({ written: [first] }) => first?.version ?? 0,
    }),
    revision: t.exposeFloat('revision', { description: revision }),
  }),
})

const EntryWrittenRef = builder.objectRef<EntryWritten>('EntryWritten').implement({
  description: 'The outcome of one write.',
  fields: (t) => ({
    key: t.exposeString('key', { description: 'Of which entry.' }),
    version: t.exposeInt('version', { description: 'That it has now.' }),
    entry: t.field({
      type: EntryRef,
      nullable: true,
      description: 'As it was written; null when it was deleted.',
      resolve: (written) => written.entry ?? null,
    }),
  }),
})

const FailedCheckRef = builder.objectRef<FailedCheck>('FailedEntryCheck').implement({
  description: 'A check that did not hold.',
  fields: (t) => ({
    index: t.exposeInt('index', { description: 'Its place among the checks, from 0.' }),
    key: t.exposeString('key', { description: 'Of which entry.' }),
    entry: t.field({
      type: EntryRef,
      nullable: true,
      description: 'Its previous value; null: none.',
      resolve: (failed) => failed.entry ?? null,
    }),
  }),
})

const TransactEntriesPayload = builder.objectRef<EntryOutcome>('TransactEntriesPayload').implement({
  description: 'Which of the two was done.',
  fields: (t) => ({
    succeeded: t.exposeBoolean('succeeded', { description: 'Whether all checks held.' }),
    revision: t.exposeFloat('revision', {
      description: 'The account’s revision; the same as before when nothing was written.',
    }),
    written: t.field({
      type: [EntryWrittenRef],
      description: 'What was written, in order.',
      resolve: (outcome) => [...outcome.written],
    }),
    failedChecks: t.field({
      type: [FailedCheckRef],
      description: 'The checks that did not hold.',
      resolve: (outcome) => [...outcome.failedChecks],
    }),
  }),
})

builder.mutationField('setEntry', (t) =>
  t.field({
    type: SetEntryPayload,
    description: 'Keeps a value under a key, in the place of what is there.',
    args: { input: t.arg({ type: SetEntryInput, required: true, description: 'The entry, and its value.' }) },
    errors: {
      types: [InvalidInput, EntryVersionConflict, EntryNotFound, FenceLost, QuotaExceeded, IdempotencyKeyReused],
    },
    resolve: (_root, { input: { fence, idempotencyKey, ...input } }, { caller, entries }) =>
      entries.set(caller, { ...given(input), value: input.value, fence: fenceOf(fence) }, idempotencyKey ?? undefined),
  }),
)

builder.mutationField('deleteEntry', (t) =>
  t.field({
    type: DeleteEntryPayload,
    description: 'Deletes an entry.',
    args: { input: t.arg({ type: DeleteEntryInput, required: true, description: 'The entry to delete.' }) },
    errors: { types: [InvalidInput, EntryVersionConflict, EntryNotFound, FenceLost] },
    resolve: (_root, { input: { fence, ...input } }, { caller, entries }) =>
      entries.remove(caller, { ...given(input), fence: fenceOf(fence) }),
  }),
)

builder.mutationField('incrementEntry', (t) =>
  t.field({
    type: IncrementEntryPayload,
    description:
      'Adds to a whole number, and makes it when there is none; callers at the same time don’t lose each other’s.',
    args: { input: t.arg({ type: IncrementEntryInput, required: true, description: 'Which, and by how much.' }) },
    errors: { types: [InvalidInput, EntryVersionConflict, EntryNotNumber, EntryOutOfBounds, FenceLost, QuotaExceeded] },
    resolve: (_root, { input: { fence, ...input } }, { caller, entries }) =>
      entries.increment(caller, { ...given(input), fence: fenceOf(fence) }),
  }),
)

builder.mutationField('transactEntries', (t) =>
  t.field({
    type: TransactEntriesPayload,
    description:
      'In one commit: looks whether all checks hold, and does one thing or the other. Neither of the two is a failure; the failures here mean that nothing was done.',
    args: { input: t.arg({ type: TransactEntriesInput, required: true, description: 'Checks and writes.' }) },
    errors: {
      types: [
        InvalidInput,
        EntryVersionConflict,
        EntryNotFound,
        EntryNotNumber,
        EntryOutOfBounds,
        FenceLost,
        QuotaExceeded,
      ],
    },
    resolve: (_root, { input: { checks, writes, otherwise, fence } }, { caller, entries }) =>
      entries.transact(caller, {
        checks: checksOf(checks),
        writes: writesOf(writes),
        otherwise: writesOf(otherwise),
        fence: fenceOf(fence),
      }),
  }),
)
