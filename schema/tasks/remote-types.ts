import type { TypeRequest } from '#domain/tasks/remote/registered-type.ts'
import type { RegisteredName } from '#domain/tasks/remote/type-commands.ts'
import { InvalidInput } from '#lib/errors.ts'
import { builder } from '#schema/builder.ts'
import { countedList } from '#schema/complexity.ts'
import { RetryPolicyInput, withoutNulls } from './inputs.ts'
import { OnWorkerLostEnum, PriorityEnum } from './task.ts'

const RateLimitInput = builder.inputType('TaskRateLimitInput', {
  description: 'How many tasks may start in a time, for each concurrency key.',
  fields: (t) => ({
    limit: t.int({ required: true, description: 'How many, at least 1.' }),
    perMs: t.int({ required: true, description: 'In how many milliseconds, at most a day.' }),
  }),
})

const TaskTypeInput = builder.inputType('TaskTypeInput', {
  description: 'A task type whose tasks remote workers run.',
  fields: (t) => ({
    name: t.string({
      required: true,
      description: 'A lower-case letter, then letters, digits, `.`, `-` and `_`; at most 64 characters.',
    }),
    description: t.string({ description: 'What its tasks do; at most 1,000 characters.' }),
    inputSchema: t.field({
      type: 'JSON',
      required: true,
      description: 'The JSON Schema (2020-12) of its input, at most 64 KiB; `true` for any.',
    }),
    resultSchema: t.field({ type: 'JSON', description: 'The JSON Schema of its results; default: any.' }),
    priority: t.field({ type: PriorityEnum, description: 'The default priority of its tasks; default NORMAL.' }),
    timeoutMs: t.int({ description: 'How long an attempt may take, in milliseconds; default one hour.' }),
    retry: t.field({ type: RetryPolicyInput, description: 'For tasks that bring none; default: one attempt.' }),
    onWorkerLost: t.field({ type: OnWorkerLostEnum, description: 'Default FAIL.' }),
    concurrency: t.int({
      description: 'How many tasks with the same concurrency key run at once; default: any number.',
    }),
    rateLimit: t.field({ type: RateLimitInput, description: 'Default: none.' }),
  }),
})

const RegisterTaskTypesInput = builder.inputType('RegisterTaskTypesInput', {
  description: 'Task types to register.',
  fields: (t) => ({
    types: t.field({ type: [TaskTypeInput], required: true, description: 'At most 100; an account has at most 500.' }),
  }),
})

const RegisteredTaskType = builder.objectRef<RegisteredName>('RegisteredTaskType').implement({
  description: 'A task type that was registered.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'Its name.' }),
    changed: t.exposeBoolean('isChanged', {
      description: 'Whether it is new, or differs from what was registered before.',
    }),
  }),
})

const RegisterTaskTypesPayload = builder
  .objectRef<{ types: readonly RegisteredName[] }>('RegisterTaskTypesPayload')
  .implement({
    description: 'The types are registered.',
    fields: (t) => ({
      types: t.field({
        type: [RegisteredTaskType],
        description: 'In the order of the input.',
        complexity: countedList,
        resolve: ({ types }) => [...types],
      }),
    }),
  })

builder.mutationField('registerTaskTypes', (t) =>
  t.field({
    type: RegisterTaskTypesPayload,
    description:
      'Registers task types for remote workers, all or none, in the place of earlier ones with the same names. Needs `tasks:work` for each.',
    args: { input: t.arg({ type: RegisterTaskTypesInput, required: true, description: 'The types.' }) },
    errors: { types: [InvalidInput] },
    resolve: async (_root, { input }, { caller, remoteWork }) => {
      const types = input.types.map(toRequest)
      return { types: await remoteWork.registerTypes(caller, types) }
    },
  }),
)

const RemoveTaskTypesInput = builder.inputType('RemoveTaskTypesInput', {
  description: 'Registered task types to remove.',
  fields: (t) => ({ names: t.stringList({ required: true, description: 'Their names, at most 100.' }) }),
})

const RemoveTaskTypesPayload = builder.objectRef<{ removed: readonly string[] }>('RemoveTaskTypesPayload').implement({
  description: 'The types are removed.',
  fields: (t) => ({
    removed: t.stringList({
      description: 'The names of those that there were.',
      resolve: ({ removed }) => [...removed],
    }),
  }),
})

builder.mutationField('removeTaskTypes', (t) =>
  t.field({
    type: RemoveTaskTypesPayload,
    description:
      'Removes registered task types. Their tasks that wait go on waiting until a type with that name is registered again, or they are cancelled; those that run go on.',
    args: { input: t.arg({ type: RemoveTaskTypesInput, required: true, description: 'Which types.' }) },
    errors: { types: [InvalidInput] },
    resolve: async (_root, { input }, { caller, remoteWork }) => ({
      removed: await remoteWork.removeTypes(caller, input.names),
    }),
  }),
)

function toRequest(input: typeof TaskTypeInput.$inferInput): TypeRequest {
  const { retry, ...given } = withoutNulls(input)
  return { ...given, ...(retry && { retry: withoutNulls(retry) }) } as TypeRequest
}
