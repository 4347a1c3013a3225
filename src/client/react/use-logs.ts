import { followTask } from '#client/follow-task.ts'
import { TaskLogsDocument, type TaskLogsQuery } from '#client/generated/graphql.ts'
import type { Live } from './live.ts'
import { Refetch } from './refetch.ts'
import type { Sink } from './resource.ts'
import { fetchData, quietly } from './use-query.ts'
import { keyOf, useResource } from './use-resource.ts'

/** A line that a task has written. */
export type LogLine = NonNullable<TaskLogsQuery['task']>['logs']['nodes'][number]

/** The lines of a task's log that are held. */
export interface Log {
  readonly lines: readonly LogLine[]
  /** Lines at the beginning that are held no longer. */
  readonly dropped: number
  /** Whether everything that was written by now has been read. */
  readonly isComplete: boolean
}

export interface LogsOptions {
  /** Lines that are held at most: the last ones. Default: 10,000. */
  readonly maxLines?: number | undefined
  readonly skip?: boolean | undefined
}

const defaultMaxLines = 10_000
const pageSize = 200

/**
 * The log of a task, line by line as it is written: each line once, in order, across restarts of the server. Every line is
 * read by its place in the log; what is live only says that there are more.
 */
export function useLogs(id: string, { maxLines = defaultMaxLines, skip = false }: LogsOptions = {}): Live<Log> {
  const { refresh: _, ...live } = useResource<Log>(skip ? undefined : keyOf('logs', id, maxLines), (sink) =>
    followLog(sink, id, maxLines),
  )
  return live
}

async function followLog(sink: Sink<Log>, id: string, maxLines: number): Promise<void> {
  const reader = new LogReader(sink, id, maxLines)
  const refetch = new Refetch(sink, () => reader.readOn())
  await Promise.all([
    refetch.now(),
    quietly(sink, async () => {
      for await (const { kind } of followTask(
        sink.client,
        id,
        sink.follow(() => refetch.connected()),
      ))
        if (kind !== 'PROGRESS' && kind !== 'STEP') refetch.soon()
      await refetch.now()
    }),
  ])
}

/** Reads a log from the place where it stopped. */
class LogReader {
  readonly #sink: Sink<Log>
  readonly #id: string
  readonly #maxLines: number
  #after: string | undefined

  constructor(sink: Sink<Log>, id: string, maxLines: number) {
    this.#sink = sink
    this.#id = id
    this.#maxLines = maxLines
  }

  async readOn(): Promise<void> {
    for (let hasMore = true; hasMore && !this.#sink.signal.aborted; ) {
      const variables = { id: this.#id, first: pageSize, after: this.#after }
      const { task } = await fetchData(this.#sink, TaskLogsDocument, variables)
      const page = task?.logs
      hasMore = page?.pageInfo.hasNextPage ?? false
      this.#after = page?.pageInfo.endCursor ?? this.#after
      this.#add(page?.nodes ?? [], !hasMore)
    }
  }

  #add(lines: readonly LogLine[], isComplete: boolean): void {
    const { lines: known = [], dropped = 0 } = this.#sink.data ?? {}
    const all = [...known, ...lines]
    const surplus = Math.max(0, all.length - this.#maxLines)
    this.#sink.set({ lines: all.slice(surplus), dropped: dropped + surplus, isComplete })
  }
}
