import { Lane } from './lane.ts'

/** Longer than any circuit stays open: what is forgotten would be much like new. */
const idleMs = 60 * 60 * 1000
const sweepIntervalMs = 60_000

/** The lanes of those webhooks that were sent something within the last hour. */
export class Lanes {
  readonly #lanes = new Map<string, Lane>()
  #sweptAt = Number.NEGATIVE_INFINITY

  get size(): number {
    return this.#lanes.size
  }

  /** How many circuits are open. */
  openCircuits(now: number): number {
    let count = 0
    for (const lane of this.#lanes.values()) if (lane.isOpen(now)) count += 1
    return count
  }

  /** A webhook's lane, the same one for as long as something is under way in it. */
  of(webhookId: string): Lane {
    const known = this.#lanes.get(webhookId)
    if (known !== undefined) return known
    const lane = new Lane()
    this.#lanes.set(webhookId, lane)
    return lane
  }

  /** Forgets lanes that nothing has passed for an hour, those of deleted webhooks among them; looks once a minute. */
  forgetIdle(now: number): void {
    if (now - this.#sweptAt < sweepIntervalMs) return
    this.#sweptAt = now
    for (const [id, lane] of this.#lanes) if (lane.isIdle(now, idleMs)) this.#lanes.delete(id)
  }
}
