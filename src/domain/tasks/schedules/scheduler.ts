import type { Caller } from '#domain/access/service.ts'
import type { QuotaService } from '#domain/quotas/service.ts'
import { taskIdOf } from '#domain/tasks/events.ts'
import type { NewTask } from '#domain/tasks/store/tasks.ts'
import type { Submission } from '#domain/tasks/submission.ts'
import type { Submitter } from '#domain/tasks/submitter.ts'
import type { TaskPlanner } from '#domain/tasks/task-planner.ts'
import { AppError, errorMessage } from '#lib/errors.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { Transact, Transaction } from '#platform/database/transaction.ts'
import type { Actor, JournalEntry } from '#platform/journal/entry.ts'
import type { Logger } from '#platform/telemetry/log.ts'
import { WorkLoop } from '#platform/work/work-loop.ts'
import { dueChangingTypes, scheduleEvent } from './events.ts'
import {
  concluded,
  created,
  nextDue,
  refused,
  type Schedule,
  type ScheduleMaker,
  type ScheduleNote,
  type SkipReason,
  skipReasons,
  type Turn,
  takeTurn,
} from './schedule.ts'
import {
  type Candidate,
  findAwaitedTasks,
  findCandidates,
  hasDecidedAhead,
  insertRuns,
  readDueMs,
  readNow,
  saveStates,
  takeDecidedAhead,
  takeSchedules,
} from './store.ts'

export interface SchedulerDeps {
  readonly sql: Sql
  readonly transact: Transact
  readonly planner: Pick<TaskPlanner, 'plan'>
  readonly submitter: Submitter
  readonly quotas: Pick<QuotaService, 'hold' | 'isExceeded'>
  /** The caller with whose rights a run is created, as they are now. */
  readonly standInOf: (tx: Sql, accountId: string, maker: ScheduleMaker) => Promise<Caller>
  readonly log: Logger
}

/** Without a hint it looks this often: whatever hints and clocks say, what is due is found by then. */
const lookIntervalMs = 5_000
const failureDelayMs = 1_000
/** Another process is about to write what it found due. */
const restMs = 20
/** Schedules whose runs are created in one commit. */
const takenAtOnce = 100
const maxAwaited = 1_000

const actor: Actor = { kind: 'system', id: 'scheduler', name: 'scheduler' }
const endTypes: ReadonlySet<string> = new Set(['task.completed', 'task.failed', 'task.cancelled'])

/**
 * Creates the runs of schedules at their times. Every process does it, by a timer for the next one that is due: a run is
 * created in the transaction that moves its schedule on, so that each is created once.
 */
export class Scheduler {
  readonly #deps: SchedulerDeps
  readonly #loop: WorkLoop
  /** Tasks at whose end a run that waits may begin. */
  #awaited: ReadonlySet<string> = new Set()
  #isStopped = false

