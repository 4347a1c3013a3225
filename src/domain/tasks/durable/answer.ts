import { setTimeout as sleep } from 'node:timers/promises'
import { taskEvent } from '#domain/tasks/events.ts'
import { findHeld } from '#domain/tasks/store/output.ts'
import { takeSignal } from '#domain/tasks/store/signals.ts'
import { countSteps, findStep, insertStep } from '#domain/tasks/store/steps.ts'
import { countWaits, endWait, findAwaited, findWait, insertWait, type WaitRow } from '#domain/tasks/store/waits.ts'
import { type Attempt, hasEnded } from '#domain/tasks/task.ts'
import { maySubmitterDecide, type TaskTypes } from '#domain/tasks/task-type.ts'
import { compositeKey } from '#lib/composite-key.ts'
import { isId } from '#lib/ids.ts'
import { isRefusedData } from '#platform/database/refusal.ts'
import type { Transact, Transaction } from '#platform/database/transaction.ts'
import type { Actor } from '#platform/journal/entry.ts'
import type { Logger } from '#platform/telemetry/log.ts'
import {
  type DurableReplies,
  type DurableReply,
  type DurableRequest,
  durableLimits,
  durableRequest,
} from './protocol.ts'

/** Answers what attempts ask for so that later attempts of their tasks know it; runs in the server's process. */
export type AnswerDurable = (request: unknown, attempt: Attempt, stop: AbortSignal) => Promise<DurableReply>

export interface DurableDeps {
  readonly transact: Transact
  readonly types: TaskTypes
  readonly log: Logger
}

const failureDelayMs = 500

type Ask<Kind extends DurableRequest['kind']> = Extract<DurableRequest, { kind: Kind }>

