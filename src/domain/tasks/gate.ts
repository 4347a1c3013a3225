import { type CompositeKey, compositeKey } from '#lib/composite-key.ts'
import type { Sql } from '#platform/database/sql.ts'
import { isFor, maxPauses, type PauseRef } from './pause.ts'
import { countRunning, lockKeys, type RunningKey } from './store/concurrency.ts'
import type { WaitingTask } from './store/held.ts'
import { readPauses } from './store/pauses.ts'
import { lockRates, type Rate, saveRates } from './store/rates.ts'
import type { RateLimit, TaskType, TaskTypes } from './task-type.ts'

/** What happens to a task whose turn has come. A start `at` a time is reserved: the task need not be checked against the rate again. */
export type Decision =
  | { readonly kind: 'start' }
  | { readonly kind: 'hold'; readonly reason: 'CONCURRENCY' | 'PAUSED' }
  | { readonly kind: 'defer'; readonly at: Date }

/** A limit for tasks whose type declares none, where they were submitted with a concurrency key. */
const defaultLimit = 1

/** The limits of task types, by their names. */
export interface TypeLimits {
  get(type: string): Pick<TaskType, 'concurrency' | 'rateLimit'> | undefined
}

/** How many tasks with the same concurrency key may run at once when one of this type is to start. */
export function concurrencyLimit(types: TypeLimits, type: string): number {
  return types.get(type)?.concurrency?.limit ?? defaultLimit
}

/** What is known of limits while a decision is made, and how it changes with each task that starts. */
interface Limits {
  /** Tasks that run, by account and concurrency key. */
  readonly running: Map<CompositeKey, RunningKey>
  /** When the next task would start if tasks started evenly, by account, type and concurrency key. */
  readonly rates: Map<CompositeKey, Rate>
  readonly now: Date
  readonly pauses: readonly PauseRef[]
}

/** Types whose tasks are always looked at before they start. */
export function limitedTypes(types: TaskTypes): string[] {
  return types.list().flatMap(({ name, rateLimit }) => (rateLimit === undefined ? [] : [name]))
}

/**
 * Decides for each of these tasks, in this order, whether it may start now, and counts those that start. What it has
 * locked stays locked until the transaction ends, so no other process decides about the same keys meanwhile.
 */
export async function decide(tx: Sql, types: TypeLimits, tasks: readonly WaitingTask[]): Promise<Decision[]> {
  const running = new Map((await lockKeys(tx, keysOf(tasks))).map((row) => [keyOf(row), row]))
  const locked = await lockRates(tx, ratesOf(types, tasks))
  const rates = new Map(locked.rates.map((row) => [rateKeyOf(row), row]))
  const accountIds = [...new Set(tasks.map(({ accountId }) => accountId))]
  const pauses = await readPauses(tx, accountIds, maxPauses)
  const limits = { running, rates, now: locked.now, pauses }
  const decisions = tasks.map((task) => decideOne(task, types, limits))
  await countRunning(tx, [...limits.running.values()])
  await saveRates(tx, [...limits.rates.values()])
  return decisions
}

function decideOne(task: WaitingTask, types: TypeLimits, limits: Limits): Decision {
  if (limits.pauses.some((pause) => isFor(pause, task))) return { kind: 'hold', reason: 'PAUSED' }
  const rateLimit = types.get(task.type)?.rateLimit
  const running =
    task.concurrencyKey === null ? undefined : limits.running.get(keyOf({ ...task, key: task.concurrencyKey }))
  if (running !== undefined && running.running >= concurrencyLimit(types, task.type))
    return { kind: 'hold', reason: 'CONCURRENCY' }
  const rate = limits.rates.get(rateKeyOf(rateOf(task)))
  if (rateLimit !== undefined && rate !== undefined && !task.isRateReserved) {
    const at = reserve(rate, rateLimit, limits.now)
    if (at > limits.now) return { kind: 'defer', at }
  }
  if (running !== undefined) running.running += 1
  return { kind: 'start' }
}

/** Takes the next start that the limit allows, and returns its time: now, or later. */
function reserve(rate: { nextAt: Date }, { limit, perMs }: RateLimit, now: Date): Date {
  const intervalMs = perMs / limit
  const next = Math.max(rate.nextAt.getTime(), now.getTime())
  rate.nextAt = new Date(next + intervalMs)
  return new Date(Math.max(now.getTime(), Math.ceil(next - (perMs - intervalMs))))
}

function keysOf(tasks: readonly WaitingTask[]): { accountId: string; key: string }[] {
  const keys = new Map<CompositeKey, { accountId: string; key: string }>()
  for (const { accountId, concurrencyKey: key } of tasks)
    if (key !== null) keys.set(keyOf({ accountId, key }), { accountId, key })
  return [...keys.values()]
}

function ratesOf(types: TypeLimits, tasks: readonly WaitingTask[]): Omit<Rate, 'nextAt'>[] {
  const limited = tasks.filter(
    ({ type, isRateReserved }) => !isRateReserved && types.get(type)?.rateLimit !== undefined,
  )
  return [...new Map(limited.map((task) => [rateKeyOf(rateOf(task)), rateOf(task)])).values()]
}

function rateOf({ accountId, type, concurrencyKey }: WaitingTask): Omit<Rate, 'nextAt'> {
  return { accountId, type, key: concurrencyKey ?? '' }
}

function keyOf({ accountId, key }: { accountId: string; key: string }): CompositeKey {
  return compositeKey(accountId, key)
}

function rateKeyOf({ accountId, type, key }: Omit<Rate, 'nextAt'>): CompositeKey {
  return compositeKey(accountId, type, key)
}
