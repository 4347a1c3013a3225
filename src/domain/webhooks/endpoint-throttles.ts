import { EndpointThrottle } from './endpoint-throttle.ts'

/** Longer than any circuit stays open: what is forgotten would be much like new. */
const idleMs = 60 * 60 * 1000
const sweepIntervalMs = 60_000

/** The throttles of those webhooks that were sent something within the last hour. */
export class EndpointThrottles {
  readonly #throttles = new Map<string, EndpointThrottle>()
  #sweptAt = Number.NEGATIVE_INFINITY

  get size(): number {
    return this.#throttles.size
  }

  /** How many circuits are open. */
  openCircuits(now: number): number {
    let count = 0
    for (const throttle of this.#throttles.values()) if (throttle.isOpen(now)) count += 1
    return count
  }

  /** A webhook's throttle, the same one for as long as something is under way in it. */
  of(webhookId: string): EndpointThrottle {
    const known = this.#throttles.get(webhookId)
    if (known !== undefined) return known
    const throttle = new EndpointThrottle()
    this.#throttles.set(webhookId, throttle)
    return throttle
  }

  /** Forgets throttles that nothing has passed for an hour, those of deleted webhooks among them; looks once a minute. */
  forgetIdle(now: number): void {
    if (now - this.#sweptAt < sweepIntervalMs) return
    this.#sweptAt = now
    for (const [id, throttle] of this.#throttles) if (throttle.isIdle(now, idleMs)) this.#throttles.delete(id)
  }
}
