import { followEvents } from '#client/follow-events.ts'
import { followTask, hasEnded } from '#client/follow-task.ts'
import { TaskDetailsDocument, type TaskDetailsQuery } from '#client/generated/graphql.ts'
import type { Refetch } from './refetch.ts'
import type { Sink } from './resource.ts'
import { type QueryState, querySource, quietly } from './use-query.ts'
import { keyOf, useResource } from './use-resource.ts'
import { changesOf } from './use-tasks.ts'

/** A task with its attempts, parts and result; null: there is none, or the caller may not see it. */
export type TaskData = TaskDetailsQuery['task']

/** A task as it is now, through all its attempts, also those that somebody asks for after its end. */
export function useTask(id: string, { skip = false }: { readonly skip?: boolean } = {}): QueryState<TaskData> {
  const { data, ...state } = useResource<TaskDetailsQuery>(
    skip ? undefined : keyOf('task', id),
    querySource(TaskDetailsDocument, { id }, (sink, refetch) => quietly(sink, () => follow(sink, refetch, id))),
  )
  return { ...state, data: data?.task }
}

async function follow(sink: Sink<TaskDetailsQuery>, refetch: Refetch, id: string): Promise<void> {
  for (;;) {
    await followAttempts(sink, refetch, id)
    await untilRetried(sink, refetch, id)
  }
}

async function followAttempts(sink: Sink<TaskDetailsQuery>, refetch: Refetch, id: string): Promise<void> {
  for await (const update of followTask(
    sink.client,
    id,
    sink.follow(() => refetch.connected()),
  )) {
    if (update.kind === 'STATE' || update.kind === 'STATUS' || update.kind === 'PART') refetch.soon()
    const task = sink.data?.task
    if (task != null && !hasEnded(task.status) && (update.kind === 'PROGRESS' || update.kind === 'STEP'))
      sink.set({ task: { ...task, ...changesOf(update) } })
  }
}

/** A stream of a task ends with it; a retry begins another. */
async function untilRetried(sink: Sink<TaskDetailsQuery>, refetch: Refetch, id: string): Promise<void> {
  const selection = { types: ['task.retried', 'task.started', 'task.logs_deleted'], subject: `task:${id}` }
  for await (const { type } of followEvents(sink.client, selection, sink.follow())) {
    refetch.soon()
    if (type !== 'task.logs_deleted') return
  }
}
