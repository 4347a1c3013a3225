import type { Caller } from '#domain/access/service.ts'
import type { QuotaService } from '#domain/quotas/service.ts'
import type { Submission } from '#domain/tasks/submission.ts'
import type { Submitter } from '#domain/tasks/submitter.ts'
import type { TaskPlanner } from '#domain/tasks/task-planner.ts'
import type { Clock } from '#lib/clock.ts'
import { InvalidInput, invalidValue } from '#lib/errors.ts'
import { isId, newId } from '#lib/ids.ts'
import { isStorable, unstorable } from '#lib/json.ts'
import { lockOfAccount } from '#platform/database/account-lock.ts'
import { runOnce } from '#platform/database/idempotency.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { Transact, Transaction } from '#platform/database/transaction.ts'
import { ScheduleEnded, ScheduleNotFound } from './errors.ts'
import { scheduleEvent } from './events.ts'
import { nextRuns, type Schedule, type ScheduleMaker, type ScheduleState } from './schedule.ts'
import { firstDue, isSameTiming, parseSettings, type ScheduleInput } from './schedule-input.ts'
import {
  countSchedules,
  deleteSchedule,
  findSchedule,
  insertRuns,
  insertSchedule,
  lockSchedule,
  readNow,
  saveStates,
  updateSchedule,
} from './store.ts'

export interface ScheduleCommandsDeps {
  readonly sql: Sql
  readonly transact: Transact
  readonly planner: Pick<TaskPlanner, 'plan'>
  readonly clock: Clock
  readonly submitter: Submitter
  readonly quotas: Pick<QuotaService, 'hold'>
}

export interface NewSchedule extends ScheduleInput {
  readonly idempotencyKey?: string | undefined
}

/** What is to be changed; what is left out stays, and null stands for none. */
export type ScheduleChanges = Partial<ScheduleInput>

/** How many schedules an account may have, those that have ended included. */
const maxSchedules = 1_000
const maxReasonLength = 500
const maxPreviewed = 100

/** Everything that somebody can do with schedules. */
export type ScheduleService = ReturnType<typeof createScheduleService>

export function createScheduleService(deps: ScheduleCommandsDeps) {
  return { ...createScheduleChanges(deps), ...createScheduleSwitches(deps) }
}

/** The commands that create, change and delete schedules. */
function createScheduleChanges({ sql, transact, planner, clock }: ScheduleCommandsDeps) {
  /**
   * Creates a schedule, whose runs are created with the rights that the caller holds now, and still holds then.
   * @throws {InvalidInput} @throws {UnknownTaskType} @throws {Forbidden} @throws {IdempotencyKeyReused}
   */
  async function create(caller: Caller, { idempotencyKey, ...input }: NewSchedule): Promise<string> {
    caller.must('tasks:write')
    const { accountId, principalId } = caller
    const keyed = { accountId, principalId, key: idempotencyKey, operation: 'createTaskSchedule', request: input }
    const { outcome } = await transact((tx) => runOnce(tx, keyed, () => insert(tx, caller, input)))
    return outcome
  }

  async function insert(tx: Transaction, caller: Caller, input: ScheduleInput): Promise<string> {
    const now = await readNow(tx)
    const settings = parseSettings(input, now)
    await mustSubmit(caller, settings.task)
    const nextAt = firstDue(settings, now)
    const { accountId } = caller
    await lockOfAccount(tx, accountId, 'schedules')
    if ((await countSchedules(tx, accountId)) >= maxSchedules)
      throw new InvalidInput(`An account can have at most ${maxSchedules} schedules.`)
    const schedule = { ...settings, ...fresh, accountId, id: newId(), nextAt, maker: makerOf(caller) }
    await insertSchedule(tx, schedule, caller.actor)
    tx.journal(scheduleEvent('schedule.created', schedule, caller.by(), standing(schedule)))
    return schedule.id
  }

  /**
   * Changes a schedule, which goes on counting its runs. A caller who changes its task creates its runs with their own
   * rights from then on.
   * @throws {ScheduleNotFound} @throws {ScheduleEnded} @throws {InvalidInput} @throws {UnknownTaskType} @throws {Forbidden}
   */
  async function update(caller: Caller, id: string, changes: ScheduleChanges): Promise<string> {
    caller.must('tasks:write')
    return transact(async (tx) => {
      const before = await lockOpen(tx, caller, id)
      const now = await readNow(tx)
      const settings = parseSettings(merge(before, changes), now, before)
      if (changes.task !== undefined) await mustSubmit(caller, settings.task)
      const maker = changes.task === undefined ? before.maker : makerOf(caller)
      const next = { ...before, ...settings, maker, ...stateAfterUpdate(before, { ...before, ...settings }, now) }
      await updateSchedule(tx, next)
      await saveStates(tx, [next])
      tx.journal(scheduleEvent('schedule.updated', next, caller.by(), standing(next)))
      return id
    })
  }

  /** Deletes a schedule; tasks that it created stay, and those that wait still run. @throws {ScheduleNotFound} @throws {Forbidden} */
  async function remove(caller: Caller, id: string): Promise<string> {
    caller.must('tasks:write')
    return transact(async (tx) => {
      const schedule = await lockOwn(tx, caller, id)
      await deleteSchedule(tx, schedule)
      tx.journal(scheduleEvent('schedule.deleted', schedule, caller.by()))
      return id
    })
  }

  /** The times of the next runs of a schedule, at most 100; fewer when there are no more. @throws {ScheduleNotFound} */
  async function preview(caller: Caller, id: string, limit: number): Promise<Date[]> {
    caller.must('tasks:read')
    if (limit < 1 || limit > maxPreviewed)
      throw invalidValue('`first`', 'first', `must be 1 to ${maxPreviewed}, but is ${limit}`)
    const schedule = await findSchedule(sql, caller.accountId, id)
    if (schedule === undefined || !caller.can('tasks:read', schedule.type)) throw new ScheduleNotFound(id)
    return nextRuns(schedule, clock.now(), limit)
  }

  /** The caller could submit such a task now. @throws {Forbidden} @throws {UnknownTaskType} @throws {InvalidInput} */
  async function mustSubmit(caller: Caller, task: object): Promise<void> {
    const submission = task as Submission
    caller.must('tasks:write', submission.type)
    await planner.plan(caller, submission)
  }

  return { create, update, remove, preview }
}

