import { z } from 'zod'
import type { Sql } from '#platform/database/sql.ts'
import type { JournalEntry } from '#platform/journal/entry.ts'
import type { Logger } from '#platform/telemetry/log.ts'
import { maxHintBytes, type Wake } from '#platform/wake/wake.ts'
import { type TaskEventData, taskIdOf } from './events.ts'
import { saveProgress } from './store/output.ts'
import { type Attempt, priorities } from './task.ts'

/** How far a running task is. Not history: newest wins. */
interface Progress {
  readonly accountId: string
  readonly taskId: string
  readonly type: string
  readonly priority: Attempt['priority']
  readonly labels: Readonly<Record<string, string>>
  readonly attempt: number
  readonly percent: number
}

/** The same as it is passed on: with the step that streams were told last, if any. */
export interface ToldProgress extends Progress {
  readonly step: string | undefined
}

/** What an attempt's progress is passed on with. */
export type ProgressingAttempt = Pick<
  Attempt,
  'accountId' | 'taskId' | 'type' | 'priority' | 'labels' | 'number' | 'fence' | 'workerId'
>

type ProgressListener = (progress: ToldProgress) => void

/** At most ten updates a second and task are passed on. */
const passOnIntervalMs = 100
/** At most one write a second and task. */
const saveIntervalMs = 1_000
const channel = 'signalbox_progress'
/** How many tasks of other processes, and how many steps, are remembered. */
const capacity = 10_000

const wireProgress = z.tuple([
  z.string(),
  z.string(),
  z.string(),
  z.enum(priorities),
  z.record(z.string(), z.string()),
  z.number(),
  z.number(),
])

/**
 * Where running tasks note how far they are. It passes the newest on to this process's streams and to other processes,
 * and keeps it in the task's row, each at a bounded rate.
 */
export class ProgressBoard {
  readonly #sql: Sql
  readonly #log: Logger
  readonly #wake: Wake
  readonly #taskListeners = new Map<string, Set<ProgressListener>>()
  readonly #accountListeners = new Map<string, Set<ProgressListener>>()
  readonly #running = new Map<string, { progress: Progress; fence: number; workerId: number }>()
  readonly #remote = new Map<string, Progress>()
  readonly #steps = new Map<string, string>()
  readonly #toPassOn = new Set<string>()
  readonly #toSave = new Set<string>()
  #passOnTimer: NodeJS.Timeout | undefined
  #saveTimer: NodeJS.Timeout | undefined

  constructor(options: { sql: Sql; log: Logger; wake: Wake }) {
    this.#sql = options.sql
    this.#log = options.log
    this.#wake = options.wake
    this.#wake.listen(channel, (text) => this.#receive(text))
  }

