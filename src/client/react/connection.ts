import { cancelFrame, onNextFrame } from './frame.ts'

/** How a client and its server stand. */
export interface ConnectionState {
  /**
   * `idle`: nothing is followed. `lost`: the server does not answer; it is tried again and again. `refused`: the server
   * does not accept the client's credential any more.
   */
  readonly state: 'idle' | 'connecting' | 'open' | 'lost' | 'refused'
  /** `lost`: attempts in a row that have failed. */
  readonly attempt: number
  /** `lost`: since when, in milliseconds since 1970. */
  readonly lostAt: number | undefined
}

export const idleConnection: ConnectionState = { state: 'idle', attempt: 0, lostAt: undefined }

/** Gathers what the streams of a client report about their one connection. */
export class ConnectionTracker {
  #state = idleConnection
  readonly #listeners = new Set<() => void>()
  readonly #notify = () => {
    for (const listener of this.#listeners) listener()
  }

  get state(): ConnectionState {
    return this.#state
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => {
      this.#listeners.delete(listener)
      if (this.#listeners.size === 0) cancelFrame(this.#notify)
    }
  }

  /** A stream is being opened. */
  connecting(): void {
    if (this.#state.state === 'idle') this.#set({ ...idleConnection, state: 'connecting' })
  }

  opened(): void {
    if (this.#state.state !== 'open') this.#set({ ...idleConnection, state: 'open' })
  }

  lost(attempt: number): void {
    this.#set({ state: 'lost', attempt, lostAt: this.#state.lostAt ?? Date.now() })
  }

  refused(): void {
    if (this.#state.state !== 'refused') this.#set({ ...idleConnection, state: 'refused' })
  }

  #set(state: ConnectionState): void {
    this.#state = state
    onNextFrame(this.#notify)
  }
}
