import { z } from 'zod'
import type { Sql } from '#platform/database/sql.ts'
import type { Logger } from '#platform/telemetry/log.ts'
import { saveProgress } from './store/output.ts'
import { type Attempt, priorities } from './task.ts'

/** The latest that is known of a running task. Not history: newest wins. */
export interface Progress {
  readonly accountId: string
  readonly taskId: string
  readonly type: string
  readonly priority: Attempt['priority']
  readonly labels: Readonly<Record<string, string>>
  readonly attempt: number
  readonly percent: number
  readonly step: string | undefined
}

/** At most ten updates a second and task are passed on. */
const passOnIntervalMs = 100
/** At most one write a second and task. */
const saveIntervalMs = 1_000
/** PostgreSQL carries less than 8,000 bytes in a notification. */
const notificationBytes = 7_500
/** How many tasks of other processes are remembered. */
const remoteCapacity = 10_000

const wireProgress = z.tuple([
  z.string(),
  z.string(),
  z.string(),
  z.enum(priorities),
  z.record(z.string(), z.string()),
  z.number(),
  z.number(),
  z.string().nullable(),
])

/**
 * Where running tasks note how far they are. It passes the newest on to this process's streams and to other processes,
 * and keeps it in the task's row, each at a bounded rate.
 */
export class ProgressBoard {
  readonly #sql: Sql
  readonly #log: Logger
  readonly #notify: (payload: string) => void
  readonly #listeners = new Set<(progress: Progress) => void>()
  readonly #running = new Map<string, { progress: Progress; fence: number }>()
  readonly #remote = new Map<string, Progress>()
  readonly #toPassOn = new Set<string>()
  readonly #toSave = new Set<string>()
  #passOnTimer: NodeJS.Timeout | undefined
  #saveTimer: NodeJS.Timeout | undefined

  constructor(options: { sql: Sql; log: Logger; notify: (payload: string) => void }) {
    this.#sql = options.sql
    this.#log = options.log
    this.#notify = options.notify
  }

  listen(listener: (progress: Progress) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** What is known of a running task, newer than its row; undefined when nothing is. */
  find(taskId: string): Progress | undefined {
    return this.#running.get(taskId)?.progress ?? this.#remote.get(taskId)
  }

  /** Notes how far an attempt of this process is, clamped to 0–100 %. */
  note(attempt: Attempt, percent: number): void {
    this.#note(attempt, percent, undefined)
  }

  /** Notes what an attempt of this process does, once that is written down. */
  noteStep(attempt: Attempt, step: string): void {
    this.#note(attempt, undefined, step)
  }

  #note(attempt: Attempt, percent: number | undefined, step: string | undefined): void {
    const known = this.#running.get(attempt.taskId)?.progress
    const progress: Progress = {
      accountId: attempt.accountId,
      taskId: attempt.taskId,
      type: attempt.type,
      priority: attempt.priority,
      labels: attempt.labels,
      attempt: attempt.number,
      percent: percent === undefined ? (known?.percent ?? 0) : clampPercent(percent, known?.percent ?? 0),
      step: step ?? known?.step,
    }
    if (known !== undefined && known.percent === progress.percent && known.step === progress.step) return
    this.#running.set(attempt.taskId, { progress, fence: attempt.fence })
    this.#toPassOn.add(attempt.taskId)
    this.#toSave.add(attempt.taskId)
    this.#passOnTimer ??= setTimeout(() => this.#passOn(), passOnIntervalMs)
    this.#saveTimer ??= setTimeout(() => void this.#save(), saveIntervalMs)
  }

  /** Forgets a task whose attempt has ended. */
  forget(taskId: string): void {
    this.#running.delete(taskId)
    this.#remote.delete(taskId)
    this.#toPassOn.delete(taskId)
    this.#toSave.delete(taskId)
  }

  /** Takes what another process passed on. */
  receive(payload: string): void {
    const list = z.array(wireProgress).safeParse(parseJson(payload))
    if (!list.success) return
    for (const [accountId, taskId, type, priority, labels, attempt, percent, step] of list.data) {
      if (this.#running.has(taskId)) continue
      const progress = { accountId, taskId, type, priority, labels, attempt, percent, step: step ?? undefined }
      this.#remember(progress)
      this.#tell(progress)
    }
  }

  stop(): void {
    clearTimeout(this.#passOnTimer)
    clearTimeout(this.#saveTimer)
  }

  #remember(progress: Progress): void {
    this.#remote.delete(progress.taskId)
    this.#remote.set(progress.taskId, progress)
    const [oldest] = this.#remote.keys()
    if (this.#remote.size > remoteCapacity && oldest !== undefined) this.#remote.delete(oldest)
  }

  #passOn(): void {
    this.#passOnTimer = undefined
    const changed = [...this.#toPassOn].flatMap((id) => this.#running.get(id)?.progress ?? [])
    this.#toPassOn.clear()
    for (const progress of changed) this.#tell(progress)
    for (const payload of packNotifications(changed)) this.#notify(payload)
  }

  #tell(progress: Progress): void {
    for (const listener of this.#listeners) listener(progress)
  }

  async #save(): Promise<void> {
    const changed = [...this.#toSave].flatMap((id) => this.#running.get(id) ?? [])
    this.#toSave.clear()
    try {
      await saveProgress(
        this.#sql,
        changed.map(({ progress, fence }) => ({ ...progress, fence })),
      )
    } catch (error) {
      this.#log.warn({ err: error }, 'progress was not saved')
    }
    this.#saveTimer = this.#toSave.size > 0 ? setTimeout(() => void this.#save(), saveIntervalMs) : undefined
  }
}

function clampPercent(percent: number, fallback: number): number {
  return Number.isFinite(percent) ? Math.round(Math.min(100, Math.max(0, percent))) : fallback
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** As few notifications as hold them all; one that is too large by itself is left to the next look at the row. */
function packNotifications(changed: readonly Progress[]): string[] {
  const packed: string[][] = [[]]
  let size = 2
  for (const one of changed) {
    const text = JSON.stringify([
      one.accountId,
      one.taskId,
      one.type,
      one.priority,
      one.labels,
      one.attempt,
      one.percent,
      one.step ?? null,
    ])
    const bytes = Buffer.byteLength(text) + 1
    if (bytes > notificationBytes) continue
    if (size + bytes > notificationBytes) {
      packed.push([])
      size = 2
    }
    packed.at(-1)?.push(text)
    size += bytes
  }
  return packed.filter((group) => group.length > 0).map((group) => `[${group.join(',')}]`)
}
