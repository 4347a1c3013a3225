import { describe, expect, it } from 'vitest'
import { anchorOf, nextTime, recurrenceIssues } from '#domain/tasks/schedules/recurrence.ts'

interface Rule {
  readonly cron?: string
  readonly everyMs?: number
  readonly rrule?: string
}

const none = { cron: null, everyMs: null, rrule: null }

/** The next times after a moment, in UTC to the minute. */
function times(rule: Rule, timeZone: string, after: string, count: number, startAt: string | null = null): string[] {
  const wanted = { ...none, ...rule, timeZone }
  const from = new Date(after)
  const anchorAt = anchorOf(wanted, startAt === null ? null : new Date(startAt), from)
  const found: string[] = []
  for (let next = nextTime({ ...wanted, anchorAt }, from); next !== undefined && found.length < count; ) {
    found.push(next.toISOString().replace(/:00\.000Z$/, 'Z'))
    next = nextTime({ ...wanted, anchorAt }, next)
  }
  return found
}

const berlin = 'Europe/Berlin'
// Clocks go forward on 28 March 2027 at 01:00 UTC, and back on 31 October 2027 at 01:00 UTC.
const [beforeSpring, beforeAutumn] = ['2027-03-27T00:00:00Z', '2027-10-30T00:00:00Z']

describe('cron expressions', () => {
  it('run at a named time once on the day on which the clock skips it, after the gap', () => {
    expect(times({ cron: '30 2 * * *' }, berlin, beforeSpring, 3)).toEqual([
      '2027-03-27T01:30Z',
      '2027-03-28T01:00Z',
      '2027-03-29T00:30Z',
    ])
  })

  it('run at a named time once on the day on which the clock repeats it', () => {
    expect(times({ cron: '30 2 * * *' }, berlin, beforeAutumn, 3)).toEqual([
      '2027-10-30T00:30Z',
      '2027-10-31T00:30Z',
      '2027-11-01T01:30Z',
    ])
    expect(times({ cron: '0 1-3 * * *' }, berlin, '2027-10-30T22:30:00Z', 3)).toEqual([
      '2027-10-30T23:00Z',
      '2027-10-31T00:00Z',
      '2027-10-31T02:00Z',
    ])
  })

  it('go on through a repeated hour, and leave out a skipped one, with a wildcard or a step', () => {
    expect(times({ cron: '*/30 * * * *' }, berlin, '2027-10-31T00:20:00Z', 4)).toEqual([
      '2027-10-31T00:30Z',
      '2027-10-31T01:00Z',
      '2027-10-31T01:30Z',
      '2027-10-31T02:00Z',
    ])
    expect(times({ cron: '15 * * * *' }, berlin, '2027-03-28T00:00:00Z', 3)).toEqual([
      '2027-03-28T00:15Z',
      '2027-03-28T01:15Z',
      '2027-03-28T02:15Z',
    ])
  })

  it('have seconds in front when they have six fields', () => {
    expect(times({ cron: '15 0 9 * * MON' }, 'UTC', '2027-01-01T00:00:00Z', 2)).toEqual([
      '2027-01-04T09:00:15.000Z',
      '2027-01-11T09:00:15.000Z',
    ])
  })

  it('start with their start, which counts itself', () => {
    expect(times({ cron: '0 9 * * *' }, 'UTC', '2027-01-01T00:00:00Z', 1, '2027-02-01T09:00:00Z')).toEqual([
      '2027-02-01T09:00Z',
    ])
  })
})

describe('calendar rules', () => {
  it('follow the clock of their time zone, and leave out times that it skips (RFC 5545 §3.3.10)', () => {
    const rrule = 'FREQ=DAILY;BYHOUR=2;BYMINUTE=30'
    expect(times({ rrule }, berlin, beforeSpring, 2)).toEqual(['2027-03-27T01:30Z', '2027-03-29T00:30Z'])
    expect(times({ rrule }, berlin, beforeAutumn, 3)).toEqual([
      '2027-10-30T00:30Z',
      '2027-10-31T00:30Z',
      '2027-11-01T01:30Z',
    ])
  })

  it('count from their start', () => {
    const found = times({ rrule: 'FREQ=WEEKLY;INTERVAL=2;COUNT=3' }, berlin, beforeSpring, 9, '2027-04-01T07:30:00Z')
    expect(found).toEqual(['2027-04-01T07:30Z', '2027-04-15T07:30Z', '2027-04-29T07:30Z'])
  })

  it('are due on whole hours and minutes without a start', () => {
    expect(times({ rrule: 'FREQ=MONTHLY;BYDAY=-1FR;BYHOUR=17' }, berlin, '2027-01-05T10:11:12.345Z', 2)).toEqual([
      '2027-01-29T16:00Z',
      '2027-02-26T16:00Z',
    ])
  })
})

