/** How many different incidents of one caller are told in a window, each once; the others are counted. */
const maxReported = 10
const windowMs = 60_000
/** How many may wait while they can't be told; older ones are dropped then. */
const maxUnreported = 10_000

/** What is to be told; `suppressed` stands for more like it. */
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
 * What many callers do again and again, brought to what can be written down: of each caller at most ten in a minute, and at
 * the minute's end how many there were beside those. At most `maxCallers` callers are distinguished; the others
 * share a window.
 */
export class IncidentWindows<Incident> {
  readonly #maxCallers: number
  readonly #windows = new Map<string, Window<Incident>>()
  #untold: Told<Incident>[] = []

  constructor(maxCallers: number) {
    this.#maxCallers = maxCallers
  }

  /** Takes an incident of a caller; those with the same `key` are alike. */
  add(caller: string, key: string, incident: Incident, now: number): void {
    const window = this.#windowOf(caller, incident, now)
    window.last = incident
    if (window.told.size >= maxReported || window.told.has(key)) window.suppressed += 1
    else {
      window.told.add(key)
      this.#untold.push({ incident, suppressed: 0 })
    }
  }

  /** What is to be told by now, each once. */
  take(now: number): Told<Incident>[] {
    const taken = this.#untold
    this.#untold = []
    for (const [caller, { endsAt, suppressed, last }] of this.#windows) {
      if (endsAt > now) continue
      this.#windows.delete(caller)
      if (suppressed > 0) taken.push({ incident: last, suppressed })
    }
    return taken
  }

  /** Takes back what could not be told, to be taken again. */
  giveBack(taken: readonly Told<Incident>[]): void {
    this.#untold = [...taken, ...this.#untold].slice(-maxUnreported)
  }

  #windowOf(caller: string, last: Incident, now: number): Window<Incident> {
    const name = this.#windows.has(caller) || this.#windows.size < this.#maxCallers ? caller : ''
    const known = this.#windows.get(name)
    if (known !== undefined) return known
    const window = { endsAt: now + windowMs, told: new Set<string>(), suppressed: 0, last }
    this.#windows.set(name, window)
    return window
  }
}
