import { type FollowOptions, persist, type SignalboxClient, TaskLogsDocument } from '#client/index.ts'
import { found } from './found.ts'

export interface LogLine {
  readonly at: string
  readonly attempt: number
  readonly message: string
}

const pageSize = 200

/**
 * Reads a task's log from its beginning, each line once. Updates about log lines only tell it that there is something
 * new: so nothing is missed that was logged before the first update, nor twice what stands in both.
 */
export class TaskLogReader {
  readonly #client: SignalboxClient
  readonly #id: string
  readonly #onLine: (line: LogLine) => void
  readonly #options: Pick<FollowOptions, 'signal'>
  #cursor: string | null = null
  #reading: Promise<void> | undefined
  #isStale = false

  constructor(
    client: SignalboxClient,
    id: string,
    onLine: (line: LogLine) => void,
    options: Pick<FollowOptions, 'signal'> = {},
  ) {
    this.#client = client
    this.#id = id
    this.#onLine = onLine
    this.#options = options
  }

  /** There may be something new; it is read in the background. */
  hint(): void {
    this.#isStale = true
    this.#reading ??= this.#read()
    // The consumer gets the error.
    this.#reading.catch(() => undefined)
  }

  /** Reads everything that there is by now. @throws {SignalboxError} */
  async drain(): Promise<void> {
    this.hint()
    await this.#reading
  }

  async #read(): Promise<void> {
    while (this.#isStale) {
      this.#isStale = false
      while (await this.#readPage());
    }
    this.#reading = undefined
  }

  async #readPage(): Promise<boolean> {
    const { signal } = this.#options
    const variables = { id: this.#id, first: pageSize, after: this.#cursor }
    const { task } = await persist(() => this.#client.request(TaskLogsDocument, variables, { signal }), { signal })
    const { nodes, pageInfo } = found(task, `task ${this.#id}`).logs
    for (const line of nodes) this.#onLine(line)
    this.#cursor = pageInfo.endCursor ?? this.#cursor
    return pageInfo.hasNextPage
  }
}
