import type { Sql } from '#platform/database/sql.ts'
import { deleteEndedSchedules } from './schedules/store.ts'
import { forgetIdleKeys } from './store/concurrency.ts'
import { forgetIdleRates } from './store/rates.ts'
import { deleteOldTasks, expireResults } from './store/retention.ts'
import { forgetPastShares } from './store/shares.ts'
import { forgetIdleWorkerShares } from './store/worker-lanes.ts'

/** Rows in one statement, so that no statement holds others up. */
const batchSize = 500

export interface TaskRetention {
  /** Results and parts are kept this many days after the task's end. */
  readonly resultDays: number
  /** Tasks and schedules are kept this many days after their end. */
  readonly taskDays: number
}

/** Deletes what is known of concurrency keys, rates and turns that hold nobody back; harmless to repeat. */
export async function forgetIdleLimits(sql: Sql): Promise<void> {
  while ((await forgetIdleKeys(sql, batchSize)) === batchSize);
  while ((await forgetIdleRates(sql, batchSize)) === batchSize);
  while ((await forgetPastShares(sql, batchSize)) === batchSize);
  while ((await forgetIdleWorkerShares(sql, batchSize)) === batchSize);
}

/** Deletes what is older than its retention; harmless to repeat, also by several processes. */
export async function applyTaskRetention(sql: Sql, retention: TaskRetention): Promise<void> {
  while ((await deleteOldTasks(sql, retention.taskDays, batchSize)) === batchSize);
  while ((await expireResults(sql, retention.resultDays, batchSize)) === batchSize);
  while ((await deleteEndedSchedules(sql, retention.taskDays, batchSize)) === batchSize);
}
