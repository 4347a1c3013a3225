import { LRUCache } from 'lru-cache'
import type { Clock } from '#lib/clock.ts'
import type { Caller } from './caller.ts'
import type { Loss } from './events.ts'

interface Held {
  readonly caller: Caller
  /** When the right to stay ends, in milliseconds since 1970. */
  until: number
  readonly end: () => void
}

/** A right that ends, in milliseconds since 1970 by this process's clock, taken away by that transaction. */
interface Ended {
  readonly atMs: number
  readonly xid: bigint
  readonly sessionsOnly: boolean
}

/** How often expired callers are ended, in milliseconds. */
const lookIntervalMs = 250
/** How long a caller may take from authentication to being held, in milliseconds. */
const admittingMs = 10_000
const maxRemembered = 10_000

/**
 * Requests and connections that are under way, by their account, credential and person. They end when one of these loses
 * its rights, on whichever process that happens, or when the credential expires.
 */
export class LiveCallers {
  readonly #clock: Clock
  readonly #held = new Map<string, Set<Held>>()
  readonly #losses = new LRUCache<string, Ended>({ max: maxRemembered, ttl: admittingMs })
  readonly #timer: NodeJS.Timeout

  constructor(clock: Clock) {
    this.#clock = clock
    this.#timer = setInterval(() => this.#endPast(), lookIntervalMs)
  }

  /** Has `end` called, once, when the caller loses the right to be served; returns what to call when it is over anyway. */
  hold(caller: Caller, end: () => void): () => void {
    const { credential, actor, accountId, ownerId, expiresAt } = caller
    const held: Held = { caller, until: expiresAt?.getTime() ?? Number.POSITIVE_INFINITY, end }
    const ids = new Set([accountId, credential.id, actor.id, ...(ownerId === undefined ? [] : [ownerId])])
    for (const id of ids) {
      this.#held.set(id, (this.#held.get(id) ?? new Set()).add(held))
      shorten(held, this.#losses.get(id))
    }
    return () => {
      for (const id of ids) this.#drop(id, held)
    }
  }

  /** Shortens the stay of the callers concerned, except those who were authenticated after the loss. */
  endBy({ id, endsAt, graceMs, xid, sessionsOnly }: Loss): void {
    const ended = { atMs: (endsAt ?? this.#clock.now()).getTime() + graceMs, xid, sessionsOnly }
    this.#losses.set(id, ended)
    for (const held of this.#held.get(id) ?? []) shorten(held, ended)
    this.#endPast()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #drop(id: string, held: Held): void {
    const all = this.#held.get(id)
    all?.delete(held)
    if (all?.size === 0) this.#held.delete(id)
  }

  #endPast(): void {
    const now = this.#clock.now().getTime()
    const past = new Set<Held>()
    for (const all of this.#held.values()) for (const held of all) if (held.until <= now) past.add(held)
    for (const held of past) {
      // `end` has the caller dropped, later; until then it must not be called again.
      held.until = Number.POSITIVE_INFINITY
      held.end()
    }
  }
}

function shorten(held: Held, ended: Ended | undefined): void {
  if (ended === undefined || held.caller.hasSeen(ended.xid)) return
  if (ended.sessionsOnly && held.caller.credential.kind === 'token') return
  held.until = Math.min(held.until, ended.atMs)
}