  /** Calls `listener` with the progress of one task; returns what ends that. */
  listenToTask(taskId: string, listener: ProgressListener): () => void {
    return addListener(this.#taskListeners, taskId, listener)
  }

  /** Calls `listener` with the progress of all tasks of an account; returns what ends that. */
  listenToAccount(accountId: string, listener: ProgressListener): () => void {
    return addListener(this.#accountListeners, accountId, listener)
  }

  /** What is known of a running task, newer than its row; undefined when nothing is. */
  find(taskId: string): Progress | undefined {
    return this.#running.get(taskId)?.progress ?? this.#remote.get(taskId)
  }

  /** Notes how far an attempt of this process is, clamped to 0–100 %. */
  note(attempt: ProgressingAttempt, percent: number): void {
    const known = this.#running.get(attempt.taskId)?.progress
    const progress: Progress = {
      accountId: attempt.accountId,
      taskId: attempt.taskId,
      type: attempt.type,
      priority: attempt.priority,
      labels: attempt.labels,
      attempt: attempt.number,
      percent: clampPercent(percent, known?.percent ?? 0),
    }
    if (known?.percent === progress.percent) return
    this.#running.set(attempt.taskId, { progress, fence: attempt.fence, workerId: attempt.workerId })
    this.#toPassOn.add(attempt.taskId)
    this.#toSave.add(attempt.taskId)
    this.#passOnTimer ??= setTimeout(() => this.#passOn(), passOnIntervalMs)
    this.#saveTimer ??= setTimeout(() => void this.#save(), saveIntervalMs)
  }

  /**
   * Takes what the journal's streams were just told, so that progress never speaks of a step before they have heard of
   * it, whichever process it happened in.
   */
  heard(entry: Pick<JournalEntry, 'type' | 'subject' | 'data'>): void {
    if (entry.type !== 'task.step' && entry.type !== 'task.started') return
    const taskId = taskIdOf(entry.subject)
    if (taskId === undefined) return
    const { step } = entry.data as unknown as TaskEventData
    if (step === undefined) this.#steps.delete(taskId)
    else setNewest(this.#steps, taskId, step)
  }

  /** Forgets a task whose attempt has ended. */
  forget(taskId: string): void {
    this.#running.delete(taskId)
    this.#steps.delete(taskId)
    this.#remote.delete(taskId)
    this.#toPassOn.delete(taskId)
    this.#toSave.delete(taskId)
  }

  stop(): void {
    clearTimeout(this.#passOnTimer)
    clearTimeout(this.#saveTimer)
  }

  /** Takes what another process passed on. */
  #receive(text: string): void {
    const list = z.array(wireProgress).safeParse(parseJson(text))
    if (!list.success) return
    for (const [accountId, taskId, type, priority, labels, attempt, percent] of list.data) {
      if (this.#running.has(taskId)) continue
      const progress = { accountId, taskId, type, priority, labels, attempt, percent }
      setNewest(this.#remote, taskId, progress)
      this.#tell(progress)
    }
  }

  #passOn(): void {
    this.#passOnTimer = undefined
    const changed = [...this.#toPassOn].flatMap((id) => this.#running.get(id)?.progress ?? [])
    this.#toPassOn.clear()
    for (const progress of changed) this.#tell(progress)
    for (const text of packHints(changed)) this.#wake.send(channel, text)
  }

  #tell(progress: Progress): void {
    const told = { ...progress, step: this.#steps.get(progress.taskId) }
    for (const listener of this.#taskListeners.get(progress.taskId) ?? []) listener(told)
    for (const listener of this.#accountListeners.get(progress.accountId) ?? []) listener(told)
  }

  async #save(): Promise<void> {
    const changed = [...this.#toSave].flatMap((id) => this.#running.get(id) ?? [])
    this.#toSave.clear()
    try {
      await saveProgress(
        this.#sql,
        changed.map(({ progress, fence, workerId }) => ({ ...progress, fence, workerId })),
      )
    } catch (error) {
      this.#log.warn({ err: error }, 'progress was not saved')
    }
    this.#saveTimer = this.#toSave.size > 0 ? setTimeout(() => void this.#save(), saveIntervalMs) : undefined
  }
}

// Listeners are found by what they listen to, so progress costs nothing to those it does not concern.
function addListener(
  listeners: Map<string, Set<ProgressListener>>,
  key: string,
  listener: ProgressListener,
): () => void {
  const ofKey = listeners.get(key) ?? new Set()
  listeners.set(key, ofKey.add(listener))
  return () => {
    ofKey.delete(listener)
    if (ofKey.size === 0 && listeners.get(key) === ofKey) listeners.delete(key)
  }
}

function clampPercent(percent: number, fallback: number): number {
  return Number.isFinite(percent) ? Math.round(Math.min(100, Math.max(0, percent))) : fallback
}

/** Sets a value as a map's newest, and lets go of its oldest beyond {@link capacity}. */
function setNewest<V>(map: Map<string, V>, key: string, value: V): void {
  map.delete(key)
  map.set(key, value)
  const [oldest] = map.keys()
  if (map.size > capacity && oldest !== undefined) map.delete(oldest)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** As few hints as hold them all; one that is too large by itself is left to the next look at the row. */
function packHints(changed: readonly Progress[]): string[] {
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
    ])
    const bytes = Buffer.byteLength(text) + 1
    if (bytes > maxHintBytes) continue
    if (size + bytes > maxHintBytes) {
      packed.push([])
      size = 2
    }
    packed.at(-1)?.push(text)
    size += bytes
  }
  return packed.filter((group) => group.length > 0).map((group) => `[${group.join(',')}]`)
}
