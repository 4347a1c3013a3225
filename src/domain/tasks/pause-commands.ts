import { z } from 'zod'
import type { Caller } from '#domain/access/service.ts'
import { compositeKey } from '#lib/composite-key.ts'
import { InvalidInput, invalidInput } from '#lib/errors.ts'
import { inWords, issuesOf } from '#lib/parse.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { Transact, Transaction } from '#platform/database/transaction.ts'
import type { NewEntry } from '#platform/journal/entry.ts'
import type { Queue } from '#platform/queue/queue.ts'
import { release } from './held-tasks.ts'
import { maxPauses, type Pause, type PauseKind, type PauseRef } from './pause.ts'
import { countPauses, deletePause, findPausedAccounts, insertPause, lockResumed, readPauses } from './store/pauses.ts'
import { type Priority, priorities } from './task.ts'

export interface PauseCommandsDeps {
  readonly sql: Sql
  readonly transact: Transact
  readonly queue: Queue
  /** Called when tasks of this priority wait in the queue again, as a hint to the dispatcher. */
  readonly onWaiting: (priority: Priority, due: 'now' | 'later') => void
}

/** Tasks that one transaction puts into the queue again. */
const releasedAtOnce = 500

const text = z.string().min(1).max(255)
const pauseRequest = z.strictObject({
  priority: z.enum(priorities).optional(),
  type: text.optional(),
  concurrencyKey: text.optional(),
  reason: z.string().max(500).optional(),
})
export type PauseRequest = z.input<typeof pauseRequest>

const kindOf = { priority: 'PRIORITY', type: 'TYPE', concurrencyKey: 'CONCURRENCY_KEY' } as const satisfies Record<
  string,
  PauseKind
>

/** The commands that keep tasks from starting, and let them start again. */
export function createPauseCommands({ sql, transact, queue, onWaiting }: PauseCommandsDeps) {
  /**
   * Keeps tasks of a priority, of a type, or with a concurrency key from starting; those that run go on. Takes effect
   * within a second in all processes. Pausing again replaces the reason. @throws {InvalidInput} @throws {Forbidden}
   */
  async function pauseTasks(caller: Caller, request: PauseRequest): Promise<Pause> {
    const { reason = null, ...ref } = parse(caller, request)
    return transact(async (tx) => {
      const pause = await insertPause(tx, { ...ref, reason, pausedBy: caller.by().actor })
      if ((await countPauses(tx, caller.accountId)) > maxPauses)
        throw new InvalidInput(`An account can have at most ${maxPauses} pauses.`)
      tx.journal(pauseEvent('task.paused', caller, pause, reason))
      return pause
    })
  }

  /** Lets tasks start again, unless another pause holds them; whether there was such a pause. @throws {InvalidInput} @throws {Forbidden} */
  async function resumeTasks(caller: Caller, request: Omit<PauseRequest, 'reason'>): Promise<boolean> {
    const ref = parse(caller, request)
    const wasPaused = await transact(async (tx) => {
      const isGone = await deletePause(tx, ref)
      if (isGone) tx.journal(pauseEvent('task.resumed', caller, ref, null))
      return isGone
    })
    if (wasPaused)
      for (const priority of await releaseResumed({ transact, queue }, ref.accountId)) onWaiting(priority, 'now')
    return wasPaused
  }

  /** What the caller's account has paused, in order. */
  async function pauses(caller: Caller): Promise<Pause[]> {
    const patterns = caller.mustSomewhere('tasks:read')
    const all = await readPauses(sql, [caller.accountId], maxPauses)
    return patterns === undefined
      ? all
      : all.filter(({ kind, value }) => kind === 'TYPE' && caller.can('tasks:read', value))
  }

  return { pauseTasks, resumeTasks, pauses }
}

/** Puts an account's tasks into the queue that no pause holds any more; returns their priorities. Harmless to repeat. */
async function releaseResumed(
  { transact, queue }: Pick<PauseCommandsDeps, 'transact' | 'queue'>,
  accountId: string,
): Promise<ReadonlySet<Priority>> {
  const released = new Set<Priority>()
  for (;;) {
    const count = await transact.quiet('tasks that are paused no longer')(async (tx: Transaction) => {
      const tasks = await lockResumed(tx, accountId, releasedAtOnce)
      for (const priority of await release(tx, queue, tasks)) released.add(priority)
      return tasks.length
    })
    if (count < releasedAtOnce) return released
  }
}

/** As {@link releaseResumed} for all accounts: a resumption may have been interrupted. */
export async function releaseAllResumed(deps: Pick<PauseCommandsDeps, 'sql' | 'transact' | 'queue'>): Promise<void> {
  for (const accountId of await findPausedAccounts(deps.sql)) await releaseResumed(deps, accountId)
}

function parse(caller: Caller, request: PauseRequest): PauseRef & { readonly reason?: string | undefined } {
  const parsed = pauseRequest.safeParse(request, inWords)
  if (!parsed.success) throw invalidInput('The pause', issuesOf(parsed.error))
  const { reason, ...wanted } = parsed.data
  const named = Object.entries(wanted).filter(([, value]) => value !== undefined) as [keyof typeof kindOf, string][]
  const [only] = named
  if (only === undefined || named.length > 1)
    throw new InvalidInput('Exactly one of priority, type and concurrencyKey must be given.')
  const [name, value] = only
  // A caller that may write tasks of some types only may not hold back others.
  caller.must('tasks:write', name === 'type' ? value : '*')
  return { accountId: caller.accountId, kind: kindOf[name], value, reason }
}

function pauseEvent(
  type: 'task.paused' | 'task.resumed',
  caller: Caller,
  { kind, value }: PauseRef,
  reason: string | null,
): NewEntry {
  const data = { kind, value, ...(kind === 'TYPE' && { type: value }), ...(reason !== null && { reason }) }
  return { accountId: caller.accountId, type, subject: `task-pause:${compositeKey(kind, value)}`, ...caller.by(), data }
}
