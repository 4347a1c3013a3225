import type { Checking, Writing } from '#domain/entries/request.ts'
import { builder } from '#schema/builder.ts'
import { idempotencyKey } from '#schema/idempotency.ts'
import { fence } from '#schema/locks/fence.ts'

const ifVersion = 'Only if the entry has this version; 0: only if there is none.'
const largest = '2^53 − 1'

const set = {
  key: 'Up to 512 bytes of UTF-8 in composed form (NFC), without invisible characters; parts between slashes must not be empty, `.` or `..`.',
  value:
    'Any JSON of up to 256 KiB. Whole numbers beyond ±(2^53 − 1) are refused, since they cannot be stored exactly.',
  ifExists: 'True: only if the entry exists.',
  ttlMs: 'Time to live in milliseconds; default: unlimited.',
}
const increment = {
  key: 'The entry’s key.',
  by: 'What to add: a whole number, default 1; negative to subtract.',
  min: `Lower bound of the result; default −(${largest}).`,
  max: `Upper bound of the result; default ${largest}.`,
  initial: 'The initial value when the entry does not exist; default 0.',
  ttlMs: 'Time to live in milliseconds when this creates the entry. An existing entry keeps its own.',
}

export const SetEntryInput = builder.inputType('SetEntryInput', {
  description: 'An entry to write.',
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
  description: 'An entry to delete.',
  fields: (t) => ({
    key: t.string({ required: true, description: 'The key of the entry.' }),
    ifVersion: t.int({ description: ifVersion }),
    fence: t.field(fence),
  }),
})

export const IncrementEntryInput = builder.inputType('IncrementEntryInput', {
  description: 'An entry to increment.',
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
  description: 'A value to compare with, which may be null.',
  fields: (t) => ({ is: t.field({ type: 'JSON', description: 'The value; the order of members does not matter.' }) }),
})

const EntryCheckInput = builder.inputType('EntryCheckInput', {
  description: 'A condition on one entry: all given fields must hold, and at least one must be given.',
  fields: (t) => ({
    key: t.string({ required: true, description: 'The key of the entry.' }),
    version: t.int({ description: 'It has this version; 0: it does not exist.' }),
    exists: t.boolean({ description: 'Whether the entry exists.' }),
    value: t.field({ type: EntryValueInput, description: 'Its value equals this.' }),
  }),
})

const EntrySetInput = builder.inputType('EntrySetInput', {
  description: 'An entry to write, as one of several writes.',
  fields: (t) => ({
    key: t.string({ required: true, description: set.key }),
    value: t.field({ type: 'JSON', description: set.value }),
    ifVersion: t.int({ description: ifVersion }),
    ifExists: t.boolean({ description: set.ifExists }),
    ttlMs: t.float({ description: set.ttlMs }),
  }),
})

const EntryDeleteInput = builder.inputType('EntryDeleteInput', {
  description: 'An entry to delete, as one of several writes.',
  fields: (t) => ({
    key: t.string({ required: true, description: 'The key of the entry.' }),
    ifVersion: t.int({ description: ifVersion }),
  }),
})

const EntryIncrementInput = builder.inputType('EntryIncrementInput', {
  description: 'An entry to increment, as one of several writes.',
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
  description: 'One write; exactly one field must be given.',
  isOneOf: true,
  fields: (t) => ({
    set: t.field({ type: EntrySetInput, description: 'Write an entry.' }),
    delete: t.field({ type: EntryDeleteInput, description: 'Delete an entry.' }),
    increment: t.field({ type: EntryIncrementInput, description: 'Increment an entry.' }),
  }),
})

export const TransactEntriesInput = builder.inputType('TransactEntriesInput', {
  description: 'Checks and writes of one commit. At most 128 of each; no key may be written twice.',
  fields: (t) => ({
    checks: t.field({ type: [EntryCheckInput], description: 'The checks; default: none.' }),
    writes: t.field({ type: [EntryWriteInput], description: 'The writes to do if all checks hold.' }),
    otherwise: t.field({ type: [EntryWriteInput], description: 'The writes to do otherwise; default: none.' }),
    fence: t.field(fence),
  }),
})

type Given<Input> = { readonly [Name in keyof Input]: Exclude<Input[Name], null> }

/** An input without its nulls, which mean the same as absent fields, except for a value. */
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
