import { z } from 'zod'
import type {
  CreateTaskScheduleInput,
  TaskScheduleMissed,
  TaskScheduleOverlap,
} from '#transport/rest/generated/graphql.ts'

/** What GraphQL takes for a number of milliseconds at most. */
const maxMs = 2 ** 31 - 1
const moment = z.iso.datetime({ offset: true })

const overlapOf = { skip: 'SKIP', queue: 'QUEUE', allow: 'ALLOW' } as const satisfies Record<
  string,
  TaskScheduleOverlap
>
const missedOf = { skip: 'SKIP', once: 'ONCE' } as const satisfies Record<string, TaskScheduleMissed>

/** What REST calls the inputs of a schedule. */
export const recurrenceNames = {
  cron: 'recurrenceConfig.cron',
  everyMs: 'recurrenceConfig.every',
  rrule: 'recurrenceConfig.rrule',
  timeZone: 'recurrenceConfig.timezone',
  startAt: 'recurrenceConfig.startAt',
  endAt: 'recurrenceConfig.endAt',
  maxRuns: 'recurrenceConfig.maxRuns',
} as const

/** `recurrenceConfig` in the body of `POST /tasks`. */
export const recurrenceConfig = z
  .strictObject({
    cron: z.string().optional().describe('A cron expression of five fields, or six with seconds in front.'),
    every: z.int().min(1_000).max(maxMs).optional().describe('The time between two runs, in milliseconds.'),
    rrule: z.string().optional().describe('The value of an RRULE (RFC 5545); its DTSTART is `startAt`.'),
    timezone: z.string().optional().describe('The IANA time zone of `cron` and `rrule`; default UTC.'),
    startAt: moment.optional().describe('No run is due before.'),
    endAt: moment.optional().describe('No run is due after it.'),
    maxRuns: z.int().min(1).optional().describe('It ends after so many runs.'),
    overlap: z
      .enum(['skip', 'queue', 'allow'])
      .optional()
      .describe('What happens to a run that is due while an earlier one has not ended; default `skip`.'),
    missed: z
      .enum(['skip', 'once'])
      .optional()
      .describe('What happens to runs that could not be created in time; default `skip`.'),
    name: z.string().min(1).max(128).optional().describe('A display name; default: the task type.'),
  })
  .meta({ id: 'RecurrenceConfig', description: 'When a task recurs: exactly one of cron, every and rrule.' })

/** The part of a schedule that says when it is due. */
export function toRecurrence(
  config: z.output<typeof recurrenceConfig>,
): Omit<CreateTaskScheduleInput, 'name' | 'task'> {
  const { cron, every, rrule, timezone, startAt, endAt, maxRuns, overlap, missed } = config
  return {
    ...(cron !== undefined && { cron }),
    ...(every !== undefined && { everyMs: every }),
    ...(rrule !== undefined && { rrule }),
    ...(timezone !== undefined && { timeZone: timezone }),
    ...(startAt !== undefined && { startAt }),
    ...(endAt !== undefined && { endAt }),
    ...(maxRuns !== undefined && { maxRuns }),
    ...(overlap !== undefined && { overlap: overlapOf[overlap] }),
    ...(missed !== undefined && { missed: missedOf[missed] }),
  }
}
