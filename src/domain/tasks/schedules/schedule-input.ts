import { z } from 'zod'
import { type InputIssue, invalidInput } from '#lib/errors.ts'
import { isStorable } from '#lib/json.ts'
import { isWithinYears } from '#lib/moment.ts'
import { inWords, issuesOf } from '#lib/parse.ts'
import { anchorOf, frequencyIssue, type Recurrence, recurrenceIssues } from './recurrence.ts'
import { type MissedMode, missedModes, nextDue, type OverlapMode, overlapModes, type Schedule } from './schedule.ts'

/** The task of a schedule as JSON, at most; a thousand schedules of an account are kept. */
const maxTaskBytes = 64 * 1024

const moment = z.date().refine(isWithinYears, 'must be in the years 1 to 9999')
const settings = z.strictObject({
  name: z.string().trim().min(1).max(128),
  task: z.looseObject({ type: z.string().min(1).max(64) }),
  cron: z.string().trim().min(1).max(256).nullable().default(null),
  everyMs: z.int().nullable().default(null),
  rrule: z
    .string()
    .trim()
    .transform((rule) => rule.replace(/^RRULE:/i, ''))
    .pipe(z.string().min(1).max(1_024))
    .nullable()
    .default(null),
  timeZone: z.string().max(64).default('UTC'),
  startAt: moment.nullable().default(null),
  endAt: moment.nullable().default(null),
  maxRuns: z.int().min(1).max(1_000_000).nullable().default(null),
  overlap: z.enum(overlapModes).default('SKIP'),
  missed: z.enum(missedModes).default('SKIP'),
})

/** What somebody decides about a schedule. */
export interface ScheduleInput {
  readonly name: string
  /** A submission without `runAt` and `idempotencyKey`. */
  readonly task: object
  readonly cron?: string | null | undefined
  readonly everyMs?: number | null | undefined
  readonly rrule?: string | null | undefined
  readonly timeZone?: string | undefined
  readonly startAt?: Date | null | undefined
  readonly endAt?: Date | null | undefined
  readonly maxRuns?: number | null | undefined
  readonly overlap?: OverlapMode | undefined
  readonly missed?: MissedMode | undefined
}

export type ScheduleSettings = Pick<
  Schedule,
  'name' | 'type' | 'task' | 'startAt' | 'endAt' | 'maxRuns' | 'overlap' | 'missed' | keyof Recurrence
>

/** What a run decides itself. */
const ownOfRuns = ['runAt', 'idempotencyKey', 'singletonKey', 'dependsOn', 'parentId'] as const

/**
 * The settings of a schedule, found to be possible; `before`: what they were, so that a phase goes on as it was.
 * @throws {InvalidInput} with everything that is wrong
 */
export function parseSettings(input: ScheduleInput, now: Date, before?: ScheduleSettings): ScheduleSettings {
  const parsed = settings.safeParse(withoutUndefined(input), inWords)
  if (!parsed.success) throw refused(issuesOf(parsed.error))
  const { task, ...rest } = parsed.data
  const issues = [...taskIssues(task), ...boundIssues(rest), ...recurrenceIssues(rest)]
  if (!isStorable(parsed.data))
    issues.push({ path: '', message: 'it holds a NUL character or half of a surrogate pair' })
  if (issues.length > 0) throw refused(issues)
  const isSame = before !== undefined && isSameRecurrence(before, rest)
  const anchorAt = isSame ? before.anchorAt : anchorOf(rest, rest.startAt, now)
  return { ...rest, type: task.type, task, anchorAt }
}

function taskIssues(task: Readonly<Record<string, unknown>>): InputIssue[] {
  const own = ownOfRuns.filter((name) => task[name] !== undefined)
  const issues = own.map((name) => ({ path: `task.${name}`, message: 'is decided by the schedule for each run' }))
  const sizeBytes = Buffer.byteLength(JSON.stringify(task))
  if (sizeBytes > maxTaskBytes)
    issues.push({ path: 'task', message: `has ${sizeBytes} bytes; the task of a schedule may have ${maxTaskBytes}` })
  return issues
}

function boundIssues({ rrule, startAt, endAt }: Pick<ScheduleSettings, 'rrule' | 'startAt' | 'endAt'>): InputIssue[] {
  const issues: InputIssue[] = []
  if (startAt !== null && endAt !== null && endAt <= startAt)
    issues.push({ path: 'endAt', message: 'must be after startAt' })
  if (startAt === null && rrule !== null && /(?:^|;)COUNT=/i.test(rrule))
    issues.push({ path: 'startAt', message: 'is needed for a COUNT, which counts from it' })
  return issues
}

/** When an active schedule is due next. @throws {InvalidInput} when it never is, or too often */
export function firstDue(schedule: ScheduleSettings, now: Date): Date {
  const next = nextDue(schedule, now)
  const path = schedule.cron !== null ? 'cron' : schedule.rrule !== null ? 'rrule' : 'everyMs'
  if (next === null) throw refused([{ path, message: neverDue(schedule, now) }])
  const issue = frequencyIssue(schedule, now, schedule.maxRuns)
  if (issue !== undefined) throw refused([issue])
  return next
}

function neverDue({ endAt }: ScheduleSettings, now: Date): string {
  if (endAt === null) return 'is never due'
  return endAt <= now ? 'is never due: endAt has passed' : 'is never due before endAt'
}

function isSameRecurrence(
  a: ScheduleSettings,
  b: Omit<Recurrence, 'anchorAt'> & Pick<ScheduleSettings, 'startAt'>,
): boolean {
  return (
    a.cron === b.cron &&
    a.everyMs === b.everyMs &&
    a.rrule === b.rrule &&
    a.timeZone === b.timeZone &&
    a.startAt?.getTime() === b.startAt?.getTime()
  )
}

/** Whether runs are due at the same times. */
export function isSameTiming(a: ScheduleSettings, b: ScheduleSettings): boolean {
  return isSameRecurrence(a, b) && a.endAt?.getTime() === b.endAt?.getTime() && a.maxRuns === b.maxRuns
}

function refused(issues: readonly InputIssue[]) {
  return invalidInput('The schedule', issues)
}

function withoutUndefined(input: object): object {
  return Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined))
}
