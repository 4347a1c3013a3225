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

const revision = 'The account’s revision after this change.'

const SetEntryPayload = builder.objectRef<EntryOutcome>('SetEntryPayload').implement({
  description: 'The entry was written.',
  fields: (t) => ({
    entry: t.field({ type: EntryRef, description: 'The written entry.', resolve: entryOf }),
    revision: t.exposeFloat('revision', { description: revision }),
  }),
})

const IncrementEntryPayload = builder.objectRef<EntryOutcome>('IncrementEntryPayload').implement({
  description: 'The entry was incremented.',
  fields: (t) => ({
    entry: t.field({ type: EntryRef, description: 'The written entry.', resolve: entryOf }),
    revision: t.exposeFloat('revision', { description: revision }),
  }),
})

function entryOf({ written: [first] }: EntryOutcome) {
  if (first?.entry === undefined) throw new Error('A write of an entry came to none.')
  return first.entry
}

const DeleteEntryPayload = builder.objectRef<EntryOutcome>('DeleteEntryPayload').implement({
  description: 'The entry was deleted.',
  fields: (t) => ({
    key: t.string({ description: 'The key of the entry.', resolve: ({ written: [first] }) => first?.key ?? '' }),
    version: t.int({
      description: 'The version of the deletion.',
      resolve: ({ written: [first] }) => first?.version ?? 0,
    }),
    revision: t.exposeFloat('revision', { description: revision }),
  }),
})

const EntryWrittenRef = builder.objectRef<EntryWritten>('EntryWritten').implement({
  description: 'The outcome of one write.',
  fields: (t) => ({
    key: t.exposeString('key', { description: 'The key of the entry.' }),
    version: t.exposeInt('version', { description: 'The entry’s version after the write.' }),
    entry: t.field({
      type: EntryRef,
      nullable: true,
      description: 'The written entry; null when it was deleted.',
      resolve: (written) => written.entry ?? null,
    }),
  }),
})

const FailedCheckRef = builder.objectRef<FailedCheck>('FailedEntryCheck').implement({
  description: 'A check that did not hold.',
  fields: (t) => ({
    index: t.exposeInt('index', { description: 'Its index among the checks, from 0.' }),
    key: t.exposeString('key', { description: 'The key of the entry.' }),
    entry: t.field({
      type: EntryRef,
      nullable: true,
      description: 'The current entry; null when it does not exist.',
      resolve: (failed) => failed.entry ?? null,
    }),
  }),
})

const TransactEntriesPayload = builder.objectRef<EntryOutcome>('TransactEntriesPayload').implement({
  description: 'The outcome of a transaction.',
  fields: (t) => ({
    succeeded: t.exposeBoolean('succeeded', { description: 'Whether all checks held.' }),
    revision: t.exposeFloat('revision', {
      description: 'The account’s revision; the same as before when nothing was written.',
    }),
    written: t.field({
      type: [EntryWrittenRef],
      description: 'The writes that were done, in order.',
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
    description: 'Creates or replaces an entry.',
    args: { input: t.arg({ type: SetEntryInput, required: true, description: 'The entry and its value.' }) },
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
      'Increments a whole number, creating the entry if it does not exist; concurrent increments are not lost.',
    args: { input: t.arg({ type: IncrementEntryInput, required: true, description: 'The entry and the increment.' }) },
    errors: { types: [InvalidInput, EntryVersionConflict, EntryNotNumber, EntryOutOfBounds, FenceLost, QuotaExceeded] },
    resolve: (_root, { input: { fence, ...input } }, { caller, entries }) =>
      entries.increment(caller, { ...given(input), fence: fenceOf(fence) }),
  }),
)

builder.mutationField('transactEntries', (t) =>
  t.field({
    type: TransactEntriesPayload,
    description:
      'Evaluates the checks and does one set of writes or the other, in one commit. Both outcomes are successes; a failure means that nothing was written.',
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
