import { graphqlData } from './graphql.ts'
import { subscribers } from './metrics.ts'
import type { TestServer } from './server.ts'
import { until } from './until.ts'
import { connectSocket, type RawSocket } from './websocket.ts'

export interface Update {
  readonly cursor: string
  readonly kind: string
  readonly taskId: string
  readonly status: string
  readonly attempt: number
  readonly progress: number | null
  readonly step: string | null
  readonly log: { readonly message: string } | null
  readonly part: { readonly name: string } | null
}

const fields = 'cursor kind taskId status attempt progress step log { message } part { name }'

/** A subscription to what one task does. */
export const taskUpdates = `subscription ($id: ID!) { stream: taskUpdates(id: $id) { ${fields} } }`
/** A subscription to what all tasks do. */
export const taskFeed = `subscription { stream: taskFeed { ${fields} } }`

/** Reads a subscription from now on, until the test closes it; remembers all that was told. */
export class Follower {
  readonly updates: Update[] = []
  readonly #socket: RawSocket
  readonly #reading: Promise<void>
  #failure: unknown

  /** Resolves when nothing that happens from now on can be missed. */
  static async open(
    server: Pick<TestServer, 'url' | 'token'>,
    query: string,
    variables: Record<string, unknown> = {},
  ): Promise<Follower> {
    const socket = await connectSocket(server)
    const before = await subscribers(server)
    const follower = new Follower(socket, query, variables)
    await until(async () => (await subscribers(server)) > before)
    return follower
  }

  private constructor(socket: RawSocket, query: string, variables: Record<string, unknown>) {
    this.#socket = socket
    socket.subscribe('stream', query, variables)
    this.#reading = this.#read().catch((error: unknown) => {
      this.#failure = error
    })
  }

  async #read(): Promise<void> {
    for await (const { stream } of this.#socket.results('stream')) this.updates.push(stream as Update)
  }

  /** Waits for an update of which that is true; fails when the stream breaks before. */
  find(isIt: (update: Update) => boolean, limitMs = 30_000): Promise<Update> {
    return until(() => {
      const found = this.updates.find(isIt)
      if (found === undefined && this.#failure !== undefined) throw this.#failure
      return found
    }, limitMs)
  }

  /** The updates that every follower receives: not progress, where only the newest counts. */
  get history(): Update[] {
    return this.updates.filter(({ kind }) => kind !== 'PROGRESS')
  }

  async close(): Promise<void> {
    await this.#socket.close()
    await this.#reading
  }
}

/** Submits tasks; returns their ids, in order. */
export async function submitTasks(server: Pick<TestServer, 'url' | 'token'>, tasks: readonly object[]) {
  const mutation =
    'mutation ($input: SubmitTasksInput!) { submitTasks(input: $input) { ... on SubmitTasksPayload { tasks { id } } } }'
  const data = await graphqlData<{ submitTasks: { tasks: { id: string }[] } }>(server, mutation, { input: { tasks } })
  return data.submitTasks.tasks.map(({ id }) => id)
}

export async function submitTask(server: Pick<TestServer, 'url' | 'token'>, task: object): Promise<string> {
  const [id = ''] = await submitTasks(server, [task])
  return id
}
