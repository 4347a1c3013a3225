import { setTimeout as sleep } from 'node:timers/promises'
import { createClient } from 'graphql-ws'
import WebSocket from 'ws'
import type { ServerProcess } from '#test/support/process.ts'

interface StreamedEvent {
  readonly cursor: string
  readonly type: string
  readonly subject: string
}

const followedTypes = ['faults.one', 'task.submitted', 'task.completed', 'task.failed', 'document.*', 'entry.*']

const query =
  'subscription ($after: String, $types: [String!]) { events(after: $after, types: $types) { cursor type subject } }'

/** Follows events from the beginning, resuming behind its last cursor at either server, until it is closed. */
export class EventLog {
  readonly events: StreamedEvent[] = []
  readonly #servers: readonly ServerProcess[]
  readonly #reading: Promise<void>
  #isClosed = false
  #end: () => void | Promise<void> = () => {}
  /** What came in place of events, and should not. */
  readonly complaints: string[] = []

  constructor(servers: readonly ServerProcess[], beginning: string) {
    this.#servers = servers
    this.#reading = this.#follow(beginning)
  }

  async #follow(beginning: string): Promise<void> {
    for (let turn = 0; !this.#isClosed; turn += 1) {
      await this.#readFrom(this.#servers[turn % this.#servers.length] as ServerProcess, beginning)
      await sleep(50)
    }
  }

  async #readFrom(server: ServerProcess, beginning: string): Promise<void> {
    const client = createClient({
      url: `${server.url.replace('http', 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      connectionParams: { token: server.token },
      retryAttempts: 0,
      // One that stands still is left for the other.
      keepAlive: 2_000,
    })
    this.#end = () => client.dispose()
    try {
      const after = this.events.at(-1)?.cursor ?? beginning
      for await (const { data, errors } of client.iterate({ query, variables: { after, types: followedTypes } })) {
        if (errors !== undefined) this.complaints.push(JSON.stringify(errors))
        const { events } = (data ?? {}) as { events?: StreamedEvent }
        if (events?.type === 'stream.lagged') break
        if (events !== undefined) this.events.push(events)
      }
    } catch {
      // The server went away: the next one is asked for what follows.
    } finally {
      await client.dispose()
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#end()
    await this.#reading
  }
}
