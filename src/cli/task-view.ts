import type { TaskOutcomeQuery, TaskSummaryFragment, TaskUpdate } from '#client/index.ts'
import { LiveTaskView } from './live-task-view.ts'
import type { Output } from './output.ts'
import { PlainTaskView } from './plain-task-view.ts'

export type TaskOutcome = NonNullable<TaskOutcomeQuery['task']>

/** How a task is shown while it is watched. */
export interface TaskView {
  /** Whether it shows what a person wants to see: the whole log, and steps only as they become known. */
  readonly isForPeople: boolean
  update(update: TaskUpdate): void
  log(message: string): void
  /** Why an attempt has failed, and when the next one comes. */
  attemptFailed(text: string): void
  remark(text: string): void
  end(task: TaskOutcome): void
  /** Leaves the screen as it should be; due also when the task has not ended. */
  close(): void
}

/** The view that suits the reader: a screen, a pipe, or a program. */
export function createTaskView(output: Output, task: TaskSummaryFragment, json: boolean): TaskView {
  if (json) return jsonView(output)
  return output.isTerminal ? new LiveTaskView(output, task) : new PlainTaskView(output)
}

/** The updates as the API gives them, one a line, and at the end `{ "kind": "END", "task": … }`. */
function jsonView(output: Output): TaskView {
  return {
    isForPeople: false,
    update: (update) => output.record(update),
    log() {},
    attemptFailed() {},
    remark: (text) => output.remark(text),
    end: (task) => output.record({ kind: 'END', task }),
    close() {},
  }
}
