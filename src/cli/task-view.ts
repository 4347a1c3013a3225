import type { TaskOutcomeQuery, TaskUpdate } from '#client/index.ts'

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
