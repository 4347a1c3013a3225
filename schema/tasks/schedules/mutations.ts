import { QuotaExceeded } from '#domain/quotas/errors.ts'
import { UnknownTaskType } from '#domain/tasks/errors.ts'
import { ScheduleEnded, ScheduleNotFound } from '#domain/tasks/schedules/errors.ts'
import { InvalidInput } from '#lib/errors.ts'
import { IdempotencyKeyReused } from '#platform/database/idempotency.ts'
import { builder } from '#schema/builder.ts'
import { failureType } from '#schema/failures.ts'
import { TaskRef } from '#schema/tasks/task.ts'
import '#schema/tasks/failures.ts'
import { CreateTaskScheduleInput, toChanges, toNewSchedule, UpdateTaskScheduleInput } from './inputs.ts'
import { TaskScheduleRef } from './schedule.ts'

failureType(ScheduleNotFound, 'TaskScheduleNotFound', 'The account has no such schedule.')
failureType(ScheduleEnded, 'TaskScheduleEnded', 'The schedule has ended.')

/** A payload with the schedule in its current state. */
function schedulePayload<Shape extends { id: string }>(name: string, description: string) {
  return builder.objectRef<Shape>(name).implement({
    description,
    fields: (t) => ({
      schedule: t.prismaField({
        type: TaskScheduleRef,
        description: 'Its current state.',
        resolve: (query, { id }, _args, { caller, db }) =>
          db.taskSchedule.findUniqueOrThrow({ ...query, where: { accountId_id: { accountId: caller.accountId, id } } }),
      }),
    }),
  })
}

/** The input of a mutation that is about a schedule and nothing else. */
function idInput(name: string, description: string) {
  return builder.inputType(name, {
    description,
    fields: (t) => ({ id: t.id({ required: true, description: 'Its id.' }) }),
  })
}

builder.mutationField('createTaskSchedule', (t) =>
  t.field({
    type: schedulePayload('CreateTaskSchedulePayload', 'The schedule creates runs from now on.'),
    description:
      'Creates a schedule. Its runs are created with the rights that the caller holds now and still holds at that time.',
    args: { input: t.arg({ type: CreateTaskScheduleInput, required: true, description: 'The schedule.' }) },
    errors: { types: [InvalidInput, UnknownTaskType, IdempotencyKeyReused] },
    resolve: async (_root, { input }, { caller, schedules }) => ({
      id: await schedules.create(caller, toNewSchedule(input)),
    }),
  }),
)

builder.mutationField('updateTaskSchedule', (t) =>
  t.field({
    type: schedulePayload('UpdateTaskSchedulePayload', 'The changes apply to the next runs.'),
    description: 'Changes a schedule that has not ended. It goes on counting its runs.',
    args: { input: t.arg({ type: UpdateTaskScheduleInput, required: true, description: 'The changes.' }) },
    errors: { types: [ScheduleNotFound, ScheduleEnded, InvalidInput, UnknownTaskType] },
    resolve: async (_root, { input }, { caller, schedules }) => ({
      id: await schedules.update(caller, input.id, toChanges(input)),
    }),
  }),
)

const PauseTaskScheduleInput = builder.inputType('PauseTaskScheduleInput', {
  description: 'A schedule to pause.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'Its id.' }),
    reason: t.string({ description: 'The reason, in at most 500 characters.' }),
  }),
})

builder.mutationField('pauseTaskSchedule', (t) =>
  t.field({
    type: schedulePayload('PauseTaskSchedulePayload', 'The schedule is paused.'),
    description:
      'Creates no further runs until the schedule is resumed; times that pass meanwhile are not made up for.',
    args: { input: t.arg({ type: PauseTaskScheduleInput, required: true, description: 'The schedule.' }) },
    errors: { types: [ScheduleNotFound, ScheduleEnded, InvalidInput] },
    resolve: async (_root, { input }, { caller, schedules }) => ({
      id: await schedules.pause(caller, input.id, input.reason ?? undefined),
    }),
  }),
)

builder.mutationField('resumeTaskSchedule', (t) =>
  t.field({
    type: schedulePayload('ResumeTaskSchedulePayload', 'The schedule creates runs again.'),
    description:
      'Resumes a schedule that is paused or has failed, with its next time. One that has failed runs with the rights of the caller from then on.',
    args: {
      input: t.arg({
        type: idInput('ResumeTaskScheduleInput', 'A schedule to resume.'),
        required: true,
        description: 'The schedule.',
      }),
    },
    errors: { types: [ScheduleNotFound, ScheduleEnded, InvalidInput, UnknownTaskType] },
    resolve: async (_root, { input }, { caller, schedules }) => ({ id: await schedules.resume(caller, input.id) }),
  }),
)

builder.mutationField('stopTaskSchedule', (t) =>
  t.field({
    type: schedulePayload('StopTaskSchedulePayload', 'The schedule has ended.'),
    description:
      'Ends a schedule: it has no further runs, and stays with those that it had until its retention is over.',
    args: {
      input: t.arg({
        type: idInput('StopTaskScheduleInput', 'A schedule to end.'),
        required: true,
        description: 'The schedule.',
      }),
    },
    errors: { types: [ScheduleNotFound] },
    resolve: async (_root, { input }, { caller, schedules }) => ({ id: await schedules.stop(caller, input.id) }),
  }),
)

const DeleteTaskSchedulePayload = builder.objectRef<{ id: string }>('DeleteTaskSchedulePayload').implement({
  description: 'The schedule is deleted.',
  fields: (t) => ({ id: t.exposeID('id', { description: 'The id that it had.' }) }),
})

builder.mutationField('deleteTaskSchedule', (t) =>
  t.field({
    type: DeleteTaskSchedulePayload,
    description: 'Deletes a schedule. Tasks that it created stay, and those that wait still run.',
    args: {
      input: t.arg({
        type: idInput('DeleteTaskScheduleInput', 'A schedule to delete.'),
        required: true,
        description: 'The schedule.',
      }),
    },
    errors: { types: [ScheduleNotFound] },
    resolve: async (_root, { input }, { caller, schedules }) => ({ id: await schedules.remove(caller, input.id) }),
  }),
)

const RunTaskSchedulePayload = schedulePayload<{ id: string; taskId: string }>(
  'RunTaskSchedulePayload',
  'The run is committed.',
)
builder.objectField(RunTaskSchedulePayload, 'task', (t) =>
  t.prismaField({
    type: TaskRef,
    description: 'The run.',
    resolve: (query, { taskId: id }, _args, { caller, db }) =>
      db.task.findUniqueOrThrow({ ...query, where: { accountId_id: { accountId: caller.accountId, id } } }),
  }),
)

builder.mutationField('runTaskSchedule', (t) =>
  t.field({
    type: RunTaskSchedulePayload,
    description:
      'Creates a run of a schedule now, with the rights of the caller, whatever its status and its earlier runs. It does not count towards `maxRuns`.',
    args: {
      input: t.arg({
        type: idInput('RunTaskScheduleInput', 'A schedule to run.'),
        required: true,
        description: 'The schedule.',
      }),
    },
    errors: { types: [ScheduleNotFound, InvalidInput, UnknownTaskType, QuotaExceeded] },
    resolve: (_root, { input }, { caller, schedules }) => schedules.run(caller, input.id),
  }),
)
