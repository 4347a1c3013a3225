const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'] as const

/** A size in the unit that has at most four digits before its point. */
export function bytes(size: number): string {
  let value = size
  let unit = 0
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit += 1
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`
}