describe('intervals', () => {
  it('count from their start, or else from now, whatever the clocks do', () => {
    expect(times({ everyMs: 3_600_000 }, berlin, '2027-10-31T00:30:00Z', 3)).toEqual([
      '2027-10-31T01:30Z',
      '2027-10-31T02:30Z',
      '2027-10-31T03:30Z',
    ])
    expect(times({ everyMs: 3_600_000 }, berlin, '2027-01-01T00:10:00Z', 2, '2026-12-31T00:45:00Z')).toEqual([
      '2027-01-01T00:45Z',
      '2027-01-01T01:45Z',
    ])
  })
})

describe('a recurrence', () => {
  it.each<[Rule & { timeZone?: string }, string, string | RegExp]>([
    [{}, '', 'exactly one of cron, everyMs and rrule must be given; got 0'],
    [{ cron: '* * * * *', everyMs: 60_000 }, '', 'exactly one of cron, everyMs and rrule must be given; got 2'],
    [
      { cron: '* * * * *', timeZone: 'Mars/Base' },
      'timeZone',
      /IANA time zone such as Europe\/Berlin; got "Mars\/Base"/,
    ],
    [{ cron: '* * * * *', timeZone: '+02:00' }, 'timeZone', /got "\+02:00"/],
    [{ cron: '61 * * * *' }, 'cron', 'Invalid value for minute: 61'],
    [{ cron: '* * * *' }, 'cron', /exactly five, six/],
    [{ cron: '0 0 0 1 1 * 2030' }, 'cron', /requires exactly 5 or 6 parts/],
    [{ cron: '@reboot' }, 'cron', /not supported/],
    [{ everyMs: 999 }, 'everyMs', 'must be 1000 to 2147483647; got 999'],
    [{ rrule: 'nonsense' }, 'rrule', 'has an unknown part "NONSENSE"'],
    [{ rrule: 'FREQ=DAILY;BYHOURS=3' }, 'rrule', 'has an unknown part "BYHOURS"'],
    [{ rrule: 'FREQ=DAILY;BYHOUR=25' }, 'rrule', 'has a BYHOUR that is not valid: 25'],
    [{ rrule: 'FREQ=DAILY;BYHOUR=9,25' }, 'rrule', 'has a BYHOUR that is not valid: 9,25'],
    [{ rrule: 'FREQ=DAILY;BYHOUR=9;BYHOUR=10' }, 'rrule', 'has more than one BYHOUR'],
    [{ rrule: 'FREQ=DAILY;INTERVAL=0' }, 'rrule', /interval must be greater than 0/],
    [{ rrule: 'FREQ=SOMETIMES' }, 'rrule', /Invalid FREQ/],
    [{ rrule: 'FREQ=SECONDLY' }, 'rrule', 'may not have FREQ=SECONDLY; use everyMs or cron instead'],
    [{ rrule: 'FREQ=DAILY;COUNT=1000000' }, 'rrule', 'may have a COUNT of at most 500; maxRuns has no such limit'],
    [
      { rrule: `FREQ=DAILY;BYHOUR=1,2,3,4,5;BYMINUTE=${Array.from({ length: 60 }, (_, minute) => minute)}` },
      'rrule',
      'may name at most 288 times of a day; it names 300',
    ],
    [{ rrule: 'DTSTART:20270101T000000Z\nRRULE:FREQ=DAILY' }, 'rrule', /its start is startAt/],
  ])('is refused: %o', ({ timeZone = 'UTC', ...rule }, path, message) => {
    const [issue, ...others] = recurrenceIssues({ ...none, ...rule, timeZone })
    expect(others).toEqual([])
    expect(issue?.path).toBe(path)
    if (typeof message === 'string') expect(issue?.message).toBe(message)
    else expect(issue?.message).toMatch(message)
  })

  it.each<Rule>([
    { cron: '0 0 30 2 *' },
    { rrule: 'FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30' },
    { rrule: 'FREQ=MINUTELY;BYMONTH=2;BYMONTHDAY=30' },
    { rrule: 'FREQ=DAILY;UNTIL=20260101T000000Z' },
  ])('that is never due has no next time: %o', (rule) => {
    expect(times(rule, berlin, beforeSpring, 1)).toEqual([])
  })
})
