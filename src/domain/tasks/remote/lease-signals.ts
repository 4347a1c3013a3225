import { taskIdOf } from '#domain/tasks/events.ts'
import type { JournalEntry } from '#platform/journal/entry.ts'

type Listener = () => void

/** Events after which the worker of an attempt should hear from the server. */
const signalTypes: ReadonlySet<string> = new Set(['task.cancel_requested', 'task.lost'])

/** Tells heartbeats that wait here what happens to their tasks. */
export class LeaseSignals {
  readonly #listeners = new Map<string, Set<Listener>>()

  /** To be called with each entry of the journal. */
  onJournalEntry({ type, subject }: Pick<JournalEntry, 'type' | 'subject'>): void {
    if (!signalTypes.has(type)) return
    for (const listener of this.#listeners.get(taskIdOf(subject) ?? '') ?? []) listener()
  }

  /** Listens from now on to what happens to these tasks, until it is closed. */
  listen(taskIds: readonly string[]): {
    /** Resolves when something has happened, when the time is over, or when `left` aborts. */
    within(ms: number, left: AbortSignal | undefined): Promise<void>
    close(): void
  } {
    const { promise, resolve } = Promise.withResolvers<void>()
    const listener = () => resolve()
    for (const id of taskIds) this.#listeners.set(id, (this.#listeners.get(id) ?? new Set()).add(listener))
    return {
      async within(ms, left) {
        const timer = setTimeout(listener, ms)
        left?.addEventListener('abort', listener)
        if (left?.aborted) resolve()
        await promise
        clearTimeout(timer)
        left?.removeEventListener('abort', listener)
      },
      close: () => {
        for (const id of taskIds) this.#remove(id, listener)
      },
    }
  }

  /** Answers all heartbeats that wait. */
  stop(): void {
    for (const listeners of this.#listeners.values()) for (const listener of listeners) listener()
  }

  #remove(id: string, listener: Listener): void {
    const listeners = this.#listeners.get(id)
    listeners?.delete(listener)
    if (listeners?.size === 0) this.#listeners.delete(id)
  }
}
