import type { Caller } from '#domain/access/service.ts'
import type { By, NewEntry } from '#platform/journal/entry.ts'
import type { Priority, TaskStatus } from './task.ts'
import type { TaskError } from './task-error.ts'

/** What streams of tasks show: `task.log`, `task.step` and `task.part` are output, the others the life cycle. */
export const taskEventTypes = [
  'task.submitted',
  'task.started',
  'task.completed',
  'task.failed',
  'task.cancel_requested',
  'task.cancel_acknowledged',
  'task.cancelled',
  'task.retried',
  'task.released',
  'task.lost',
  'task.preempted',
  'task.held',
  'task.due',
  'task.ready',
  'task.waiting',
  'task.approval_requested',
  'task.approved',
  'task.rejected',
  'task.signalled',
  'task.continued',
  'task.step',
  'task.part',
  'task.log',
] as const
export type TaskEventType =
  | (typeof taskEventTypes)[number]
  | 'task.logs_deleted'
  | 'task.paused'
  | 'task.resumed'
  | 'task.type_registered'
  | 'task.type_removed'

/** Left out of event lists unless asked for by name: log lines are many. */
export const quietEventTypes: readonly string[] = ['task.log']

/** Events about a task's output rather than about somebody's action. */
export const outputEventTypes: readonly string[] = ['task.step', 'task.part', 'task.log']

/** On every entry about a task, so that streams can be filtered without asking the database. */
export interface TaskEventData {
  readonly type: string
  readonly priority: Priority
  /** After the event. */
  readonly status: TaskStatus
  readonly attempt: number
  /** Of `task.submitted` and `task.ready`: unless it is 0. */
  readonly rank?: number
  /** Of `task.submitted`: the task that it is part of. */
  readonly parentId?: string
  /** Of `task.submitted`: the tasks that it starts after. */
  readonly dependsOn?: readonly string[]
  readonly labels: Readonly<Record<string, string>>
  readonly error?: Pick<TaskError, 'code' | 'message' | 'retryable'>
  readonly reason?: string
  /** Of `task.held`: why it may not start yet. Of `task.waiting`: what kind of thing it waits for. */
  readonly waiting?: string
  /** Of `task.waiting`: the name of what it waits for. */
  readonly waitsFor?: string
  /** The task that it waits for. */
  readonly awaitedTask?: string
  /** What an approval is for. */
  readonly approval?: string
  /** Until when an approval can be given. */
  readonly expiresAt?: string
  readonly comment?: string
  /** The name of a signal. */
  readonly signal?: string
  /** When the next attempt is due. */
  readonly runAt?: string
  readonly step?: string
  readonly part?: {
    readonly name: string
    readonly contentType: string
    readonly sizeBytes: number
    readonly sha256: string
  }
  /** Absent once the task's log was deleted. */
  readonly log?: { readonly seq: string; readonly message: string }
  /** Of `task.retried`: somebody gave it another input. */
  readonly inputChanged?: boolean
  /** Of `task.logs_deleted`: how many lines. */
  readonly lines?: number
}

export function taskSubject(taskId: string): string {
  return `task:${taskId}`
}

/** The task that an entry is about; undefined for entries about other things. */
export function taskIdOf(subject: string): string | undefined {
  return subject.startsWith('task:') ? subject.slice('task:'.length) : undefined
}

/** Whether the caller may see an entry about a task, by the task's type, which each entry names. */
export function mayHearOfTask(caller: Caller, data: NewEntry['data']): boolean {
  return caller.can('tasks:read', String(data['type']))
}

export function taskEvent(
  type: TaskEventType,
  task: { accountId: string; taskId: string },
  { actor, origin }: By,
  data: TaskEventData,
): NewEntry {
  return { accountId: task.accountId, type, subject: taskSubject(task.taskId), actor, origin, data: { ...data } }
}
