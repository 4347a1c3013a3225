import type { MissedMode, OverlapMode, ScheduleStatus } from '#domain/tasks/schedules/schedule.ts'
import { builder } from '#schema/builder.ts'
import { described } from '#schema/described.ts'

export const ScheduleStatusEnum = builder.enumType('TaskScheduleStatus', {
  description: 'Whether a schedule creates runs.',
  values: described<ScheduleStatus>({
    ACTIVE: 'It creates runs at their times.',
    PAUSED: 'Somebody paused it; it creates no runs until it is resumed.',
    FAILED:
      'Its runs can’t be created any more, as `statusReason` says. Resuming it runs it with the rights of the caller who does so.',
    ENDED: 'It has no further runs.',
  }),
})

export const ScheduleOverlapEnum = builder.enumType('TaskScheduleOverlap', {
  description: 'What happens to a run that is due while an earlier run has not ended.',
  values: described<OverlapMode>({
    SKIP: 'It is not created.',
    QUEUE: 'It is created once the earlier ones have ended; up to 100 wait, in order.',
    ALLOW: 'It is created all the same.',
  }),
})

export const ScheduleMissedEnum = builder.enumType('TaskScheduleMissed', {
  description: 'What happens to runs that could not be created within a minute, such as while no server was running.',
  values: described<MissedMode>({
    SKIP: 'They are not created.',
    ONCE: 'One run is created for all of them, as soon as possible.',
  }),
})
