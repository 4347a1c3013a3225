import type { By, NewEntry } from '#platform/journal/entry.ts'

/** What the journal says of schedules. */
const scheduleEventTypes = [
  'schedule.created',
  'schedule.updated',
  'schedule.paused',
  'schedule.resumed',
  'schedule.deleted',
  'schedule.run',
  'schedule.skipped',
  'schedule.missed',
  'schedule.failed',
  'schedule.ended',
] as const
export type ScheduleEventType = (typeof scheduleEventTypes)[number]

/** After these, a schedule may be due at another time. */
export const dueChangingTypes: ReadonlySet<string> = new Set<ScheduleEventType>([
  'schedule.created',
  'schedule.updated',
  'schedule.resumed',
])

export function scheduleEvent(
  type: ScheduleEventType,
  schedule: { readonly accountId: string; readonly id: string; readonly type: string; readonly name: string },
  { actor, origin }: By,
  more: object = {},
): NewEntry {
  const { accountId, id, type: taskType, name } = schedule
  return { accountId, type, subject: `schedule:${id}`, actor, origin, data: { type: taskType, name, ...more } }
}
