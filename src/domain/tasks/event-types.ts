import { z } from 'zod'
import { type EventTypes, eventTypesOf } from '#platform/journal/event-type.ts'
import type { TaskEventType } from './events.ts'
import { pauseKinds } from './pause.ts'
import { priorities, taskStatuses, waitKinds } from './task.ts'

const task = z.looseObject({
  type: z.string().describe('The task type.'),
  priority: z.enum(priorities),
  status: z.enum(taskStatuses).describe('After the event.'),
  attempt: z.int().describe('Number of the latest attempt; 0 before the first.'),
  labels: z.record(z.string(), z.string()),
})
const error = z.looseObject({ code: z.string(), message: z.string(), retryable: z.boolean() })
const pause = z.looseObject({
  kind: z.enum(pauseKinds).describe('What is paused.'),
  value: z.string().describe('The priority, the type or the concurrency key.'),
  type: z.string().optional().describe('The type, where one is paused.'),
})
const part = z.looseObject({ name: z.string(), contentType: z.string(), sizeBytes: z.int(), sha256: z.string() })

export const taskEventCatalog: EventTypes<TaskEventType> = {
  'task.submitted': {
    description: 'A task was submitted.',
    data: task.extend({
      rank: z.int().optional().describe('Unless it is 0.'),
      parentId: z.string().optional().describe('The task that it is part of.'),
      dependsOn: z.array(z.string()).optional().describe('The tasks that it starts after.'),
    }),
  },
  'task.ready': {
    description: 'The tasks that this one depends on have ended, and it waits for a slot, or for its time.',
    data: task.extend({ rank: z.int().optional().describe('Unless it is 0.') }),
  },
  ...eventTypesOf(task, {
    'task.started': 'An attempt began.',
    'task.due': 'The time of a scheduled task has come, and it waits for a slot.',
    'task.completed': 'The task completed.',
    'task.released': 'An attempt returned to the queue because its server stopped.',
    'task.preempted': 'An attempt returned to the queue because a CRITICAL task needed its slot.',
  }),
  'task.failed': {
    description: 'The task failed; no attempt follows.',
    data: task.extend({ error: error.optional() }),
  },
  'task.retried': {
    description: 'Another attempt follows, after one that failed with `error`, or because somebody asked for it.',
    data: task.extend({
      error: error.optional(),
      runAt: z.iso.datetime().optional().describe('When it is due, if that is later.'),
      inputChanged: z.boolean().optional().describe('Somebody gave it another input.'),
    }),
  },
  'task.cancel_requested': {
    description: 'Somebody asked a running task to stop.',
    data: task.extend({ reason: z.string().optional() }),
  },
  'task.cancel_acknowledged': { description: 'The attempt that runs was told to stop.', data: task },
  'task.lost': {
    description: 'An attempt ended because its worker was lost.',
    data: task.extend({ error: error.optional() }),
  },
  'task.held': {
    description: 'The turn of a waiting task has come, and a limit does not let it start yet.',
    data: task.extend({
      waiting: z.enum(['PAUSED', 'CONCURRENCY', 'RATE']).describe('The reason, as in `Task.waiting`.'),
    }),
  },
  'task.waiting': {
    description: 'An attempt waits for something; its slot is free until that has come.',
    data: task.extend({
      waiting: z.enum(waitKinds),
      waitsFor: z.string().describe('The name of the event or the approval, or the id of the task.'),
      awaitedTask: z.string().optional().describe('The id of the task that it waits for.'),
      runAt: z.iso.datetime().optional().describe('When it continues at the latest; absent if it continues at once.'),
    }),
  },
  'task.approval_requested': {
    description: 'A task asks for an approval.',
    data: task.extend({
      approval: z.string().describe('What for.'),
      expiresAt: z.iso.datetime().describe('Until when it can be given.'),
    }),
  },
  'task.approved': {
    description: 'Somebody approved what a task waited for.',
    data: task.extend({ approval: z.string(), comment: z.string().optional() }),
  },
  'task.rejected': {
    description: 'Somebody rejected what a task waited for.',
    data: task.extend({ approval: z.string(), comment: z.string().optional() }),
  },
  'task.signalled': {
    description: 'Somebody sent a task an event.',
    data: task.extend({ signal: z.string().describe('The name of the event.') }),
  },
  'task.continued': { description: 'A task continues, since the one that it waited for has ended.', data: task },
  'task.cancelled': {
    description: 'The task was cancelled.',
    data: task.extend({
      error: error.optional().describe('CANCEL_FORCED: it did not stop within its grace period, and was ended.'),
      reason: z.string().optional(),
    }),
  },
  'task.step': { description: 'A running task named its current step.', data: task.extend({ step: z.string() }) },
  'task.part': { description: 'A part of the result is complete.', data: task.extend({ part }) },
  'task.log': {
    description: 'A running task wrote a log line.',
    data: task.extend({
      log: z
        .looseObject({ seq: z.string(), message: z.string() })
        .optional()
        .describe('Absent once the task’s log was deleted.'),
    }),
  },
  'task.paused': {
    description: 'Somebody paused tasks: none of them starts until they are resumed.',
    data: pause.extend({ reason: z.string().optional() }),
  },
  'task.resumed': { description: 'Somebody let paused tasks start again.', data: pause },
  ...eventTypesOf(z.looseObject({ type: z.string().describe('The task type.') }), {
    'task.type_registered': 'Somebody registered a task type for remote workers, or changed it.',
    'task.type_removed': 'Somebody removed a task type for remote workers.',
  }),
  'task.logs_deleted': {
    description: 'Somebody deleted the log of a task.',
    data: task.extend({ lines: z.int().describe('How many lines.') }),
  },
}
