import { Caller } from '#domain/access/caller.ts'
import { byStranger } from '#domain/access/events.ts'
import { createHookService, type HookService } from '#domain/hooks/service.ts'
import type { Hook } from '#domain/hooks/verification.ts'
import type { TaskService } from '#domain/tasks/service.ts'
import { systemClock } from '#lib/clock.ts'
import { startLoop } from '#platform/work/work-loop.ts'
import type { AppContext } from './app-context.ts'

/** How often refused calls are journaled. */
const reportIntervalMs = 1_000

/** What other systems call. */
export function openHooks(
  { data, log, cleanup }: AppContext,
  tasks: TaskService,
  configured: readonly Hook[],
): HookService {
  const { database, transact } = data
  const hooks = createHookService({
    sql: database,
    transact,
    tasks,
    hooks: configured,
    createCaller: (identity, request) => new Caller(identity, request),
    byStranger,
    clock: systemClock,
    log,
  })
  const periodic = startLoop({
    name: 'refused hook calls',
    intervalMs: reportIntervalMs,
    log,
    work: () => hooks.reportRefused(),
  })
  cleanup.add(async () => {
    await periodic.stop()
    await hooks.stop()
  })
  return hooks
}
