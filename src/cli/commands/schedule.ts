import type { Command } from 'commander'
import type { Session } from '#cli/session.ts'
import { addScheduleAddCommand } from './schedule-add.ts'
import {
  addSchedulePauseCommand,
  addScheduleRemoveCommand,
  addScheduleResumeCommand,
  addScheduleRunCommand,
  addScheduleStopCommand,
} from './schedule-changes.ts'
import { addScheduleListCommand, addScheduleNextCommand, addScheduleShowCommand } from './schedule-reads.ts'

/** Everything about schedules. */
export function addScheduleCommand(parent: Command, session: Session): void {
  const schedule = parent
    .command('schedule')
    .summary('submit tasks again and again')
    .description('Creates tasks at times: by cron expressions, at intervals, or by calendar rules.')
  for (const add of [
    addScheduleListCommand,
    addScheduleAddCommand,
    addScheduleShowCommand,
    addScheduleNextCommand,
    addSchedulePauseCommand,
    addScheduleResumeCommand,
    addScheduleRunCommand,
    addScheduleStopCommand,
    addScheduleRemoveCommand,
  ])
    add(schedule, session)
}
