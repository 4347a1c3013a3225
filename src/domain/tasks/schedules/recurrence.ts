import { Cron } from 'croner'
import { LRUCache } from 'lru-cache'
import { RRuleTemporal } from 'rrule-temporal'
import { type CompositeKey, compositeKey } from '#lib/composite-key.ts'
import { errorMessage, type InputIssue } from '#lib/errors.ts'
import { rruleFault } from './rrule.ts'

/** When runs are due: exactly one of `cron`, `everyMs` and `rrule` says it. */
export interface Recurrence {
  /** Five fields, or six with seconds in front. */
  readonly cron: string | null
  readonly everyMs: number | null
  /** The value of an RRULE (RFC 5545 §3.3.10). */
  readonly rrule: string | null
  /** The IANA time zone whose clock `cron` and `rrule` follow. */
  readonly timeZone: string
  /** No run is due before; the phase of `everyMs` and `rrule` counts from it. */
  readonly anchorAt: Date
}

/** A schedule that is due more often must end. */
const shortestGapMs = 10_000
/** How many runs a schedule that is due more often may have. */
const maxFrequentRuns = 1_000
const maxEveryMs = 2 ** 31 - 1
const secondMs = 1_000
const dayMs = 24 * 60 * 60 * secondMs
/** Times that are further away are not found. */
const horizonMs = 100 * 366 * dayMs
/** Times that are looked at to learn how often a schedule is due. */
const sampledTimes = 200
/** How long times are looked for one after the other, in milliseconds. */
const searchMs = 250
/** More steps than any sensible rule needs between two of its times, so that a rule that is never due says so soon. */
const maxIterations = 1_500

/**
 * Cron follows the wall clock as Vixie cron does. A time that names its hour and minute is due once on every day: at the
 * first of two equal times, and where the clock skips it, at the end of the gap. One with a wildcard or a step in seconds,
 * minutes or hours goes on through a repeated hour, and leaves out a skipped one.
 */
const cronOptions = { paused: true, mode: '5-or-6-parts', fixedTimeRule: 'no-wildcard' } as const

/** The first time strictly after a moment; undefined when there is none in the next 100 years. */
export function nextTime(recurrence: Recurrence, after: Date): Date | undefined {
  const from = Math.max(after.getTime(), recurrence.anchorAt.getTime() - 1)
  const time = timeAfter(recurrence, from)
  return time !== undefined && time - from <= horizonMs ? new Date(time) : undefined
}

function timeAfter(recurrence: Recurrence, from: number): number | undefined {
  const { everyMs } = recurrence
  if (everyMs === null) return calendarOf(recurrence)(from)
  const anchor = recurrence.anchorAt.getTime()
  return anchor + (Math.floor((from - anchor) / everyMs) + 1) * everyMs
}

/** Finds the first time after another. */
type Calendar = (from: number) => number | undefined

/** Reading an expression takes longer than finding its next time. */
const calendars = new LRUCache<CompositeKey, Calendar>({ max: 500 })

function calendarOf({ cron, rrule, timeZone, anchorAt }: Recurrence): Calendar {
  const key = compositeKey(timeZone, cron ?? '', rrule ?? '', anchorAt.getTime())
  const known = calendars.get(key)
  if (known !== undefined) return known
  const calendar = cron === null ? ruleCalendar(rrule ?? '', { timeZone, anchorAt }) : cronCalendar(cron, timeZone)
  calendars.set(key, calendar)
  return calendar
}

function cronCalendar(cron: string, timeZone: string): Calendar {
  const expression = new Cron(cron, { ...cronOptions, timezone: timeZone })
  return (from) => expression.nextRun(new Date(from))?.getTime()
}

/** A rule that takes too long to find its next time has none. */
function ruleCalendar(rrule: string, where: Pick<Recurrence, 'timeZone' | 'anchorAt'>): Calendar {
  const rule = createRule(rrule, where)
  return (from) => {
    try {
      return rule.next(new Date(from))?.epochMilliseconds
    } catch {
      return undefined
    }
  }
}

function createRule(rrule: string, { timeZone, anchorAt }: Pick<Recurrence, 'timeZone' | 'anchorAt'>): RRuleTemporal {
  const rruleString = `DTSTART;TZID=${timeZone}:${wallTime(anchorAt, timeZone)}\nRRULE:${rrule}`
  return new RRuleTemporal({ rruleString, strict: true, maxIterations, maxCandidateEvaluations: 20 * maxIterations })
}

