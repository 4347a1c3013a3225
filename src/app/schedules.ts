import { StandIns } from '#domain/access/standing-rights.ts'
import { createScheduleService, type ScheduleService } from '#domain/tasks/schedules/schedule-commands.ts'
import { Scheduler } from '#domain/tasks/schedules/scheduler.ts'
import type { Submitter } from '#domain/tasks/submitter.ts'
import { createTaskPlanner, type TaskPlannerDeps } from '#domain/tasks/task-planner.ts'
import { systemClock } from '#lib/clock.ts'
import type { AppContext } from './app-context.ts'

/** Schedules, and what creates their runs. */
export function openSchedules(
  { data, quotas, log, cleanup }: AppContext,
  { submitter, ...types }: Pick<TaskPlannerDeps, 'types' | 'registered'> & { readonly submitter: Submitter },
): ScheduleService {
  const { database: sql, transact, tail } = data
  const standIns = new StandIns('schedule')
  const planner = createTaskPlanner({ ...types, clock: systemClock })
  const shared = { sql, transact, planner, submitter, quotas }
  const standInOf: StandIns['of'] = (tx, accountId, request) => standIns.of(tx, accountId, request)
  const scheduler = new Scheduler({ ...shared, standInOf, log })
  const unlisten = [
    tail.listen((entry) => standIns.onJournalEntry(entry)),
    tail.listen((entry) => scheduler.onJournalEntry(entry)),
    tail.onCut(() => standIns.forgetAll()),
  ]
  cleanup.add(async () => {
    for (const stop of unlisten) stop()
    await scheduler.stop()
  })
  scheduler.start()
  return createScheduleService({ ...shared, clock: systemClock })
}
