import type { Caller } from '#domain/access/service.ts'
import { type ChildCommandsDeps, createChildCommands } from './child-commands.ts'
import { createDecisionCommands, type DecisionCommandsDeps } from './durable/decision-commands.ts'
import { createPauseCommands, type PauseCommandsDeps } from './pause-commands.ts'
import { createSubmitCommands, type SubmitCommandsDeps } from './submit-commands.ts'
import { createTaskCommands, type TaskCommandsDeps } from './task-commands.ts'
import { createTaskReads, type TaskReadsDeps } from './task-reads.ts'
import { type StatsRequest, taskStats } from './task-stats.ts'
import { createTaskWaits } from './task-waits.ts'
import { createWorkerCommands } from './worker-commands.ts'

export type TaskServiceDeps = SubmitCommandsDeps &
  ChildCommandsDeps &
  TaskCommandsDeps &
  PauseCommandsDeps &
  DecisionCommandsDeps &
  TaskReadsDeps

/** Everything that can be done with tasks; the only way in for callers. */
export type TaskService = ReturnType<typeof createTaskService>
export type { Submission } from './submission.ts'

export function createTaskService(deps: TaskServiceDeps) {
  const submits = createSubmitCommands(deps)
  const reads = createTaskReads(deps)
  const updates = (caller: Caller, id: string) => reads.updates(caller, id, undefined)
  return {
    ...submits,
    ...createTaskWaits({ submit: submits.submit, updates }),
    ...createChildCommands(deps),
    ...createTaskCommands(deps),
    ...createPauseCommands(deps),
    ...createDecisionCommands(deps),
    ...reads,
    ...createWorkerCommands(deps),
    /** @see taskStats */
    stats: (caller: Caller, wanted: StatsRequest) => taskStats(deps.sql, caller, wanted),
  }
}
