/**
 * What a schedule does next is decided here, and nowhere else: the scheduler and the SQL write what these functions return.
 */
import type { Actor } from '#platform/journal/entry.ts'
import { nextTime, type Recurrence, timesFrom } from './recurrence.ts'

/**
 * ACTIVE creates runs; PAUSED was paused by somebody; FAILED by the server, since its runs can't be created any more;
 * ENDED has no further runs.
 */
export const scheduleStatuses = ['ACTIVE', 'PAUSED', 'FAILED', 'ENDED'] as const
export type ScheduleStatus = (typeof scheduleStatuses)[number]

/** What happens to a run that is due while an earlier one has not ended. */
export const overlapModes = ['SKIP', 'QUEUE', 'ALLOW'] as const
export type OverlapMode = (typeof overlapModes)[number]

/** What happens to runs whose time has passed by more than {@link graceMs}. */
export const missedModes = ['SKIP', 'ONCE'] as const
export type MissedMode = (typeof missedModes)[number]

/** A run that is late by more than this was missed, in milliseconds. */
const graceMs = 60_000
/** How many runs wait for an earlier one at most. */
const maxQueued = 100
/** After so many runs in a row that could not be created, a schedule has failed. */
const maxFailures = 5
/** Missed times are counted up to this. */
const maxCounted = 100

/** With whose rights runs are created: those that they held then, and still hold. */
export interface ScheduleMaker {
  readonly actor: Actor
  readonly credential: { readonly kind: string; readonly id: string }
  readonly scopes: readonly string[]
}

/** What changes while a schedule runs. */
export interface ScheduleState {
  readonly status: ScheduleStatus
  readonly statusReason: string | null
  /** When the next run is due; null when none is. */
  readonly nextAt: Date | null
  /** Times of runs that wait for an earlier one, in order. */
  readonly queued: readonly Date[]
  /** How many runs were created at their times. */
  readonly runs: number
  /** How many of the last runs in a row could not be created. */
  readonly failures: number
}

/** A rule that creates tasks at times. */
export interface Schedule extends Recurrence, ScheduleState {
  readonly accountId: string
  readonly id: string
  readonly name: string
  /** The task type of its runs. */
  readonly type: string
  /** A submission, without what a run decides itself. */
  readonly task: object
  readonly startAt: Date | null
  /** No run is due after it. */
  readonly endAt: Date | null
  readonly maxRuns: number | null
  readonly overlap: OverlapMode
  readonly missed: MissedMode
  readonly maker: ScheduleMaker
}

export const endReasons = ['MAX_RUNS', 'END_AT', 'NO_MORE_TIMES', 'STOPPED'] as const
/** Why a schedule has no further runs. */
type EndReason = (typeof endReasons)[number]

export const skipReasons = [
  'OVERLAP',
  'QUEUE_FULL',
  'QUOTA_EXCEEDED',
  'UNKNOWN_TASK_TYPE',
  'INVALID_INPUT',
  'FORBIDDEN',
] as const
/** Why a run was not created. */
export type SkipReason = (typeof skipReasons)[number]

/** What happened to a schedule, beside a run that was created. */
export type ScheduleNote =
  | { readonly kind: 'missed'; readonly scheduledFor: Date; readonly count: number; readonly runs: boolean }
  | {
      readonly kind: 'skipped'
      readonly scheduledFor: Date
      readonly reason: SkipReason
      readonly message?: string | undefined
    }
  | { readonly kind: 'failed'; readonly code: SkipReason; readonly message: string }
  | { readonly kind: 'ended'; readonly reason: EndReason }

/** What a look at a schedule leads to. */
export interface Turn {
  readonly state: ScheduleState
  /** The time of a run to be created now. */
  readonly run: Date | undefined
  readonly notes: readonly ScheduleNote[]
}

type Times = Pick<Schedule, keyof Recurrence | 'startAt' | 'endAt'>

/** The first time strictly after a moment at which a run would be due, within the schedule's start and end. */
export function nextDue(times: Times, after: Date): Date | null {
  const { startAt, endAt } = times
  const from = startAt === null ? after : new Date(Math.max(after.getTime(), startAt.getTime() - 1))
  const next = nextTime(times, from)
  return next === undefined || (endAt !== null && next > endAt) ? null : next
}

/** The times of the next runs, at most `limit`, as far as they are soon found; of a schedule that is not active: what they would be if it were resumed now. */
export function nextRuns(schedule: Schedule, now: Date, limit: number): Date[] {
  if (schedule.status === 'ENDED') return []
  const remaining = schedule.maxRuns === null ? limit : schedule.maxRuns - schedule.runs - schedule.queued.length
  const first = schedule.status === 'ACTIVE' ? schedule.nextAt : nextDue(schedule, now)
  const times = timesFrom(first, (time) => nextDue(schedule, time))
  return [...times.take(Math.max(0, Math.min(limit, remaining)))]
}

