import type { Actor } from '#platform/journal/entry.ts'

export const pauseKinds = ['PRIORITY', 'TYPE', 'CONCURRENCY_KEY'] as const
/** What a pause is for: all tasks of a priority, of a type, or with a concurrency key. */
export type PauseKind = (typeof pauseKinds)[number]

/** How many pauses an account may have. */
export const maxPauses = 1_000

/** Which tasks of an account are paused. */
export interface PauseRef {
  readonly accountId: string
  readonly kind: PauseKind
  readonly value: string
}

/** As long as it is there, tasks that it is for are not started; those that run go on. */
export interface Pause extends PauseRef {
  readonly reason: string | null
  readonly pausedBy: Actor
  readonly pausedAt: Date
}

/** Whether a pause is for this task. */
export function isFor(
  { accountId, kind, value }: PauseRef,
  task: {
    readonly accountId: string
    readonly priority: string
    readonly type: string
    readonly concurrencyKey: string | null
  },
): boolean {
  const own = { PRIORITY: task.priority, TYPE: task.type, CONCURRENCY_KEY: task.concurrencyKey }
  return accountId === task.accountId && own[kind] === value
}
