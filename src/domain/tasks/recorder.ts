import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { newId } from '#lib/ids.ts'
import type { Transact, Transaction } from '#platform/database/transaction.ts'
import type { Actor } from '#platform/journal/entry.ts'
import type { Logger } from '#platform/telemetry/log.ts'
import { type TaskEventData, taskEvent } from './events.ts'
import type { ProgressBoard } from './progress-board.ts'
import type { AttemptOutput, PartWriter } from './runner.ts'
import { saveCheckpoint } from './store/checkpoints.ts'
import {
  appendToPart,
  deletePart,
  findHeld,
  insertLogs,
  insertPart,
  saveAcknowledgedCancels,
  saveSteps,
} from './store/output.ts'
import type { Attempt } from './task.ts'

type OutputRecord =
  | {
      readonly attempt: Attempt
      readonly kind: 'log'
      readonly seq: bigint
      readonly at: Date
      readonly message: string
    }
  | { readonly attempt: Attempt; readonly kind: 'step'; readonly step: string }
  | { readonly attempt: Attempt; readonly kind: 'cancel' }

/** Lines are written together: at most this many in one transaction, and as long as this after the first. */
const batchSize = 1_000
const batchDelayMs = 40
/** The same of the first line after a pause that was longer: alone, or with what is said in the same moment. */
const firstDelayMs = 10
/** Above this many unwritten lines, sources are asked to wait. */
const highWater = 4_000
const maxStepLength = 200
/** A part's first bytes are held back until there are this many, so that a small part is one transaction. */
const chunkBytes = 256 * 1024

/** Writes down what running attempts say: lines and steps in order and together, parts as they come, progress lately. */
export class OutputRecorder {
  readonly #transact: Transact
  readonly #board: ProgressBoard
  readonly #actor: Actor
  readonly #log: Logger
  readonly #onLost: (attempt: Attempt) => void
  #unwritten: OutputRecord[] = []
  readonly #waiting = new Map<Attempt, number>()
  #writing: Promise<void> | undefined
  /** When something was written last. */
  #wroteAt = Number.NEGATIVE_INFINITY
  #isStopped = false
  readonly #stopped = Promise.withResolvers<void>()

  constructor(options: {
    transact: Transact
    board: ProgressBoard
    actor: Actor
    log: Logger
    /** The attempt does not hold its task any more: it should stop. */
    onLost: (attempt: Attempt) => void
  }) {
    this.#transact = options.transact
    this.#board = options.board
    this.#actor = options.actor
    this.#log = options.log
    this.#onLost = options.onLost
  }

  /** Where one attempt's output goes. */
  outputOf(attempt: Attempt): AttemptOutput {
    let lines = 0n
    let lastStep: string | undefined
    const step = (name: string) => {
      const short = name.slice(0, maxStepLength)
      if (short === lastStep || short === '') return
      lastStep = short
      this.#record({ attempt, kind: 'step', step: short })
    }
    return {
      progress: (percent, name) => {
        if (name !== undefined) step(name)
        this.#board.note(attempt, percent)
      },
      step,
      log: (message) => {
        lines += 1n
        const seq = BigInt(attempt.fence) * 1_000_000n + lines
        this.#record({ attempt, kind: 'log', seq, at: new Date(), message })
      },
      drained: () => this.#drained(),
      openPart: async (name, contentType) => this.#openPart(attempt, name, contentType),
      checkpoint: (json) => this.#saveCheckpoint(attempt, json),
    }
  }

  /** Notes that an attempt was told to stop, since its task is cancelled. */
  acknowledgeCancel(attempt: Attempt): void {
    this.#record({ attempt, kind: 'cancel' })
  }

  /** Resolves when everything that the attempt has said is written, or given up. */
  async flush(attempt: Attempt): Promise<void> {
    while (this.#waiting.has(attempt)) {
      this.#writing ??= this.#write(0)
      await this.#orStopped(this.#writing)
    }
  }

  /** Gives up what is not written yet, and writes nothing more: nobody waits for the database here any longer. */
  stop(): void {
    this.#isStopped = true
    this.#unwritten = []
    this.#waiting.clear()
    this.#stopped.resolve()
  }

