import { attemptJob, remoteQueue } from '#domain/tasks/jobs.ts'
import { waitForWorkers } from '#domain/tasks/waiting-again.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { Transact } from '#platform/database/transaction.ts'
import type { Queue } from '#platform/queue/queue.ts'
import type { Wake } from '#platform/wake/wake.ts'
import { hintAtDue } from './due-hints.ts'

export interface DueTasksDeps {
  readonly sql: Sql
  readonly transact: Transact
  readonly queue: Queue
  readonly wake: Wake
}

const movedAtOnce = 500

/** Lets tasks whose time has come wait for remote workers. Harmless to repeat, also by several processes. */
export async function moveDueTasks({ sql, transact, queue, wake }: DueTasksDeps): Promise<void> {
  while (await queue.hasDue(sql, remoteQueue)) {
    const accounts = await transact.quiet('tasks that are due for remote workers')(async (tx) => {
      const jobs = await queue.claim(tx, remoteQueue, movedAtOnce)
      const due = jobs.flatMap(({ id: jobId, data }) => {
        const { accountId, taskId } = attemptJob.parse(data)
        return taskId === undefined ? [] : [{ accountId, taskId, jobId }]
      })
      await waitForWorkers(tx, due)
      return due.map(({ accountId }) => accountId)
    })
    hintAtDue(wake, accounts)
    // Another process has them.
    if (accounts.length === 0) return
  }
}
