import { followTasks } from '#client/follow-tasks.ts'
import { type TaskFilter, type TaskOrder, type TaskSummaryFragment, TasksDocument } from '#client/generated/graphql.ts'
import { type List, type ListState, useList } from './use-list.ts'
import { type Follow, quietly } from './use-query.ts'
import { keyOf } from './use-resource.ts'

export interface TasksOptions {
  readonly where?: TaskFilter | undefined
  /** Default: newest first. */
  readonly orderBy?: TaskOrder | undefined
  /** Tasks in a page, 1 to 200. Default: 50. */
  readonly pageSize?: number | undefined
  readonly skip?: boolean | undefined
}

const defaultPageSize = 50

/** The tasks that match, page by page; their states and progress change as they run, and new ones appear. */
export function useTasks({
  where,
  orderBy = 'NEWEST_FIRST',
  pageSize = defaultPageSize,
  skip = false,
}: TasksOptions = {}): ListState<TaskSummaryFragment> {
  const variables = { where, orderBy, first: pageSize }
  return useList(skip ? undefined : keyOf('tasks', variables), {
    document: TasksDocument,
    variables,
    select: ({ tasks }) => tasks,
    idOf: ({ id }) => id,
    follow: followList(where),
  })
}

/** Progress goes into its row at once; any other change fetches the matching tasks again. */
function followList(where: TaskFilter | undefined): Follow<List<TaskSummaryFragment>> {
  // A task that does not match any more would leave a stream of those that match without a word.
  const { status: _, ...lasting } = where ?? {}
  const { createdFrom: __, createdTo: ___, ...feed } = lasting
  return (sink, refetch) =>
    quietly(sink, async () => {
      for await (const update of followTasks(
        sink.client,
        feed,
        sink.follow(() => refetch.connected()),
      )) {
        if (update.kind === 'STATUS') refetch.soon()
        if (update.kind !== 'PROGRESS' && update.kind !== 'STEP') continue
        const list = sink.data
        if (!list?.nodes.some(({ id }) => id === update.taskId)) continue
        const nodes = list.nodes.map((task) => (task.id === update.taskId ? { ...task, ...changesOf(update) } : task))
        sink.set({ ...list, nodes })
      }
    })
}

/** What an update of a running task says of it. */
export function changesOf(update: {
  readonly progress?: number | null
  readonly step?: string | null
  readonly attempt?: number | null
}): Partial<Pick<TaskSummaryFragment, 'progress' | 'currentStep' | 'attempt'>> {
  const { progress, step, attempt } = update
  return {
    ...(progress != null && { progress }),
    ...(step != null && { currentStep: step }),
    ...(attempt != null && { attempt }),
  }
}
