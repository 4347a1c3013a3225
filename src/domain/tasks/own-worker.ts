import type { Sql } from '#platform/database/sql.ts'
import type { JournalEntry } from '#platform/journal/entry.ts'
import type { Logger } from '#platform/telemetry/log.ts'
import { WorkLoop } from '#platform/work/work-loop.ts'
import { noteOwnEnd, noteOwnWorker, removeSilentProcesses } from './store/worker-list.ts'

const intervalMs = 5_000

export interface OwnWorkerSignsOptions {
  readonly sql: Sql
  readonly workerId: number
  readonly log: Logger
  readonly running: () => number
  /** Called with what operators want of this process. */
  readonly onWanted: (wanted: { readonly slots: number; readonly isDraining: boolean }) => void
}

/** Notes that this process is there, and learns what operators want of it: at once where the journal says so. */
export class OwnWorkerSigns {
  readonly #options: OwnWorkerSignsOptions
  readonly #loop: WorkLoop

  constructor(options: OwnWorkerSignsOptions) {
    this.#options = options
    this.#loop = new WorkLoop({ name: 'signs of this worker', intervalMs, work: () => this.#note(), log: options.log })
  }

  start(): void {
    this.#loop.start()
  }

  /** To be called with each entry of the journal. */
  onJournalEntry({ type, subject }: Pick<JournalEntry, 'type' | 'subject'>): void {
    if (!type.startsWith('worker.') || subject !== `worker:${this.#options.workerId}`) return
    this.#loop.hint()
  }

  /** Notes that this process is there no more. */
  async stop(): Promise<void> {
    await this.#loop.stop()
    await noteOwnEnd(this.#options.sql, this.#options.workerId)
  }

  async #note(): Promise<void> {
    const { sql, workerId, running, onWanted } = this.#options
    const wanted = await noteOwnWorker(sql, workerId, running())
    if (wanted !== undefined) onWanted(wanted)
    await removeSilentProcesses(sql)
  }
}