/** The commands that stop schedules, let them go on, and have them run at once. */
function createScheduleSwitches({ transact, planner, submitter, quotas }: ScheduleCommandsDeps) {
  /** Creates no further runs until the schedule is resumed. @throws {ScheduleNotFound} @throws {ScheduleEnded} @throws {InvalidInput} */
  async function pause(caller: Caller, id: string, reason: string | undefined): Promise<string> {
    caller.must('tasks:write')
    if (reason !== undefined && reason.length > maxReasonLength)
      throw invalidValue('The reason', 'reason', `may have at most ${maxReasonLength} characters`)
    if (!isStorable(reason)) throw invalidValue('The reason', 'reason', unstorable)
    return transact(async (tx) => {
      const schedule = await lockOpen(tx, caller, id)
      await saveStates(tx, [{ ...schedule, status: 'PAUSED', statusReason: reason ?? null, nextAt: null }])
      tx.journal(scheduleEvent('schedule.paused', schedule, caller.by(), reason === undefined ? {} : { reason }))
      return id
    })
  }

  /**
   * Lets a schedule that was paused, or has failed, go on with its next time. One that has failed creates its runs with
   * the rights of the caller from then on. @throws {ScheduleNotFound} @throws {ScheduleEnded} @throws {InvalidInput} @throws {Forbidden}
   */
  async function resume(caller: Caller, id: string): Promise<string> {
    caller.must('tasks:write')
    return transact(async (tx) => {
      const before = await lockOpen(tx, caller, id)
      if (before.status === 'ACTIVE') return id
      const isTakenOver = before.status === 'FAILED'
      if (isTakenOver) await planner.plan(caller, before.task as Submission)
      const nextAt = firstDue(before, await readNow(tx))
      const maker = isTakenOver ? makerOf(caller) : before.maker
      const next = { ...before, maker, status: 'ACTIVE', statusReason: null, failures: 0, nextAt } as const
      await updateSchedule(tx, next)
      await saveStates(tx, [next])
      tx.journal(scheduleEvent('schedule.resumed', next, caller.by(), standing(next)))
      return id
    })
  }

  /** Ends a schedule for good: it stays with its runs until its retention is over. Harmless to repeat. @throws {ScheduleNotFound} */
  async function stop(caller: Caller, id: string): Promise<string> {
    caller.must('tasks:write')
    return transact(async (tx) => {
      const schedule = await lockOwn(tx, caller, id)
      if (schedule.status === 'ENDED') return id
      await saveStates(tx, [{ ...schedule, status: 'ENDED', statusReason: null, nextAt: null, queued: [] }])
      tx.journal(scheduleEvent('schedule.ended', schedule, caller.by(), { reason: 'STOPPED' }))
      return id
    })
  }

  /**
   * Creates a run now, with the rights of the caller, whatever the schedule's state, and without counting it; returns the
   * task's id. @throws {ScheduleNotFound} @throws {UnknownTaskType} @throws {InvalidInput} @throws {QuotaExceeded} @throws {Forbidden}
   */
  async function run(caller: Caller, id: string): Promise<{ readonly id: string; readonly taskId: string }> {
    caller.must('tasks:write')
    const release = await quotas.hold(caller.accountId, { waitingTasks: 1 })
    const { taskId, announce } = await transact((tx) => runIn(tx, caller, id)).finally(release)
    announce()
    return { id, taskId }
  }

  async function runIn(tx: Transaction, caller: Caller, id: string) {
    const schedule = await lockOwn(tx, caller, id)
    const scheduledFor = await readNow(tx)
    const task = await planner.plan(caller, schedule.task as Submission)
    const { announce } = await submitter.submitIn(tx, [task])
    await insertRuns(tx, [{ accountId: schedule.accountId, id, taskId: task.id, scheduledFor, isManual: true }])
    const data = { taskId: task.id, scheduledFor, isManual: true }
    tx.journal(scheduleEvent('schedule.run', schedule, caller.by(), data))
    return { taskId: task.id, announce }
  }

  return { pause, resume, stop, run }
}

