import { z } from 'zod'
import type { Caller } from '#domain/access/service.ts'
import { LeaseLost, TaskNotFound } from '#domain/tasks/errors.ts'
import { type TaskEventData, taskEvent } from '#domain/tasks/events.ts'
import type { ProgressBoard } from '#domain/tasks/progress-board.ts'
import { cutText, storableText } from '#domain/tasks/runner/text.ts'
import { countReported, findAttempt, type ReportingAttempt } from '#domain/tasks/store/leases.ts'
import { insertLogs, type LogLine, saveSteps } from '#domain/tasks/store/output.ts'
import { outputLimits } from '#domain/tasks/task-type.ts'
import { createBatcher } from '#lib/batcher.ts'
import { type CompositeKey, compositeKey } from '#lib/composite-key.ts'
import { isId } from '#lib/ids.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { Transact, Transaction } from '#platform/database/transaction.ts'
import { parsed } from './claim-request.ts'
import { type PartReport, partReport, writePart } from './part-report.ts'
import { leaseFields } from './remote-worker.ts'

/** Log lines and parts in one request. */
const maxLines = 1_000
const maxParts = 10
/** How many requests one transaction writes at most. */
const reportsAtOnce = 200

const reportedParts = z.strictObject({ parts: z.array(partReport).max(maxParts) })
const report = z.strictObject({
  ...leaseFields,
  logs: z.array(z.string()).max(maxLines).default([]),
})
export type Report = z.input<typeof report> & { readonly parts?: readonly PartReport[] | undefined }

/** What came of a report. */
export interface ReportOutcome {
  /** Log lines that were dropped, since an attempt can have no more. */
  readonly droppedLines: number
}

interface Output {
  readonly caller: Caller
  readonly taskId: string
  readonly fence: number
  readonly lines: readonly string[]
  readonly step: string | undefined
  readonly progress: number | undefined
}

export interface ReporterDeps {
  readonly sql: Sql
  readonly transact: Transact
  readonly board: ProgressBoard
}

/** Takes what attempts of remote workers say; requests that come at the same time are written together. */
export type Reporter = ReturnType<typeof createReporter>

export function createReporter({ sql, transact, board }: ReporterDeps) {
  const write = createBatcher<Output, ReportOutcome | Error>({
    maxSize: reportsAtOnce,
    run: (outputs) => transact((tx) => writeOutputs(tx, outputs)),
  })

  /** Writes log lines, the step and the progress of an attempt. @throws {TaskNotFound} @throws {LeaseLost} */
  async function say(output: Output): Promise<ReportOutcome> {
    const outcome = await write(output)
    if (outcome instanceof LeaseLost) await mustBeVisible(sql, output)
    if (outcome instanceof Error) throw outcome
    return outcome
  }

  async function writeOutputs(tx: Transaction, outputs: readonly Output[]): Promise<(ReportOutcome | Error)[]> {
    tx.quiet('reports without a step and without lines')
    const byLease = Map.groupBy(outputs, (output) => keyOf(refOf(output)))
    const asked = [...byLease.values()].map((own) => ({
      ...refOf(own[0] as Output),
      lines: own.reduce((sum, { lines }) => sum + lines.length, 0),
    }))
    const attempts = new Map((await countReported(tx, asked)).map((one) => [keyOf(one), one]))
    const written: Written = { lines: [], steps: [] }
    const outcomes = new Map<Output, ReportOutcome | Error>()
    for (const [key, own] of byLease) {
      const { taskId, fence } = own[0] as Output
      const attempt = attempts.get(key)
      const total = own.reduce((sum, { lines }) => sum + lines.length, 0)
      let place = (attempt?.lines ?? 0) - total
      for (const output of own) {
        outcomes.set(
          output,
          attempt === undefined ? new LeaseLost(taskId, fence) : note(tx, output, attempt, place, written),
        )
        place += output.lines.length
      }
    }
    await insertLogs(tx, written.lines)
    await saveSteps(tx, written.steps)
    return outputs.map((output) => outcomes.get(output) as ReportOutcome | Error)
  }

  /** Takes one report of an attempt that has reported `place` lines before. */
  function note(
    tx: Transaction,
    { caller, lines, step, progress }: Output,
    attempt: ReportingAttempt,
    place: number,
    written: Written,
  ): ReportOutcome | Error {
    const { accountId, taskId } = attempt
    if (!caller.can('tasks:work', attempt.type)) return new TaskNotFound(taskId)
    if (progress !== undefined) board.note(attempt, progress)
    if (step !== undefined && step !== attempt.step) {
      written.steps.push({ accountId, taskId, step })
      tx.journal(taskEvent('task.step', attempt, caller.by(), { ...eventData(attempt), step }))
    }
    const kept = lines.slice(0, Math.max(0, outputLimits.logLines - place))
    for (const [index, text] of kept.entries()) addLine(tx, caller, attempt, place + index + 1, text, written)
    if (kept.length < lines.length && place <= outputLimits.logLines)
      addLine(tx, caller, attempt, outputLimits.logLines + 1, '[signalbox] Further log lines were dropped.', written)
    return { droppedLines: lines.length - kept.length }
  }

  /**
   * Takes what an attempt says. Log lines beyond those that an attempt can have are dropped. @throws {InvalidInput}
   * @throws {TaskNotFound} @throws {LeaseLost}
   */
  async function reportTask(caller: Caller, { parts = [], ...request }: Report): Promise<ReportOutcome> {
    caller.must('tasks:work')
    const { taskId, fence, logs: lines, progress, step } = parsed(report, 'The report', request)
    const wanted = parsed(reportedParts, 'The report', { parts: [...parts] }).parts
    if (!isId(taskId)) throw new TaskNotFound(taskId)
    const outcome = await say({ caller, taskId, fence, lines, step, progress })
    for (const part of wanted) await writePart(transact, caller, { taskId, fence }, part)
    return outcome
  }

  return { say, reportTask }
}

/** @throws {TaskNotFound} when there is no such task, or the caller may not know of it. */
async function mustBeVisible(sql: Sql, { caller, taskId }: Output): Promise<void> {
  const attempt = await findAttempt(sql, caller.accountId, taskId)
  if (attempt === undefined || !caller.can('tasks:work', attempt.type)) throw new TaskNotFound(taskId)
}

interface Written {
  readonly lines: LogLine[]
  readonly steps: { readonly accountId: string; readonly taskId: string; readonly step: string }[]
}

function addLine(
  tx: Transaction,
  caller: Caller,
  attempt: ReportingAttempt,
  place: number,
  text: string,
  { lines }: Written,
): void {
  const { accountId, taskId, number, fence } = attempt
  const seq = BigInt(fence) * 1_000_000n + BigInt(place)
  const message = storableText(cutText(text, outputLimits.logLineLength))
  lines.push({ accountId, taskId, seq, attempt: number, at: new Date(), message })
  const log = { seq: seq.toString(), message }
  tx.journal(taskEvent('task.log', attempt, caller.by(), { ...eventData(attempt), log }))
}

/** On each event about an attempt's output. */
function eventData({ type, priority, labels, number }: ReportingAttempt): TaskEventData {
  return { type, priority, status: 'ACTIVE', attempt: number, labels }
}

function refOf({ caller, taskId, fence }: Output) {
  return { accountId: caller.accountId, principalId: caller.principalId, taskId, fence }
}

function keyOf({ accountId, principalId, taskId, fence }: ReturnType<typeof refOf>): CompositeKey {
  return compositeKey(accountId, principalId, taskId, fence)
}