  constructor(deps: SchedulerDeps) {
    this.#deps = deps
    this.#loop = new WorkLoop({
      name: 'schedules',
      work: () => this.#work(),
      intervalMs: lookIntervalMs,
      failureDelayMs,
      restMs,
      log: deps.log,
    })
  }

  start(): void {
    this.#loop.start(0)
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#loop.stop()
  }

  /** To be called with each entry of the journal: schedules may be due at other times, or a waiting run may begin. */
  onJournalEntry({ type, subject }: Pick<JournalEntry, 'type' | 'subject'>): void {
    const isHint =
      dueChangingTypes.has(type) ||
      type === 'auth.account_resumed' ||
      (this.#awaited.size > 0 && endTypes.has(type) && this.#awaited.has(taskIdOf(subject) ?? ''))
    if (isHint) this.#loop.hint()
  }

  async #work(): Promise<number | undefined> {
    const { sql, transact } = this.#deps
    if (await hasDecidedAhead(sql))
      await transact.quiet('times of schedules under a clock that went back')((tx) => decideAgain(tx))
    while (!this.#isStopped && (await this.#createDue()) === takenAtOnce);
    this.#awaited = new Set(await findAwaitedTasks(sql, maxAwaited))
    const dueMs = await readDueMs(sql)
    return dueMs === undefined ? undefined : Math.max(restMs, Math.ceil(dueMs))
  }

  /** Creates the runs that are due now, as many as one commit takes; returns for how many schedules this process did. */
  async #createDue(): Promise<number> {
    const candidates = await findCandidates(this.#deps.sql, takenAtOnce)
    return candidates.length === 0 ? 0 : this.#createRuns(candidates)
  }

  /** In one commit or, when something is refused there, in one for each schedule, so that none keeps others from running. */
  async #createRuns(candidates: readonly Candidate[]): Promise<number> {
    try {
      return await this.#createTogether(candidates)
    } catch (error) {
      if (candidates.length === 1) throw error
      const { log } = this.#deps
      log.warn({ err: error }, 'runs of schedules could not be created together; creating them one by one')
      const outcomes = await Promise.allSettled(candidates.map((one) => this.#createTogether([one])))
      const failed = outcomes.find((outcome) => outcome.status === 'rejected')
      if (failed !== undefined) throw failed.reason
      return candidates.length
    }
  }

  async #createTogether(candidates: readonly Candidate[]): Promise<number> {
    const { transact } = this.#deps
    const room = await this.#holdRoom(candidates)
    try {
      const { taken, announce } = await transact((tx) => this.#createIn(tx, candidates, room.exceeded))
      announce()
      return taken
    } finally {
      for (const release of room.releases) release()
    }
  }

  /** Counts the runs among what accounts have; returns, by schedule, why one has no room. */
  async #holdRoom(candidates: readonly Candidate[]) {
    const { quotas } = this.#deps
    const releases: (() => void)[] = []
    const exceeded = new Map<string, string>()
    for (const { accountId, id, storedBytes } of candidates) {
      try {
        releases.push(await quotas.hold(accountId, { waitingTasks: 1, storedBytes }))
      } catch (error) {
        if (!quotas.isExceeded(error)) throw error
        exceeded.set(id, errorMessage(error))
      }
    }
    return { releases, exceeded }
  }

  async #createIn(
    tx: Transaction,
    candidates: readonly Candidate[],
    exceeded: ReadonlyMap<string, string>,
  ): Promise<{ readonly taken: number; readonly announce: () => void }> {
    tx.quiet('schedules that another process has taken')
    const schedules = await takeSchedules(tx, candidates)
    if (schedules.length === 0) return { taken: 0, announce: () => undefined }
    const now = await readNow(tx)
    const planned: Planned[] = []
    for (const { isRunning, ...schedule } of schedules) {
      const turn = takeTurn(schedule, now, isRunning)
      planned.push(await this.#plan(tx, schedule, turn, exceeded.get(schedule.id)))
    }
    const announce = await this.#submit(tx, planned)
    const states = planned.map(({ schedule, turn }) => ({ ...schedule, ...turn.state }))
    await saveStates(tx, states)
    for (const one of planned) journal(tx, one)
    return { taken: schedules.length, announce }
  }

  async #submit(tx: Transaction, planned: readonly Planned[]): Promise<() => void> {
    const runs = planned.flatMap(({ schedule, run }) => (run === undefined ? [] : { schedule, ...run }))
    if (runs.length === 0) return () => undefined
    const tasks = runs.map(({ task }) => task)
    const { announce } = await this.#deps.submitter.submitIn(tx, tasks)
    await insertRuns(
      tx,
      runs.map(({ schedule: { accountId, id }, task: { id: taskId }, scheduledFor }) => {
        return { accountId, id, taskId, scheduledFor, isManual: false }
      }),
    )
    return announce
  }

  /** Plans the run of a turn, if it has one; a run that is refused is noted. */
  async #plan(tx: Sql, schedule: Schedule, turn: Turn, exceeded: string | undefined): Promise<Planned> {
    const { run: scheduledFor } = turn
    if (scheduledFor === undefined) return { schedule, turn: concluded(schedule, turn), run: undefined }
    if (exceeded !== undefined) return noRun(schedule, refused(turn, scheduledFor, 'QUOTA_EXCEEDED', exceeded))
    try {
      const caller = await this.#deps.standInOf(tx, schedule.accountId, schedule.maker)
      caller.must('tasks:write', schedule.type)
      const task = await this.#deps.planner.plan(caller, schedule.task as Submission)
      return { schedule, turn: concluded(schedule, created(turn)), run: { task, scheduledFor } }
    } catch (error) {
      return noRun(schedule, refused(turn, scheduledFor, reasonOf(error), messageOf(error, schedule)))
    }
  }
}

/** What a schedule's turn leads to. */
interface Planned {
  readonly schedule: Schedule
  readonly turn: Turn
  readonly run: { readonly task: NewTask; readonly scheduledFor: Date } | undefined
}

function noRun(schedule: Schedule, turn: Turn): Planned {
  return { schedule, turn: concluded(schedule, turn), run: undefined }
}

/** @throws what is not a refusal of the run */
function reasonOf(error: unknown): SkipReason {
  const reason = error instanceof AppError ? skipReasons.find((one) => one === error.code) : undefined
  if (reason === undefined) throw error
  return reason
}

function messageOf(error: unknown, { maker, type }: Schedule): string {
  if (!(error instanceof AppError) || error.code !== 'FORBIDDEN') return errorMessage(error)
  return `${maker.actor.name}, with whose rights it runs, is gone or may no longer submit tasks of the type ${type}. Resuming it runs it with the rights of the caller who does so.`
}

function journal(tx: Transaction, { schedule, turn, run }: Planned): void {
  for (const note of turn.notes) if (note.kind !== 'ended') tx.journal(noteEvent(schedule, note))
  if (run !== undefined) {
    const data = { taskId: run.task.id, scheduledFor: run.scheduledFor, isManual: false }
    tx.journal(scheduleEvent('schedule.run', schedule, { actor }, data))
  }
  for (const note of turn.notes) if (note.kind === 'ended') tx.journal(noteEvent(schedule, note))
}

function noteEvent(schedule: Schedule, { kind, ...data }: ScheduleNote) {
  return scheduleEvent(`schedule.${kind}`, schedule, { actor }, data)
}

/** Decides again when schedules are due whose time was decided under a clock that was ahead. */
async function decideAgain(tx: Sql): Promise<void> {
  const schedules = await takeDecidedAhead(tx, takenAtOnce)
  if (schedules.length === 0) return
  const now = await readNow(tx)
  await saveStates(
    tx,
    schedules.map((schedule) => ({ ...schedule, nextAt: schedule.nextAt === null ? null : nextDue(schedule, now) })),
  )
}
