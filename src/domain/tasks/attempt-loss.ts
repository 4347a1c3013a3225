import type { Attempt } from './task.ts'
import { type TaskError, workerLost } from './task-error.ts'

/** An attempt that is taken from its worker, and why. */
export interface AttemptLoss {
  readonly attempt: Attempt
  readonly error: TaskError
}

/** Why an attempt is taken from its worker, which has been silent for so long; undefined when it is dead. */
export function lossOf({ lockMs, timeoutMs }: Attempt, silentMs: number | undefined): TaskError {
  if (silentMs === undefined) return workerLost('The process that ran the task ended without reporting.')
  const format = (ms: number) => Math.floor(ms).toLocaleString('en')
  if (silentMs >= lockMs)
    return workerLost(`The process that runs the task gave no sign of life for ${format(silentMs)} ms.`)
  const message = `It did not end within ${format(timeoutMs)} ms, and the process that runs it gives no sign of life.`
  return { code: 'TIMEOUT', message, retryable: true }
}

/** The attempt ended here, and the database has forgotten that, as after a failover that lost its last commits. */
export const endForgotten = workerLost('How the attempt ended was lost with the former database server.')
