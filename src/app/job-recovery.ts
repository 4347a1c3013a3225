import { completeCancellations } from '#domain/tasks/cancellation.ts'
import { releaseWhereRoom } from '#domain/tasks/held-tasks.ts'
import { replaceLostJobs } from '#domain/tasks/lost-jobs.ts'
import { releaseAllResumed } from '#domain/tasks/pause-commands.ts'
import type { TaskTypes } from '#domain/tasks/task-type.ts'
import { restartTurns } from '#domain/tasks/turns.ts'
import { allowLostRetries } from '#domain/webhooks/retry-jobs.ts'
import type { Actor } from '#platform/journal/entry.ts'
import { WorkLoop } from '#platform/work/work-loop.ts'
import type { AppContext } from './app-context.ts'

const lookIntervalMs = 60_000
const recoverer: Actor = { kind: 'system', id: 'recovery', name: 'recovery' }

/** Finds what waits for jobs that are gone: at the start, since the database may come from a backup, and every minute. */
export function startJobRecovery({ data, log, cleanup }: AppContext, types: TaskTypes): void {
  const deps = { sql: data.database, transact: data.transact, queue: data.queue, types }
  const periodic = new WorkLoop({
    name: 'lost jobs',
    intervalMs: lookIntervalMs,
    log,
    async work() {
      const [tasks, deliveries] = [await replaceLostJobs(deps), await allowLostRetries(deps)]
      if (tasks + deliveries > 0)
        log.warn({ tasks, deliveries }, 'jobs were missing from the queue and were created again')
      await releaseWhereRoom(deps)
      await restartTurns(deps)
      await releaseAllResumed(deps)
      await completeCancellations(deps, { actor: recoverer })
    },
  })
  periodic.start(0)
  cleanup.add(() => periodic.stop())
}