/** What the clocks of a time zone show, as iCalendar writes it. */
function wallTime(moment: Date, timeZone: string): string {
  const format = new Intl.DateTimeFormat('en', {
    timeZone,
    calendar: 'iso8601',
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  })
  const parts = new Map(format.formatToParts(moment).map(({ type, value }) => [type, value]))
  const digits = (...names: Intl.DateTimeFormatPartTypes[]) => names.map((name) => parts.get(name) ?? '').join('')
  return `${digits('year').padStart(4, '0')}${digits('month', 'day')}T${digits('hour', 'minute', 'second')}`
}

/** From when a new recurrence counts: its start, or else now; a rule from the midnight before, so that hours are whole. */
export function anchorOf(
  { everyMs, rrule, timeZone }: Omit<Recurrence, 'anchorAt'>,
  startAt: Date | null,
  now: Date,
): Date {
  if (rrule !== null) {
    // Its times have no fractions of a second, and none of them may be before the start.
    if (startAt !== null) return new Date(Math.ceil(startAt.getTime() / secondMs) * secondMs)
    const midnight = new Cron('0 0 * * *', { ...cronOptions, timezone: timeZone }).previousRuns(1, now)[0]
    return midnight ?? now
  }
  if (startAt !== null) return startAt
  return everyMs === null ? now : new Date(now.getTime() + everyMs)
}

/** What is wrong with a recurrence, whenever it begins. */
export function recurrenceIssues({ cron, everyMs, rrule, timeZone }: Omit<Recurrence, 'anchorAt'>): InputIssue[] {
  if (!isTimeZone(timeZone))
    return [{ path: 'timeZone', message: `must be an IANA time zone such as Europe/Berlin; got "${timeZone}"` }]
  const given = [cron, everyMs, rrule].filter((one) => one !== null)
  if (given.length !== 1)
    return [{ path: '', message: `exactly one of cron, everyMs and rrule must be given; got ${given.length}` }]
  if (everyMs !== null && (everyMs < secondMs || everyMs > maxEveryMs))
    return [{ path: 'everyMs', message: `must be ${secondMs} to ${maxEveryMs}; got ${everyMs}` }]
  const cronFault = cron === null ? undefined : faultOf(() => new Cron(cron, { ...cronOptions, timezone: timeZone }))
  if (cronFault !== undefined) return [{ path: 'cron', message: cronFault.replace(/^CronPattern: /, '') }]
  const ruleFault =
    rrule === null
      ? undefined
      : rruleFault(rrule, () => createRule(rrule, { timeZone, anchorAt: new Date() }).options())
  return ruleFault === undefined ? [] : [{ path: 'rrule', message: ruleFault }]
}

/** Why a recurrence is due too often; undefined when it isn't. */
export function frequencyIssue(recurrence: Recurrence, after: Date, maxRuns: number | null): InputIssue | undefined {
  if (maxRuns !== null && maxRuns <= maxFrequentRuns) return undefined
  if (shortestGapOf(recurrence, after) >= shortestGapMs) return undefined
  const path = recurrence.cron !== null ? 'cron' : recurrence.rrule !== null ? 'rrule' : 'everyMs'
  const message = `is due more often than every ${shortestGapMs / secondMs} seconds, which needs a maxRuns of at most ${maxFrequentRuns}`
  return { path, message }
}

/**
 * A time and those that follow it, as far as they are found in a quarter of a second: where times are rare, or a rule has
 * many parts, each takes long, and nothing else is done meanwhile.
 */
export function* timesFrom(
  first: Date | null | undefined,
  next: (after: Date) => Date | null | undefined,
): Generator<Date, void> {
  const end = performance.now() + searchMs
  for (let time = first; time !== null && time !== undefined; time = next(time)) {
    yield time
    if (performance.now() > end) return
  }
}

/** The shortest time between two runs, as far as the next ones tell: those of two whole days, or 200. */
function shortestGapOf(recurrence: Recurrence, after: Date): number {
  if (recurrence.everyMs !== null) return recurrence.everyMs
  let shortest = Number.POSITIVE_INFINITY
  let nights = 0
  let before: Date | undefined
  const next = (time: Date) => nextTime(recurrence, time)
  for (const time of timesFrom(next(after), next).take(sampledTimes)) {
    const gap = before === undefined ? Number.POSITIVE_INFINITY : time.getTime() - before.getTime()
    shortest = Math.min(shortest, gap)
    if (before !== undefined && gap > dayMs / 4) nights += 1
    if (shortest < shortestGapMs || nights === 2) break
    before = time
  }
  return shortest
}

function isTimeZone(name: string): boolean {
  // Offsets such as +02:00 are time zones to Intl, but not to calendars.
  return /^[A-Za-z]/.test(name) && faultOf(() => new Intl.DateTimeFormat('en', { timeZone: name })) === undefined
}

function faultOf(make: () => unknown): string | undefined {
  try {
    make()
    return undefined
  } catch (error) {
    return errorMessage(error)
  }
}
