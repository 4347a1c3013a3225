import type { Command } from 'commander'
import type { Session } from '#cli/session.ts'
import { addTaskCancelCommand } from './task-cancel.ts'
import { addTaskApproveCommand, addTaskRejectCommand, addTaskSignalCommand } from './task-decide.ts'
import { addTaskListCommand } from './task-list.ts'
import { addTaskLogsCommand } from './task-logs.ts'
import { addTaskPartsCommand } from './task-parts.ts'
import { addTaskPauseCommand, addTaskPausesCommand, addTaskResumeCommand } from './task-pause.ts'
import { addTaskResultCommand } from './task-result.ts'
import { addTaskRetryCommand } from './task-retry.ts'
import { addTaskShowCommand } from './task-show.ts'
import { addTaskStatsCommand } from './task-stats.ts'
import { addTaskSubmitCommand } from './task-submit.ts'
import { addTaskTreeCommand } from './task-tree.ts'
import { addTaskTypesCommand } from './task-types.ts'
import { addTaskWatchCommand } from './task-watch.ts'

/** Everything about tasks. */
export function addTaskCommand(parent: Command, session: Session): void {
  const task = parent
    .command('task')
    .summary('submit tasks and watch them run')
    .description('Submits tasks, and shows their state, log and result.')
  for (const add of [
    addTaskTypesCommand,
    addTaskSubmitCommand,
    addTaskWatchCommand,
    addTaskListCommand,
    addTaskShowCommand,
    addTaskTreeCommand,
    addTaskLogsCommand,
    addTaskResultCommand,
    addTaskPartsCommand,
    addTaskCancelCommand,
    addTaskRetryCommand,
    addTaskApproveCommand,
    addTaskRejectCommand,
    addTaskSignalCommand,
    addTaskPauseCommand,
    addTaskResumeCommand,
    addTaskPausesCommand,
    addTaskStatsCommand,
  ])
    add(task, session)
}
