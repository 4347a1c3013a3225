import type { Clock } from '#lib/clock.ts'
import type { JournalEntry } from '#platform/journal/entry.ts'
import type { Caller } from './caller.ts'
import { subjectId, type TokenEventData } from './events.ts'

interface Held {
  /** When the right to stay ends, in milliseconds since 1970. */
  until: number
  readonly end: () => void
}

/** How often it is looked whether somebody's time is over, in milliseconds. */
const lookIntervalMs = 250

/**
 * Requests and connections that are under way, by the credential they were admitted with: they end when it is taken
 * away, on whichever process that was done, or when its time is over.
 */
export class LiveCallers {
  readonly #clock: Clock
  readonly #held = new Map<string, Set<Held>>()
  readonly #timer: NodeJS.Timeout

  constructor(clock: Clock) {
    this.#clock = clock
    this.#timer = setInterval(() => this.#endPast(), lookIntervalMs)
  }

  /** Has `end` called, once, when the caller loses the right to be served; returns what to call when it is over anyway. */
  hold({ credential, expiresAt }: Caller, end: () => void): () => void {
    const held: Held = { until: expiresAt?.getTime() ?? Number.POSITIVE_INFINITY, end }
    const all = this.#held.get(credential.id) ?? new Set()
    this.#held.set(credential.id, all.add(held))
    return () => {
      all.delete(held)
      if (all.size === 0 && this.#held.get(credential.id) === all) this.#held.delete(credential.id)
    }
  }

  /** Ends those whose credential, as an entry of the journal says, was taken away. */
  heed({ type, subject, data }: JournalEntry): void {
    const id = subjectId('token', subject)
    if (id === undefined) return
    if (type === 'auth.token_revoked') this.#shorten(id, this.#clock.now().getTime())
    if (type === 'auth.token_rotated') {
      const { expiresAt } = data as unknown as TokenEventData
      if (expiresAt !== undefined) this.#shorten(id, Date.parse(expiresAt))
    }
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #shorten(id: string, until: number): void {
    for (const held of this.#held.get(id) ?? []) held.until = Math.min(held.until, until)
    this.#endPast()
  }

  #endPast(): void {
    const now = this.#clock.now().getTime()
    for (const [id, all] of this.#held)
      for (const held of all) {
        if (held.until > now) continue
        all.delete(held)
        if (all.size === 0) this.#held.delete(id)
        held.end()
      }
  }
}
