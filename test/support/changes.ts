import type { TestServer } from './server.ts'
import { until } from './until.ts'
import { connectSocket, type RawSocket } from './websocket.ts'

export interface ToldChange {
  readonly kind: string
  readonly cursor: string | null
  readonly collection: string | null
  readonly key: string | null
  readonly document: { readonly version: number; readonly data: unknown; readonly deleted: boolean } | null
  readonly previous: { readonly version: number; readonly data: unknown } | null
}

const query = `subscription ($in: String!, $where: DocumentFilter, $after: String) {
  change: documentChanges(in: $in, where: $where, after: $after) {
    kind cursor collection key document { version data deleted } previous { version data }
  } }`

/** Follows documents until the test closes it; remembers all that was told. */
export class ChangeFollower {
  readonly changes: ToldChange[] = []
  readonly #socket: RawSocket
  readonly #reading: Promise<void>
  #failure: unknown

  /** Resolves when nothing that happens from now on can be missed. */
  static async open(
    server: Pick<TestServer, 'url' | 'token'>,
    variables: { in: string; where?: object; after?: string },
  ): Promise<ChangeFollower> {
    const socket = await connectSocket(server)
    const follower = new ChangeFollower(socket, variables)
    if (variables.after === undefined) await follower.find(({ kind }) => kind === 'CAUGHT_UP')
    return follower
  }

  private constructor(socket: RawSocket, variables: Record<string, unknown>) {
    this.#socket = socket
    socket.subscribe('stream', query, variables)
    this.#reading = this.#read().catch((error: unknown) => {
      this.#failure = error
    })
  }

  async #read(): Promise<void> {
    for await (const { change } of this.#socket.results('stream')) this.changes.push(change as ToldChange)
  }

  /** Waits for a change of which that is true; fails when the stream breaks before. */
  find(isIt: (change: ToldChange) => boolean): Promise<ToldChange> {
    return until(() => {
      const found = this.changes.find(isIt)
      if (found === undefined && this.#failure !== undefined) throw this.#failure
      return found
    })
  }

  /** Waits until so many have been told; returns them in short: kind, key and version. */
  async told(count: number): Promise<string[]> {
    await until(() => {
      if (this.#failure !== undefined) throw this.#failure
      return this.changes.length >= count
    })
    return this.changes.map(({ kind, key, document }) => [kind, key, document?.version].filter(Boolean).join(' '))
  }

  async close(): Promise<void> {
    await this.#socket.close()
    await this.#reading
  }
}