/** What is due now; `isRunning`: an earlier run has not ended. The caller creates the run, and reports that. */
export function takeTurn(schedule: Schedule, now: Date, isRunning: boolean): Turn {
  const { nextAt } = schedule
  return nextAt !== null && nextAt <= now ? due(schedule, nextAt, now, isRunning) : queuedTurn(schedule, isRunning)
}

/** Each time within the last minute is due by itself; once a time was missed, so are all that have passed since. */
function due(schedule: Schedule, scheduledFor: Date, now: Date, isRunning: boolean): Turn {
  if (now.getTime() - scheduledFor.getTime() <= graceMs)
    return admit({ ...schedule, nextAt: nextDue(schedule, scheduledFor) }, scheduledFor, isRunning)
  const isOver = schedule.endAt !== null && now.getTime() > schedule.endAt.getTime() + graceMs
  const runs = schedule.missed === 'ONCE' && !isOver
  const count = Math.min(maxCounted, 1 + countPassed(schedule, scheduledFor, now))
  const missed: ScheduleNote = { kind: 'missed', scheduledFor, count, runs }
  const next = { ...schedule, nextAt: nextDue(schedule, now) }
  if (!runs) return { state: next, run: undefined, notes: [missed] }
  const turn = admit(next, scheduledFor, isRunning)
  return { ...turn, notes: [missed, ...turn.notes] }
}

/** How many later times have passed too, up to 100. */
function countPassed(schedule: Schedule, after: Date, now: Date): number {
  if (schedule.everyMs !== null)
    return Math.min(maxCounted, Math.floor((now.getTime() - after.getTime()) / schedule.everyMs))
  let count = 0
  const next = (time: Date) => nextDue(schedule, time)
  for (const time of timesFrom(next(after), next).take(maxCounted)) {
    if (time > now) break
    count += 1
  }
  return count
}

/** Lets a run that is due begin, wait for an earlier one, or be skipped. */
function admit(schedule: Schedule, scheduledFor: Date, isRunning: boolean): Turn {
  const { overlap, queued } = schedule
  const skipped = (reason: SkipReason): Turn => ({
    state: schedule,
    run: undefined,
    notes: [{ kind: 'skipped', scheduledFor, reason }],
  })
  if (overlap === 'SKIP' && isRunning) return skipped('OVERLAP')
  if (overlap !== 'QUEUE') return { state: schedule, run: scheduledFor, notes: [] }
  if (queued.length >= maxQueued) return skipped('QUEUE_FULL')
  return queuedTurn({ ...schedule, queued: [...queued, scheduledFor] }, isRunning)
}

function queuedTurn(schedule: Schedule, isRunning: boolean): Turn {
  const [run, ...queued] = schedule.queued
  if (run === undefined || (isRunning && schedule.overlap !== 'ALLOW'))
    return { state: schedule, run: undefined, notes: [] }
  return { state: { ...schedule, queued }, run, notes: [] }
}

/** A run was created. */
export function created(turn: Turn): Turn {
  return { ...turn, state: { ...turn.state, runs: turn.state.runs + 1, failures: 0 } }
}

/** The run of a turn could not be created. Without the right to create it the schedule fails; otherwise after five in a row. */
export function refused(turn: Turn, scheduledFor: Date, reason: SkipReason, message: string): Turn {
  const isTransient = reason === 'QUOTA_EXCEEDED'
  const failures = isTransient ? turn.state.failures : turn.state.failures + 1
  const notes: ScheduleNote[] = [...turn.notes, { kind: 'skipped', scheduledFor, reason, message }]
  const state: ScheduleState = { ...turn.state, failures }
  if (isTransient || (reason !== 'FORBIDDEN' && failures < maxFailures)) return { state, run: undefined, notes }
  return {
    state: { ...state, status: 'FAILED', statusReason: message, nextAt: null, queued: [] },
    run: undefined,
    notes: [...notes, { kind: 'failed', code: reason, message }],
  }
}

/** Ends a schedule that has no further runs, once none of them waits. */
export function concluded(schedule: Pick<Schedule, 'maxRuns' | 'endAt' | keyof Recurrence>, turn: Turn): Turn {
  const { state, notes } = turn
  if (state.status !== 'ACTIVE') return turn
  const isFull = schedule.maxRuns !== null && state.runs + state.queued.length >= schedule.maxRuns
  const nextAt = isFull ? null : state.nextAt
  if (nextAt !== null || state.queued.length > 0) return { ...turn, state: { ...state, nextAt } }
  const reason = isFull ? 'MAX_RUNS' : schedule.endAt === null ? 'NO_MORE_TIMES' : 'END_AT'
  return { ...turn, state: { ...state, nextAt, status: 'ENDED' }, notes: [...notes, { kind: 'ended', reason }] }
}
