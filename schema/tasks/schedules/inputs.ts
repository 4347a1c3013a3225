import type { NewSchedule, ScheduleChanges } from '#domain/tasks/schedules/schedule-commands.ts'
import { builder } from '#schema/builder.ts'
import { idempotencyKey } from '#schema/idempotency.ts'
import { SubmitTaskInput, toSubmission } from '#schema/tasks/inputs.ts'
import { ScheduleMissedEnum, ScheduleOverlapEnum } from './enums.ts'

const described = {
  name: 'A display name, at most 128 characters.',
  task: 'What each run is submitted with; without `runAt`, `idempotencyKey`, `singletonKey`, `dependsOn` and `parentId`, and with at most 64 KiB.',
  cron: 'Five fields (minute, hour, day of month, month, day of week), or six with seconds in front, such as `30 2 * * MON-FRI`; also `L`, `W`, `#` and `@daily`.',
  everyMs: 'The time between two runs, in milliseconds, at least 1,000; counted from `startAt`, or else from now.',
  rrule:
    'The value of an RRULE (RFC 5545), such as `FREQ=MONTHLY;BYDAY=-1FR;BYHOUR=17`. Its DTSTART is `startAt`, or else the midnight before now. It may name at most 288 times of a day.',
  startAt: 'No run is due before.',
  endAt: 'No run is due after it.',
  maxRuns: 'End after so many runs, at most 1,000,000.',
} as const

export const CreateTaskScheduleInput = builder.inputType('CreateTaskScheduleInput', {
  description:
    'A schedule to create, with exactly one of cron, everyMs and rrule. One that is due more often than every 10 seconds needs a `maxRuns` of at most 1,000.',
  fields: (t) => ({
    name: t.string({ required: true, description: described.name }),
    task: t.field({ type: SubmitTaskInput, required: true, description: described.task }),
    cron: t.string({ description: described.cron }),
    everyMs: t.int({ description: described.everyMs }),
    rrule: t.string({ description: described.rrule }),
    timeZone: t.string({
      description: 'The IANA time zone of `cron` and `rrule`, such as Europe/Berlin; default UTC.',
    }),
    startAt: t.field({ type: 'DateTime', description: described.startAt }),
    endAt: t.field({ type: 'DateTime', description: described.endAt }),
    maxRuns: t.int({ description: described.maxRuns }),
    overlap: t.field({ type: ScheduleOverlapEnum, description: 'Default: SKIP.' }),
    missed: t.field({ type: ScheduleMissedEnum, description: 'Default: SKIP.' }),
    idempotencyKey: t.string(idempotencyKey),
  }),
})

export const UpdateTaskScheduleInput = builder.inputType('UpdateTaskScheduleInput', {
  description: 'What to change of a schedule; absent fields stay, and null removes `startAt`, `endAt` and `maxRuns`.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'Its id.' }),
    name: t.string({ description: described.name }),
    task: t.field({
      type: SubmitTaskInput,
      description: `${described.task} Replaces the earlier one; runs are created with the caller’s rights from then on.`,
    }),
    cron: t.string({ description: `${described.cron} Replaces \`everyMs\` or \`rrule\`.` }),
    everyMs: t.int({ description: `${described.everyMs} Replaces \`cron\` or \`rrule\`.` }),
    rrule: t.string({ description: `${described.rrule} Replaces \`cron\` or \`everyMs\`.` }),
    timeZone: t.string({ description: 'The IANA time zone of `cron` and `rrule`.' }),
    startAt: t.field({ type: 'DateTime', description: described.startAt }),
    endAt: t.field({ type: 'DateTime', description: described.endAt }),
    maxRuns: t.int({ description: `${described.maxRuns} Earlier runs count.` }),
    overlap: t.field({ type: ScheduleOverlapEnum, description: 'What happens to overlapping runs.' }),
    missed: t.field({ type: ScheduleMissedEnum, description: 'What happens to missed runs.' }),
  }),
})

/** Fields that null stands for nothing in. */
const clearable: ReadonlySet<string> = new Set(['startAt', 'endAt', 'maxRuns'])

export function toNewSchedule(input: typeof CreateTaskScheduleInput.$inferInput): NewSchedule {
  return { ...given(input), task: toSubmission(input.task) } as NewSchedule
}

export function toChanges({ id: _, task, ...input }: typeof UpdateTaskScheduleInput.$inferInput): ScheduleChanges {
  return { ...given(input, clearable), ...(task && { task: toSubmission(task) }) } as ScheduleChanges
}

function given(input: object, kept: ReadonlySet<string> = new Set()): object {
  return Object.fromEntries(
    Object.entries(input).filter(([name, value]) => value !== undefined && (value !== null || kept.has(name))),
  )
}
