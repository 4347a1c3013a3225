import { taskEvent, taskIdOf } from '#domain/tasks/events.ts'
import { type AwaitingTask, findAwaiting } from '#domain/tasks/store/waits.ts'
import type { Priority } from '#domain/tasks/task.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { Transact } from '#platform/database/transaction.ts'
import type { Actor, JournalEntry } from '#platform/journal/entry.ts'
import type { Queue } from '#platform/queue/queue.ts'
import type { Logger } from '#platform/telemetry/log.ts'
import { wake } from './wake.ts'

export interface AwaitedTasksDeps {
  readonly sql: Sql
  readonly transact: Transact
  readonly queue: Queue
  readonly actor: Actor
  readonly log: Logger
  /** Called when tasks of this priority wait in the queue again. */
  readonly onWoken: (priority: Priority) => void
}

/** Waits that are looked at together. */
const batchSize = 500
/** Ids that are remembered; the tasks that wait for others continue when all waits are looked at next. */
const maxKnown = 100_000

/**
 * Lets tasks continue when those end that they wait for. It knows from the journal which tasks are awaited, so the end of
 * any other costs nothing; what it missed it finds when it looks at all waits, at its start and from time to time.
 */
export class AwaitedTasks {
  readonly #deps: AwaitedTasksDeps
  readonly #known = new Set<string>()
  /** Ended tasks that others may wait for. */
  #ended = new Set<string>()
  #working: Promise<void> | undefined

  constructor(deps: AwaitedTasksDeps) {
    this.#deps = deps
  }

  onJournalEntry({ type, subject, data }: JournalEntry): void {
    const awaited = type === 'task.waiting' ? data['awaitedTask'] : undefined
    if (typeof awaited === 'string') this.#expect(awaited)
    if (type !== 'task.completed' && type !== 'task.failed' && type !== 'task.cancelled') return
    const id = taskIdOf(subject)
    if (id !== undefined && this.#known.delete(id)) this.#look([id])
  }

  /** Looks at all waits. */
  async look(): Promise<void> {
    const all = await findAwaiting(this.#deps.sql, undefined, maxKnown)
    for (const { awaitedTaskId, isOver } of all) if (!isOver) this.#expect(awaitedTaskId, false)
    for (let at = 0; at < all.length; at += batchSize) await this.#wake(all.slice(at, at + batchSize))
  }

  /** Resolves when nothing is under way any more. */
  async stop(): Promise<void> {
    this.#known.clear()
    this.#ended.clear()
    await this.#working
  }

  /** It may have ended before the wait for it began to be known. */
  #expect(id: string, mayHaveEnded = true): void {
    if (this.#known.size < maxKnown) this.#known.add(id)
    if (mayHaveEnded) this.#look([id])
  }

  #look(ids: readonly string[]): void {
    for (const id of ids) this.#ended.add(id)
    this.#working ??= this.#lookAtEnded().finally(() => {
      this.#working = undefined
    })
  }

  async #lookAtEnded(): Promise<void> {
    while (this.#ended.size > 0) {
      const ids = [...this.#ended].slice(0, batchSize)
      for (const id of ids) this.#ended.delete(id)
      try {
        await this.#wake(await findAwaiting(this.#deps.sql, ids, batchSize))
      } catch (error) {
        // They are found again when all waits are looked at.
        this.#deps.log.warn({ err: error }, 'tasks that wait for others could not be continued')
      }
    }
  }

  async #wake(tasks: readonly AwaitingTask[]): Promise<void> {
    const over = tasks.filter(({ isOver }) => isOver)
    if (over.length === 0) return
    const { transact, queue, actor, onWoken } = this.#deps
    const woken = await transact(async (tx) => {
      const woken = await wake(tx, queue, over)
      if (woken.length === 0) tx.quiet('tasks that continue already')
      for (const { type, priority, labels, attempt, ...task } of woken)
        tx.journal(taskEvent('task.continued', task, { actor }, { type, priority, labels, status: 'PENDING', attempt }))
      return woken
    })
    for (const priority of new Set(woken.map((task) => task.priority))) onWoken(priority)
  }
}
