import { queueNames as taskQueues } from '#domain/tasks/jobs.ts'
import { retryQueue } from '#domain/webhooks/retry-jobs.ts'

/** All queues of pg-boss that are used. */
export const queueNames: readonly string[] = [...taskQueues, retryQueue]
