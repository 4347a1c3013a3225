/** How many different incidents of one source are reported in a window, each once; the others are counted. */
const maxReported = 10
const windowMs = 60_000
/** How many may wait while they cannot be reported; older ones are dropped then. */
const maxUnreported = 10_000

/** What to report; `suppressed` stands for more like it. */
export interface Told<Incident> {
  readonly incident: Incident
  readonly suppressed: number
}

interface Window<Incident> {
  readonly endsAt: number
  readonly told: Set<string>
  suppressed: number
  last: Incident
}

/**
 * Reduces what many sources do again and again to what can be written down: at most ten incidents a minute of each source,
 * and the number of all others at the end of the minute. At most `maxSources` sources are distinguished; the others share
 * a window.
 */
export class IncidentWindows<Incident> {
  readonly #maxSources: number
  readonly #windows = new Map<string, Window<Incident>>()
  #untold: Told<Incident>[] = []

  constructor(maxSources: number) {
    this.#maxSources = maxSources
  }

  /** Adds an incident; those with the same `key` are alike. Returns whether it is reported, and not only counted. */
  add(source: string, key: string, incident: Incident, now: number): boolean {
    const window = this.#windowOf(source, incident, now)
    window.last = incident
    if (window.told.size >= maxReported || window.told.has(key)) {
      window.suppressed += 1
      return false
    }
    window.told.add(key)
    this.#untold.push({ incident, suppressed: 0 })
    return true
  }

  /** What is to be reported by now, each once. */
  take(now: number): Told<Incident>[] {
    const taken = this.#untold
    this.#untold = []
    for (const [source, { endsAt, suppressed, last }] of this.#windows) {
      if (endsAt > now) continue
      this.#windows.delete(source)
      if (suppressed > 0) taken.push({ incident: last, suppressed })
    }
    return taken
  }

  /** Puts back what could not be reported, to be taken again. */
  giveBack(taken: readonly Told<Incident>[]): void {
    this.#untold = [...taken, ...this.#untold].slice(-maxUnreported)
  }

  #windowOf(source: string, last: Incident, now: number): Window<Incident> {
    const name = this.#windows.has(source) || this.#windows.size < this.#maxSources ? source : ''
    const known = this.#windows.get(name)
    if (known !== undefined) return known
    const window = { endsAt: now + windowMs, told: new Set<string>(), suppressed: 0, last }
    this.#windows.set(name, window)
    return window
  }
}