  #orStopped(writing: Promise<void>): Promise<void> {
    return Promise.race([writing, this.#stopped.promise])
  }

  async #drained(): Promise<void> {
    while (this.#unwritten.length > highWater && this.#writing !== undefined) await this.#orStopped(this.#writing)
  }

  #record(record: OutputRecord): void {
    if (this.#isStopped) return
    this.#unwritten.push(record)
    this.#waiting.set(record.attempt, (this.#waiting.get(record.attempt) ?? 0) + 1)
    if (this.#writing !== undefined) return
    const isFirst = performance.now() - this.#wroteAt > batchDelayMs
    this.#writing = this.#write(isFirst ? firstDelayMs : batchDelayMs)
  }

  async #write(delayMs: number): Promise<void> {
    if (delayMs > 0) await sleep(delayMs)
    const batch = this.#unwritten.slice(0, batchSize)
    try {
      if (batch.length > 0) await this.#writeBatch(batch)
      this.#forget(batch)
    } catch (error) {
      if (this.#isStopped) return
      this.#log.warn({ err: error, lines: batch.length }, 'task output could not be written; trying again')
      await sleep(1_000)
    } finally {
      this.#writing = undefined
      this.#wroteAt = performance.now()
    }
    if (this.#unwritten.length > 0) this.#writing = this.#write(this.#unwritten.length >= batchSize ? 0 : batchDelayMs)
  }

  #forget(batch: readonly OutputRecord[]): void {
    this.#unwritten = this.#unwritten.slice(batch.length)
    for (const { attempt } of batch) {
      const left = (this.#waiting.get(attempt) ?? 1) - 1
      if (left > 0) this.#waiting.set(attempt, left)
      else this.#waiting.delete(attempt)
    }
  }

  async #writeBatch(batch: readonly OutputRecord[]): Promise<void> {
    const attempts = [...new Set(batch.map((record) => record.attempt))]
    const lost = await this.#transact(async (tx) => {
      const held = new Set((await findHeld(tx, attempts)).map((one) => one.taskId))
      const records = batch.filter((record) => held.has(record.attempt.taskId))
      await insertLogs(tx, records.flatMap(toLogLine))
      await saveSteps(tx, latestSteps(records))
      await saveAcknowledgedCancels(
        tx,
        records.filter(({ kind }) => kind === 'cancel').map(({ attempt }) => attempt),
      )
      for (const record of records) tx.journal(this.#entry(record))
      return attempts.filter((attempt) => !held.has(attempt.taskId))
    })
    for (const attempt of lost) this.#onLost(attempt)
  }

  #entry(record: OutputRecord) {
    const { attempt } = record
    if (record.kind === 'cancel')
      return taskEvent('task.cancel_acknowledged', attempt, { actor: this.#actor }, eventData(attempt))
    if (record.kind === 'step')
      return taskEvent('task.step', attempt, { actor: this.#actor }, { ...eventData(attempt), step: record.step })
    const log = { seq: record.seq.toString(), message: record.message }
    return taskEvent('task.log', attempt, { actor: this.#actor }, { ...eventData(attempt), log })
  }

  #openPart(attempt: Attempt, name: string, contentType: string): PartWriter {
    const part = {
      accountId: attempt.accountId,
      taskId: attempt.taskId,
      name,
      contentId: newId(),
      attempt: attempt.number,
      contentType,
    }
    let held: Uint8Array[] = []
    let heldBytes = 0
    let written = 0
    let made = false
    const hash = createHash('sha256')
    const flush = async (complete: boolean) => {
      if (!this.#isStopped) await this.#orStopped(append(complete))
    }
    const append = async (complete: boolean) => {
      const data = Buffer.concat(held)
      held = []
      heldBytes = 0
      hash.update(data)
      const sha256 = complete ? hash.digest() : undefined
      // A part has an entry once it is complete.
      const transact = complete ? this.#transact : this.#transact.quiet('a part that grows')
      await transact(async (tx) => {
        if (!(await this.#holds(tx, attempt))) return
        if (!made) await insertPart(tx, part)
        await appendToPart(tx, part, written, data, sha256)
        if (sha256 === undefined) return
        const fact = { name, contentType, sizeBytes: written + data.length, sha256: sha256.toString('hex') }
        tx.journal(taskEvent('task.part', attempt, { actor: this.#actor }, { ...eventData(attempt), part: fact }))
      })
      made = true
      written += data.length
    }
    return {
      write: async (chunk) => {
        // However large the pieces are in which it comes, it is stored in pieces that a reader can take one at a time.
        for (let start = 0; start < chunk.length && !this.#isStopped; ) {
          const piece = chunk.subarray(start, start + chunkBytes - heldBytes)
          held.push(piece)
          heldBytes += piece.length
          start += piece.length
          if (heldBytes >= chunkBytes) await flush(false)
        }
      },
      close: async () => {
        // What was said before the part comes before it in the journal, too.
        await this.flush(attempt)
        await flush(true)
      },
      abort: async () => {
        held = []
        if (!made || this.#isStopped) return
        await this.#orStopped(this.#transact.quiet('a part that was given up')((tx) => deletePart(tx, part)))
      },
    }
  }

  async #saveCheckpoint(attempt: Attempt, json: string): Promise<void> {
    if (this.#isStopped) throw new Error('The database is out of reach.')
    const save = this.#transact.quiet('a checkpoint')(async (tx) => {
      const holds = await this.#holds(tx, attempt)
      if (holds) await saveCheckpoint(tx, attempt, json)
      return holds
    })
    if (!(await save)) throw new Error('The attempt does not hold its task any more.')
  }

  async #holds(tx: Transaction, attempt: Attempt): Promise<boolean> {
    if ((await findHeld(tx, [attempt])).length > 0) return true
    this.#onLost(attempt)
    return false
  }
}

function toLogLine(record: OutputRecord) {
  if (record.kind !== 'log') return []
  const { attempt, seq, at, message } = record
  return [{ accountId: attempt.accountId, taskId: attempt.taskId, seq, attempt: attempt.number, at, message }]
}

/** The last step that each attempt has come to. */
function latestSteps(records: readonly OutputRecord[]) {
  const steps = new Map<Attempt, string>()
  for (const record of records) if (record.kind === 'step') steps.set(record.attempt, record.step)
  return [...steps].map(([attempt, step]) => ({ accountId: attempt.accountId, taskId: attempt.taskId, step }))
}

function eventData(attempt: Attempt): TaskEventData {
  const { type, priority, labels, number } = attempt
  return { type, priority, status: 'ACTIVE', attempt: number, labels }
}
