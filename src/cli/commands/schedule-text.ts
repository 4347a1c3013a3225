import type { Style } from '#cli/output.ts'
import { duration, printable } from '#cli/text.ts'
import type { ScheduleSummaryFragment, TaskScheduleStatus } from '#client/index.ts'

export const scheduleStyles: Readonly<Record<TaskScheduleStatus, Style>> = {
  ACTIVE: 'green',
  PAUSED: 'yellow',
  FAILED: 'red',
  ENDED: 'dim',
}

/** When a schedule is due, for people: `30 2 * * * (Europe/Berlin)`, `every 10 min 0 s`. */
export function recurrenceText({ cron, everyMs, rrule, timeZone }: ScheduleSummaryFragment): string {
  if (everyMs !== null) return `every ${duration(everyMs)}`
  return printable(`${cron ?? rrule} (${timeZone})`)
}
