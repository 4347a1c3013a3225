import { errorMessage } from '#lib/errors.ts'

/** The parts of RFC 5545 §3.3.10 that are understood, and what the library calls them. */
const parts: Readonly<Record<string, string>> = {
  FREQ: 'freq',
  INTERVAL: 'interval',
  COUNT: 'count',
  UNTIL: 'until',
  WKST: 'wkst',
  BYSECOND: 'bySecond',
  BYMINUTE: 'byMinute',
  BYHOUR: 'byHour',
  BYDAY: 'byDay',
  BYMONTHDAY: 'byMonthDay',
  BYYEARDAY: 'byYearDay',
  BYWEEKNO: 'byWeekNo',
  BYMONTH: 'byMonth',
  BYSETPOS: 'bySetPos',
}
/** How many times of a day a rule may name: each of them is looked at for each day of a year. */
const maxTimesOfDay = 288
/** Each time of a rule with a count is found by counting. */
const maxCount = 500

/**
 * What is wrong with a rule; undefined when nothing is. `parse` returns what the library has understood: it leaves out
 * what it does not, and a rule must not be due at another time than it says.
 */
export function rruleFault(rrule: string, parse: () => object): string | undefined {
  const fault = formFault(rrule)
  if (fault !== undefined) return fault
  let understood: Readonly<Record<string, unknown>>
  try {
    understood = { ...parse() }
  } catch (error) {
    return errorMessage(error)
  }
  return partsOf(rrule)
    .filter(([name, value]) => !isUnderstood(understood[parts[name] ?? ''], value))
    .map(([name, value]) => `has a ${name} that is not valid: ${value}`)[0]
}

function formFault(rrule: string): string | undefined {
  if (/[\s:]/.test(rrule))
    return 'must be the value of a single RRULE, such as FREQ=WEEKLY;BYDAY=MO,FR;BYHOUR=9; its start is startAt'
  const given = partsOf(rrule)
  const names = given.map(([name]) => name)
  const unknown = names.find((name) => !Object.hasOwn(parts, name))
  if (unknown !== undefined) return `has an unknown part "${unknown}"`
  const repeated = names.find((name, index) => names.indexOf(name) !== index)
  if (repeated !== undefined) return `has more than one ${repeated}`
  const values = new Map(given)
  if (values.get('FREQ') === 'SECONDLY') return 'may not have FREQ=SECONDLY; use everyMs or cron instead'
  const timesOfDay = ['BYHOUR', 'BYMINUTE', 'BYSECOND'].reduce((all, name) => all * countIn(values.get(name)), 1)
  if (timesOfDay > maxTimesOfDay) return `may name at most ${maxTimesOfDay} times of a day; it names ${timesOfDay}`
  const count = Number(values.get('COUNT') ?? 1)
  if (!(count <= maxCount)) return `may have a COUNT of at most ${maxCount}; maxRuns has no such limit`
  return undefined
}

function countIn(list = ''): number {
  return list.split(',').length
}

function partsOf(rrule: string): [name: string, value: string][] {
  return rrule
    .toUpperCase()
    .split(';')
    .filter((part) => part !== '')
    .map((part) => {
      const [name = '', ...value] = part.split('=')
      return [name, value.join('=')]
    })
}

/** A list keeps only the values that are understood. */
function isUnderstood(understood: unknown, value: string): boolean {
  if (understood === undefined || value === '') return false
  return !Array.isArray(understood) || understood.length === new Set(value.split(',')).size
}
