import type { Pause, PauseKind } from '#domain/tasks/pause.ts'
import type { PauseRequest } from '#domain/tasks/pause-commands.ts'
import { InvalidInput } from '#lib/errors.ts'
import { builder } from '#schema/builder.ts'
import { described } from '#schema/described.ts'
import { PriorityEnum } from './task.ts'

const TaskPauseKindEnum = builder.enumType('TaskPauseKind', {
  description: 'What a pause is for.',
  values: described<PauseKind>({
    PRIORITY: 'All tasks of a priority.',
    TYPE: 'All tasks of a type.',
    CONCURRENCY_KEY: 'All tasks with a concurrency key.',
  }),
})

const TaskPause = builder.objectRef<Pause>('TaskPause').implement({
  description: 'Tasks that are not started until they are resumed; those that run go on.',
  fields: (t) => ({
    kind: t.expose('kind', { type: TaskPauseKindEnum, description: 'What it is for.' }),
    value: t.exposeString('value', { description: 'The priority, the type or the concurrency key.' }),
    reason: t.exposeString('reason', { nullable: true, description: 'Why.' }),
    pausedBy: t.expose('pausedBy', { type: 'Actor', description: 'Who paused them.' }),
    pausedAt: t.expose('pausedAt', { type: 'DateTime', description: 'When.' }),
  }),
})

builder.queryField('taskPauses', (t) =>
  t.field({
    type: [TaskPause],
    description: 'What is paused.',
    resolve: (_root, _args, { caller, tasks }) => tasks.pauses(caller),
  }),
)

const PauseTasksInput = builder.inputType('PauseTasksInput', {
  description: 'Tasks to pause: exactly one of priority, type and concurrencyKey.',
  fields: (t) => ({
    priority: t.field({ type: PriorityEnum, description: 'All tasks of this priority.' }),
    type: t.string({ description: 'All tasks of this type.' }),
    concurrencyKey: t.string({ description: 'All tasks with this concurrency key.' }),
    reason: t.string({ description: 'Why, in at most 500 characters.' }),
  }),
})

const PauseTasksPayload = builder.objectRef<{ pause: Pause }>('PauseTasksPayload').implement({
  description: 'The tasks are paused.',
  fields: (t) => ({ pause: t.expose('pause', { type: TaskPause, description: 'The pause.' }) }),
})

builder.mutationField('pauseTasks', (t) =>
  t.field({
    type: PauseTasksPayload,
    description: 'Keeps tasks from starting, within a second in all processes; those that run go on.',
    args: { input: t.arg({ type: PauseTasksInput, required: true, description: 'Which tasks.' }) },
    errors: { types: [InvalidInput] },
    resolve: async (_root, { input }, { caller, tasks }) => ({ pause: await tasks.pauseTasks(caller, given(input)) }),
  }),
)

const ResumeTasksInput = builder.inputType('ResumeTasksInput', {
  description: 'Tasks to resume: exactly one of priority, type and concurrencyKey.',
  fields: (t) => ({
    priority: t.field({ type: PriorityEnum, description: 'All tasks of this priority.' }),
    type: t.string({ description: 'All tasks of this type.' }),
    concurrencyKey: t.string({ description: 'All tasks with this concurrency key.' }),
  }),
})

const ResumeTasksPayload = builder.objectRef<{ wasPaused: boolean }>('ResumeTasksPayload').implement({
  description: 'The tasks start again, unless another pause holds them.',
  fields: (t) => ({ wasPaused: t.exposeBoolean('wasPaused', { description: 'Whether they were paused.' }) }),
})

builder.mutationField('resumeTasks', (t) =>
  t.field({
    type: ResumeTasksPayload,
    description: 'Ends a pause.',
    args: { input: t.arg({ type: ResumeTasksInput, required: true, description: 'Which tasks.' }) },
    errors: { types: [InvalidInput] },
    resolve: async (_root, { input }, { caller, tasks }) => ({
      wasPaused: await tasks.resumeTasks(caller, given(input)),
    }),
  }),
)

function given(input: object): PauseRequest {
  return Object.fromEntries(Object.entries(input).filter(([, value]) => value !== null && value !== undefined))
}
