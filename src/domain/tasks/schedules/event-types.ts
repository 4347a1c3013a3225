import { z } from 'zod'
import type { EventTypes } from '#platform/journal/event-type.ts'
import type { ScheduleEventType } from './events.ts'
import { endReasons, scheduleStatuses, skipReasons } from './schedule.ts'

const schedule = z.looseObject({
  type: z.string().describe('The task type of its runs.'),
  name: z.string().describe('The schedule’s name.'),
})
const moment = z.iso.datetime()
const settings = schedule.extend({
  cron: z.string().optional(),
  everyMs: z.int().optional(),
  rrule: z.string().optional(),
  timeZone: z.string(),
  status: z.enum(scheduleStatuses),
  nextAt: moment.nullable().describe('When the next run is due.'),
})
const ofTime = schedule.extend({ scheduledFor: moment.describe('The time that the run stands for.') })

export const scheduleEventCatalog: EventTypes<ScheduleEventType> = {
  'schedule.created': { description: 'A schedule was created.', data: settings },
  'schedule.updated': { description: 'A schedule was changed.', data: settings },
  'schedule.paused': {
    description: 'Somebody paused a schedule.',
    data: schedule.extend({ reason: z.string().optional() }),
  },
  'schedule.resumed': { description: 'Somebody resumed a schedule.', data: settings },
  'schedule.deleted': { description: 'A schedule was deleted; its runs stay.', data: schedule },
  'schedule.run': {
    description: 'A schedule created a task.',
    data: ofTime.extend({
      taskId: z.string(),
      isManual: z.boolean().describe('Whether somebody asked for it.'),
    }),
  },
  'schedule.skipped': {
    description: 'A run was not created.',
    data: ofTime.extend({ reason: z.enum(skipReasons), message: z.string().optional() }),
  },
  'schedule.missed': {
    description: 'Times passed without a run, because no server was running.',
    data: ofTime.extend({
      count: z.int().describe('How many times passed, at most 100.'),
      runs: z.boolean().describe('Whether one run was created for all of them.'),
    }),
  },
  'schedule.failed': {
    description: 'A schedule stopped, because its runs can’t be created.',
    data: schedule.extend({ code: z.enum(skipReasons), message: z.string() }),
  },
  'schedule.ended': {
    description: 'A schedule has no further runs.',
    data: schedule.extend({ reason: z.enum(endReasons) }),
  },
}
