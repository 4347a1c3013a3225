import { z } from 'zod'
import type { Caller } from '#domain/access/service.ts'
import { WorkerNotFound } from '#domain/tasks/errors.ts'
import type { ProgressBoard } from '#domain/tasks/progress-board.ts'
import { type LeaseRef, renewLeases } from '#domain/tasks/store/leases.ts'
import { findRemoteWorker } from '#domain/tasks/store/workers.ts'
import { isId } from '#lib/ids.ts'
import type { Sql } from '#platform/database/sql.ts'
import { parsed } from './claim-request.ts'
import type { LeaseSignals } from './lease-signals.ts'
import { leaseFields, maxWaitMs, workerName } from './remote-worker.ts'
import type { Reporter } from './reporter.ts'

export interface HeartbeatCommandsDeps {
  readonly sql: Sql
  readonly board: ProgressBoard
  readonly reporter: Reporter
  readonly signals: LeaseSignals
}

/** How many leases one heartbeat can renew. */
const maxRenewed = 1_000

const heartbeat = z.strictObject({
  worker: workerName,
  leases: z.array(z.strictObject(leaseFields)).max(maxRenewed),
  /** How long to wait for news, in milliseconds. */
  waitMs: z.int().min(0).max(maxWaitMs).default(0),
})
export type Heartbeat = z.input<typeof heartbeat>

/** What a heartbeat says of one lease. */
export interface LeaseState {
  readonly taskId: string
  /** Until when it lasts without another heartbeat; undefined when it is lost. */
  readonly leaseUntil: Date | undefined
  /** Somebody has asked the task to stop. */
  readonly cancelRequested: boolean
  /** Another attempt may have begun: the work is to be dropped. */
  readonly lost: boolean
}

/** The commands by which remote workers keep their leases. */
export function createHeartbeatCommands({ sql, board, reporter, signals }: HeartbeatCommandsDeps) {
  /**
   * Renews leases and takes note of progress. With `waitMs`, an answer comes as soon as a lease is lost or its task is to
   * stop, and otherwise after that time. @throws {InvalidInput} @throws {WorkerNotFound} when the worker is not known (any more).
   */
  async function heartbeatTasks(caller: Caller, request: Heartbeat, left?: AbortSignal): Promise<LeaseState[]> {
    caller.must('tasks:work')
    const { worker: name, leases, waitMs } = parsed(heartbeat, 'The heartbeat', request)
    const { accountId, principalId } = caller
    const id = await findRemoteWorker(sql, { accountId, principalId, name })
    if (id === undefined) throw new WorkerNotFound(`"${name}"`)
    const asked = leases.filter(({ taskId }) => isId(taskId))
    const news = waitMs > 0 ? signals.listen(asked.map(({ taskId }) => taskId)) : undefined
    try {
      const states = await renew({ accountId, id }, leases, asked)
      for (const { taskId, fence, step, progress } of asked)
        if (step !== undefined && states.some((state) => state.taskId === taskId && !state.lost))
          await reporter.say({ caller, taskId, fence, lines: [], step, progress })
      if (news === undefined || states.some(({ lost, cancelRequested }) => lost || cancelRequested)) return states
      await news.within(waitMs, left)
      return await renew({ accountId, id }, leases, asked)
    } finally {
      news?.close()
    }
  }

  type ReportedLease = LeaseRef & { readonly progress?: number | undefined; readonly step?: string | undefined }

  async function renew(
    worker: { readonly accountId: string; readonly id: number },
    leases: readonly ReportedLease[],
    asked: readonly ReportedLease[],
  ): Promise<LeaseState[]> {
    const renewed = new Map((await renewLeases(sql, worker, asked)).map((lease) => [lease.taskId, lease]))
    for (const { taskId, progress } of asked) {
      const lease = renewed.get(taskId)
      if (lease !== undefined && progress !== undefined) board.note(lease, progress)
    }
    return leases.map(({ taskId, fence }) => {
      const lease = renewed.get(taskId)
      if (lease === undefined || lease.fence !== fence)
        return { taskId, leaseUntil: undefined, cancelRequested: false, lost: true }
      return { taskId, leaseUntil: lease.until, cancelRequested: lease.isCancelRequested, lost: false }
    })
  }

  return { heartbeatTasks }
}