/** Thrown within a transaction, so that nothing of it is kept. */
class Refusal extends Error {
  readonly code: string
  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

/**
 * Answers what attempts ask for. While the database takes nothing, an attempt waits for its answer; each request can be
 * repeated.
 */
export function createDurableAnswers({ transact, types, log }: DurableDeps): AnswerDurable {
  const quietly = transact.quiet('what a task remembers')

  function answer(asked: DurableRequest, attempt: Attempt): Promise<DurableReplies[keyof DurableReplies]> {
    if (asked.kind === 'findStep') return quietly(async (tx) => ({ json: await findStep(tx, attempt, asked.name) }))
    if (asked.kind === 'keepStep') return quietly((tx) => keepStep(tx, asked, attempt))
    const type = types.get(attempt.type)
    const mayDecide = type === undefined || maySubmitterDecide(type, attempt.input)
    return quietly((tx) => wait(tx, asked, attempt, mayDecide))
  }

  async function answerWhenPossible(asked: DurableRequest, attempt: Attempt, stop: AbortSignal) {
    for (;;) {
      try {
        return await answer(asked, attempt)
      } catch (error) {
        if (error instanceof Refusal || isRefusedData(error) || stop.aborted) throw error
        log.warn(
          { err: error, taskId: attempt.taskId },
          'what a task should remember could not be written; trying again',
        )
        await sleep(failureDelayMs)
      }
    }
  }

  return async (request, attempt, stop) => {
    const asked = durableRequest.safeParse(request)
    if (!asked.success) return { refused: { code: 'INVALID_NAME', message: nameFault(asked.error.issues) } }
    try {
      return { answer: await answerWhenPossible(asked.data, attempt, stop) }
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      return { refused: { code: error.code, message: error.message } }
    }
  }
}

function nameFault(issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[]): string {
  const [{ path, message } = { path: [], message: 'not understood' }] = issues
  return `A step or a wait is not valid: ${path.map(String).join('.')}: ${message}.`
}

/** @throws {Refusal} when the attempt no longer holds its task */
async function mustHold(tx: Transaction, attempt: Attempt): Promise<void> {
  if ((await findHeld(tx, [attempt])).length === 0)
    throw new Refusal('ATTEMPT_LOST', 'The task was taken from the attempt.')
}

async function keepStep(tx: Transaction, { name, startedAt, json }: Ask<'keepStep'>, attempt: Attempt): Promise<null> {
  await mustHold(tx, attempt)
  const { steps, stepBytes } = durableLimits
  if (Buffer.byteLength(json) > stepBytes)
    throw new Refusal('STEP_RESULT_TOO_LARGE', `The result of the step "${name}" is too large to be kept.`)
  if ((await countSteps(tx, attempt)) >= steps)
    throw new Refusal('TOO_MANY_STEPS', `A task can have at most ${steps.toLocaleString('en')} steps.`)
  await insertStep(tx, attempt, { name, attempt: attempt.number, startedAt, json })
  return null
}

async function wait(
  tx: Transaction,
  asked: Ask<'wait'>,
  attempt: Attempt,
  maySubmitterDecide: boolean,
): Promise<DurableReplies['wait']> {
  await mustHold(tx, attempt)
  const key = compositeKey(asked.for, asked.name, String(asked.occurrence))
  const row = (await findWait(tx, attempt, key)) ?? (await begin(tx, asked, attempt, { key, maySubmitterDecide }))
  const ended = row.endedAt === null ? await endIfOver(tx, row, attempt) : row
  if (ended === undefined) return { open: { key, kind: row.kind, name: row.name } }
  const { outcome, value, endedBy: by, comment, endedAt } = ended
  return { over: { outcome: outcome ?? 'TIMED_OUT', value, by, comment, at: endedAt ?? new Date() } }
}

async function begin(
  tx: Transaction,
  { for: kind, name, timeoutMs }: Ask<'wait'>,
  attempt: Attempt,
  { key, maySubmitterDecide }: { readonly key: string; readonly maySubmitterDecide: boolean },
): Promise<WaitRow> {
  const { waits } = durableLimits
  if ((await countWaits(tx, attempt)) >= waits)
    throw new Refusal('TOO_MANY_WAITS', `A task can wait at most ${waits.toLocaleString('en')} times.`)
  if (kind === 'TASK') await mustExist(tx, attempt, name)
  const awaitedTaskId = kind === 'TASK' ? name : undefined
  const wait = { key, kind, name, awaitedTaskId, maySubmitterDecide, attempt: attempt.number, timeoutMs }
  const row = await insertWait(tx, attempt, wait)
  if (kind === 'APPROVAL') noteRequested(tx, attempt, row)
  const signal = kind === 'EVENT' ? await takeSignal(tx, attempt, name) : undefined
  if (signal === undefined) return row
  return endWait(tx, attempt, key, { outcome: 'SIGNALLED', value: signal.value, by: signal.sentBy })
}

async function mustExist(tx: Transaction, { accountId, taskId }: Attempt, id: string): Promise<void> {
  if (id === taskId) throw new Refusal('INVALID_WAIT', 'A task cannot wait for itself.')
  if (!isId(id) || (await findAwaited(tx, accountId, id)) === undefined)
    throw new Refusal('AWAITED_TASK_NOT_FOUND', `There is no task ${id} to wait for.`)
}

function noteRequested(tx: Transaction, attempt: Attempt, { name, deadline }: WaitRow): void {
  const { type, priority, labels, number, workerId } = attempt
  const actor: Actor = { kind: 'system', id: `worker-${workerId}`, name: `worker-${workerId}` }
  const data = { type, priority, labels, status: 'ACTIVE', attempt: number } as const
  const approval = { approval: name, expiresAt: deadline.toISOString() }
  tx.journal(taskEvent('task.approval_requested', attempt, { actor }, { ...data, ...approval }))
}

/** Ends a wait whose time has come; undefined while it hasn't. */
async function endIfOver(tx: Transaction, row: WaitRow, attempt: Attempt): Promise<WaitRow | undefined> {
  if (row.kind === 'TASK') {
    const awaited = await findAwaited(tx, attempt.accountId, row.name)
    if (awaited === undefined || hasEnded(awaited.status)) {
      const { status = 'CANCELLED', result = null, error = null } = awaited ?? {}
      const reason = error && { code: error.code, message: error.message }
      return endWait(tx, attempt, row.key, { outcome: 'ENDED', value: { id: row.name, status, result, error: reason } })
    }
  }
  if (!row.isDue) return undefined
  return endWait(tx, attempt, row.key, { outcome: row.kind === 'UNTIL' ? 'PASSED' : 'TIMED_OUT' })
}
