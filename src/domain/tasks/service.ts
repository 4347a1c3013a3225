import { type ChildCommandsDeps, createChildCommands } from './child-commands.ts'
import { createPauseCommands, type PauseCommandsDeps } from './pause-commands.ts'
import { createSubmitCommands, type SubmitCommandsDeps } from './submit-commands.ts'
import { createTaskCommands, type TaskCommandsDeps } from './task-commands.ts'
import { createTaskReads, type TaskReadsDeps } from './task-reads.ts'

export type TaskServiceDeps = SubmitCommandsDeps &
  ChildCommandsDeps &
  TaskCommandsDeps &
  PauseCommandsDeps &
  TaskReadsDeps

/** Everything that can be done with tasks; the only way in for callers. */
export type TaskService = ReturnType<typeof createTaskService>
export type { Submission } from './submission.ts'

export function createTaskService(deps: TaskServiceDeps) {
  return {
    ...createSubmitCommands(deps),
    ...createChildCommands(deps),
    ...createTaskCommands(deps),
    ...createPauseCommands(deps),
    ...createTaskReads(deps),
  }
}
