const isoForm = /^(\d{4})-(\d\d)-(\d\d)(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?)?$/i

/**
 * The moment that an ISO 8601 text names, in the machine's own time where it has a time and no offset; undefined when it
 * has another form, when there is no such day (30 February, which JavaScript takes for 2 March), or when the year is not
 * 1 to 9999 in UTC, which is what the database can keep.
 */
export function parseMoment(text: string): Date | undefined {
  const [, year, month, day] = isoForm.exec(text)?.map(Number) ?? []
  if (year === undefined || month === undefined || day === undefined || day > daysOf(year, month)) return undefined
  const moment = new Date(text)
  return isWithinYears(moment) ? moment : undefined
}

/** Whether a moment can be stored and written in every format: its year is 1 to 9999 in UTC. */
export function isWithinYears(moment: Date): boolean {
  const year = moment.getUTCFullYear()
  return year >= 1 && year <= 9999
}

function daysOf(year: number, month: number): number {
  const last = new Date(0)
  last.setUTCFullYear(year, month, 0)
  return last.getUTCDate()
}
