import { graphql, graphqlData } from '#test/support/graphql.ts'
import type { ServerProcess } from '#test/support/process.ts'
import { until } from '#test/support/until.ts'
import { connectSocket, type RawSocket } from '#test/support/websocket.ts'

const create = `mutation { createApplicationToken(input: { name: "round", scopes: ["events:read"] }) {
  ... on CreateApplicationTokenPayload { token applicationToken { id } } } }`
const revoke = 'mutation ($id: String!) { revokeApplicationToken(input: { id: $id }) { __typename } }'

interface Created {
  readonly createApplicationToken: { readonly token: string; readonly applicationToken: { readonly id: string } }
}

/** A token whose holder has a stream open at each server. */
export class StreamingToken {
  readonly #id: string
  readonly #sockets: readonly RawSocket[]

  static async create(servers: readonly ServerProcess[]): Promise<StreamingToken> {
    const { createApplicationToken: created } = await graphqlData<Created>(servers[0] as ServerProcess, create)
    const sockets: RawSocket[] = []
    for (const server of servers) {
      const socket = await connectSocket(server, { token: created.token })
      socket.subscribe('events', 'subscription { events(types: ["failover.never"]) { cursor } }')
      sockets.push(socket)
    }
    return new StreamingToken(created.applicationToken.id, sockets)
  }

  private constructor(id: string, sockets: readonly RawSocket[]) {
    this.#id = id
    this.#sockets = sockets
  }

  /** How many of its streams are open. */
  get open(): number {
    return this.#sockets.filter(({ socket }) => socket.readyState === socket.OPEN).length
  }

  /** Revokes it at a server. @returns how many of its streams are still open after `limitMs` */
  async revoke(at: ServerProcess, limitMs: number): Promise<number> {
    await until(async () => (await graphql(at, revoke, { id: this.#id })).errors === undefined, limitMs)
    await until(() => this.open === 0, limitMs).catch(() => {})
    const { open } = this
    for (const { socket } of this.#sockets) socket.terminate()
    return open
  }
}
