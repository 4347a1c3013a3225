/** The time of day at which BATCH tasks may start: from a minute of the day to another one, in a time zone. */
export interface BatchWindow {
  /** Minutes since midnight, 0 to 1,439. */
  readonly from: number
  /** Not within the window any more; before `from`, the window goes over midnight. */
  readonly to: number
  /** An IANA name. */
  readonly timeZone: string
}

const form = /^([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d) (\S+)$/

/** Reads such as `22:00-06:00 Europe/Berlin`; undefined for anything else, an empty window or an unknown time zone. */
export function parseBatchWindow(text: string): BatchWindow | undefined {
  const [, fromHour, fromMinute, toHour, toMinute, timeZone = ''] = form.exec(text) ?? []
  const from = Number(fromHour) * 60 + Number(fromMinute)
  const to = Number(toHour) * 60 + Number(toMinute)
  return isTimeZone(timeZone) && from !== to ? { from, to, timeZone } : undefined
}

/** As it was configured. */
export function batchWindowText({ from, to, timeZone }: BatchWindow): string {
  const time = (minutes: number) =>
    [Math.floor(minutes / 60), minutes % 60].map((part) => String(part).padStart(2, '0')).join(':')
  return `${time(from)}-${time(to)} ${timeZone}`
}

/** Whether BATCH tasks may start; without a window, always. */
export function isBatchOpen(window: BatchWindow | undefined, now: Date): boolean {
  if (window === undefined) return true
  const { from, to, timeZone } = window
  const minute = minuteOfDay(now, timeZone)
  return from < to ? from <= minute && minute < to : from <= minute || minute < to
}

function isTimeZone(name: string): boolean {
  try {
    clockOf(name)
    return name !== ''
  } catch {
    return false
  }
}

/** On a wall clock there: also where an hour is missing or comes twice, a window begins and ends as the clock shows it. */
function minuteOfDay(now: Date, timeZone: string): number {
  const [hour, minute] = clockOf(timeZone).format(now).split(':')
  return Number(hour) * 60 + Number(minute)
}

/** Making one costs far more than asking it. */
const clocks = new Map<string, Intl.DateTimeFormat>()

function clockOf(timeZone: string): Intl.DateTimeFormat {
  const known = clocks.get(timeZone)
  if (known !== undefined) return known
  const options = { timeZone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const
  const clock = new Intl.DateTimeFormat('en-GB', options)
  clocks.set(timeZone, clock)
  return clock
}