const fresh: ScheduleState = {
  status: 'ACTIVE',
  statusReason: null,
  nextAt: null,
  queued: [],
  runs: 0,
  failures: 0,
}

/** A schedule of the caller's account that they may change, kept from changing until the transaction ends. @throws {ScheduleNotFound} @throws {Forbidden} */
async function lockOwn(tx: Sql, caller: Caller, id: string): Promise<Schedule> {
  const schedule = isId(id) ? await lockSchedule(tx, caller.accountId, id) : undefined
  if (schedule === undefined || !caller.can('tasks:read', schedule.type)) throw new ScheduleNotFound(id)
  caller.must('tasks:write', schedule.type)
  return schedule
}

/** As {@link lockOwn}, unless it has ended. @throws {ScheduleEnded} */
async function lockOpen(tx: Sql, caller: Caller, id: string): Promise<Schedule> {
  const schedule = await lockOwn(tx, caller, id)
  if (schedule.status === 'ENDED') throw new ScheduleEnded(id)
  return schedule
}

/** A recurrence of another kind takes the place of the one that was. */
function merge(before: Schedule, changes: ScheduleChanges): ScheduleInput {
  const { name, task, cron, everyMs, rrule, timeZone, startAt, endAt, maxRuns, overlap, missed } = before
  const isRecurring = [changes.cron, changes.everyMs, changes.rrule].some((one) => one !== undefined && one !== null)
  const recurrence = isRecurring ? {} : { cron, everyMs, rrule }
  const given = Object.entries(changes).filter(([, value]) => value !== undefined)
  return {
    ...{ name, task, timeZone, startAt, endAt, maxRuns, overlap, missed, ...recurrence },
    ...Object.fromEntries(given),
  }
}

/** Where a schedule stands once its settings have changed. */
function stateAfterUpdate(before: Schedule, settings: Schedule, now: Date): ScheduleState {
  const { status, statusReason, runs, failures } = before
  const queued = settings.overlap === 'QUEUE' ? before.queued : []
  const state = { status, statusReason, runs, failures, queued }
  if (isSameTiming(before, settings)) return { ...state, nextAt: before.nextAt }
  if (settings.maxRuns !== null && runs + queued.length >= settings.maxRuns)
    throw invalidValue('The schedule', 'maxRuns', `must be more than the ${runs + queued.length} runs that it has had`)
  const nextAt = firstDue(settings, now)
  return { ...state, nextAt: status === 'ACTIVE' ? nextAt : null }
}

function makerOf({ actor, credential, scopes }: Caller): ScheduleMaker {
  return { actor, credential, scopes }
}

/** What events say of a schedule that was changed. */
function standing({ status, nextAt, cron, everyMs, rrule, timeZone }: Schedule) {
  const recurrence = {
    ...(cron !== null && { cron }),
    ...(everyMs !== null && { everyMs }),
    ...(rrule !== null && { rrule }),
  }
  return { ...recurrence, timeZone, status, nextAt }
}
