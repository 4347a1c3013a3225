import type { Checking, Writing } from '#domain/entries/request.ts'
import { builder } from '#schema/builder.ts'
import { idempotencyKey } from '#schema/idempotency.ts'
import { fence } from '#schema/locks/fence.ts'

const ifVersion = 'Only if the entry has this version; 0: only if there is none.'
const largest = '2^53 − 1'

const set = {
  key: 'Up to 512 bytes of UTF-8 in composed form (NFC), without invisible characters; no part between slashes is empty, `.` or `..`.',
  value: 'Any JSON of up to 256 KiB. Whole numbers beyond ±(2^53 − 1) are refused, since they can’t be kept exactly.',
  ifExists: 'True: only if there is such an entry.',
  ttlMs: 'For how long it is kept, in milliseconds; for ever when absent.',
}
const increment = {
  key: 'The entry’s key.',
  by: 'What to add: a whole number, 1 when absent; below 0 to take away.',
  min: `The least that it may come to; −(${largest}) when absent.`,
  max: `The most that it may come to; ${largest} when absent.`,
  initial: 'What to add to when there is no such entry; 0 when absent.',
  ttlMs: 'For how long it is kept when this makes it, in milliseconds. One that is there keeps its own time.',
}

export const SetEntryInput = builder.inputType('SetEntryInput', {
  description: 'A value to be kept.',
  fields: (t) => ({
    key: t.string({ required: true, description: set.key }),
    value: t.field({ type: 'JSON', description: set.value }),
    ifVersion: t.int({ description: ifVersion }),
    ifExists: t.boolean({ description: set.ifExists }),
    ttlMs: t.float({ description: set.ttlMs }),
    fence: t.field(fence),
    idempotencyKey: t.string(idempotencyKey),
  }),
})

export const DeleteEntryInput = builder.inputType('DeleteEntryInput', {
  description: 'An entry to be deleted.',
  fields: (t) => ({
    key: t.string({ required: true, description: 'The key of the entry.' }),
    ifVersion: t.int({ description: ifVersion }),
    fence: t.field(fence),
  }),
})

export const IncrementEntryInput = builder.inputType('IncrementEntryInput', {
  description: 'A whole number to be counted up or down.',
  fields: (t) => ({
    key: t.string({ required: true, description: increment.key }),
    by: t.float({ description: increment.by }),
    min: t.float({ description: increment.min }),
    max: t.float({ description: increment.max }),
    initial: t.float({ description: increment.initial }),
    ifVersion: t.int({ description: ifVersion }),
    ttlMs: t.float({ description: increment.ttlMs }),
    fence: t.field(fence),
  }),
})

const EntryValueInput = builder.inputType('EntryValueInput', {
  description: 'A value to compare with; null is one as well.',
  fields: (t) => ({ is: t.field({ type: 'JSON', description: 'The value; the order of names does not matter.' }) }),
})

const EntryCheckInput = builder.inputType('EntryCheckInput', {
  description: 'What has to be so: all that is given, and something must be.',
  fields: (t) => ({
    key: t.string({ required: true, description: 'Of which entry.' }),
    version: t.int({ description: 'It has this version; 0: there is none.' }),
    exists: t.boolean({ description: 'Whether there is such an entry.' }),
    value: t.field({ type: EntryValueInput, description: 'It is equal to this.' }),
  }),
})

const EntrySetInput = builder.inputType('EntrySetInput', {
  description: 'A value to be kept, as one write of several.',
  fields: (t) => ({
    key: t.string({ required: true, description: set.key }),
    value: t.field({ type: 'JSON', description: set.value }),
    ifVersion: t.int({ description: ifVersion }),
    ifExists: t.boolean({ description: set.ifExists }),
    ttlMs: t.float({ description: set.ttlMs }),
  }),
})

const EntryDeleteInput = builder.inputType('EntryDeleteInput', {
  description: 'An entry to be deleted, as one write of several.',
  fields: (t) => ({
    key: t.string({ required: true, description: 'The key of the entry.' }),
    ifVersion: t.int({ description: ifVersion }),
  }),
})

const EntryIncrementInput = builder.inputType('EntryIncrementInput', {
  description: 'A whole number to be counted up or down, as one write of several.',
  fields: (t) => ({
    key: t.string({ required: true, description: increment.key }),
    by: t.float({ description: increment.by }),
    min: t.float({ description: increment.min }),
    max: t.float({ description: increment.max }),
    initial: t.float({ description: increment.initial }),
    ifVersion: t.int({ description: ifVersion }),
    ttlMs: t.float({ description: increment.ttlMs }),
  }),
})

const EntryWriteInput = builder.inputType('EntryWriteInput', {
  description: 'One of these.',
  isOneOf: true,
  fields: (t) => ({
    set: t.field({ type: EntrySetInput, description: 'Keep a value.' }),
    delete: t.field({ type: EntryDeleteInput, description: 'Delete an entry.' }),
    increment: t.field({ type: EntryIncrementInput, description: 'Count up or down.' }),
  }),
})

export const TransactEntriesInput = builder.inputType('TransactEntriesInput', {
  description: 'Checks and what follows from them, in one commit. At most 128 of each; no key may be written twice.',
  fields: (t) => ({
    checks: t.field({ type: [EntryCheckInput], description: 'What has to be so; nothing when absent.' }),
    writes: t.field({ type: [EntryWriteInput], description: 'What is done when all of that is so.' }),
    otherwise: t.field({ type: [EntryWriteInput], description: 'What is done when not; nothing when absent.' }),
    fence: t.field(fence),
  }),
})

type Given<Input> = { readonly [Name in keyof Input]: Exclude<Input[Name], null> }

/** An input without its nulls, which mean the same as what is absent, save for a value. */
export function given<Input extends object>(input: Input): Given<Input> {
  const entries = Object.entries(input).filter(([name, value]) => value !== null || name === 'value' || name === 'is')
  return Object.fromEntries(entries) as Given<Input>
}

export function checksOf(checks: readonly (typeof EntryCheckInput.$inferInput)[] | null | undefined): Checking[] {
  return (checks ?? [])
    .map(given)
    .map(({ value, ...check }) => ({ ...check, ...(value && { value: { is: value.is } }) }))
}

export function writesOf(writes: readonly (typeof EntryWriteInput.$inferInput)[] | null | undefined): Writing[] {
  return (writes ?? []).map(({ set, delete: deleting, increment }) => ({
    ...(set && { set: { ...given(set), value: set.value } }),
    ...(deleting && { delete: given(deleting) }),
    ...(increment && { increment: given(increment) }),
  }))
}
