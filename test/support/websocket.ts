import { type ClientOptions, WebSocket } from 'ws'
import type { TestServer } from './server.ts'

/** A message of the protocol `graphql-transport-ws`. */
export interface Frame {
  readonly type: string
  readonly id?: string
  // biome-ignore lint/suspicious/noExplicitAny: whatever the server has said; the test looks at it
  readonly payload?: any
}

export interface SocketOptions extends ClientOptions {
  readonly path?: string
  readonly protocols?: string[]
}

/** A WebSocket that shows every frame, so that a test says and sees exactly what goes over the wire. */
export class RawSocket {
  readonly socket: WebSocket
  /** Resolves with the close code and its reason. */
  readonly closed: Promise<{ code: number; reason: string }>
  readonly #frames: Frame[] = []
  readonly #waiting: (() => void)[] = []

  constructor(socket: WebSocket) {
    this.socket = socket
    socket.on('message', (data) => {
      this.#frames.push(JSON.parse(String(data)) as Frame)
      for (const wake of this.#waiting.splice(0)) wake()
    })
    // A connection that breaks is closed next; that is what tests look at.
    socket.on('error', () => {})
    this.closed = new Promise((resolve) => {
      socket.once('close', (code, reason) => {
        resolve({ code, reason: String(reason) })
        for (const wake of this.#waiting.splice(0)) wake()
      })
    })
  }

  /** Sends an object as JSON, anything else as it is. */
  send(frame: object | string | Buffer): void {
    this.socket.send(typeof frame === 'string' || Buffer.isBuffer(frame) ? frame : JSON.stringify(frame))
  }

  /** The next frame that was not taken yet, or the next one of an operation; fails when the socket closes before. */
  async next(id?: string): Promise<Frame> {
    for (;;) {
      const index = this.#frames.findIndex((frame) => id === undefined || frame.id === id)
      const [frame] = index === -1 ? [] : this.#frames.splice(index, 1)
      if (frame !== undefined) return frame
      if (this.socket.readyState === WebSocket.CLOSED)
        throw new Error(`The socket is closed: ${JSON.stringify(await this.closed)}`)
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
  }

  /** Frames that were received and not taken yet. */
  get waiting(): number {
    return this.#frames.length
  }

  subscribe(id: string, query: string, variables: Record<string, unknown> = {}): void {
    this.send({ id, type: 'subscribe', payload: { query, variables } })
  }

  /** The data of an operation's `next` frames, until it completes. */
  async *results(id: string): AsyncGenerator<Record<string, unknown>> {
    for (;;) {
      const { type, payload } = await this.next(id)
      if (type === 'complete') return
      if (type !== 'next' || payload.errors) throw new Error(`Unexpected: ${type} ${JSON.stringify(payload)}`)
      yield payload.data
    }
  }

  /** Closes the socket and waits for it. */
  async close(): Promise<void> {
    this.socket.close()
    await this.closed
  }
}

const protocol = 'graphql-transport-ws'

/** An open socket that has not said anything yet. */
export async function openSocket(server: Pick<TestServer, 'url'>, options: SocketOptions = {}): Promise<RawSocket> {
  const { path = '/graphql', protocols = [protocol], ...rest } = options
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}${path}`, protocols, rest)
  const raw = new RawSocket(socket)
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve)
    socket.once('error', reject)
  })
  return raw
}

/** An open socket whose owner has said who it is. */
export async function connectSocket(
  server: Pick<TestServer, 'url' | 'token'>,
  options: SocketOptions & { token?: string } = {},
): Promise<RawSocket> {
  const { token = server.token, ...rest } = options
  const socket = await openSocket(server, rest)
  socket.send({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } })
  const { type } = await socket.next()
  if (type !== 'connection_ack') throw new Error(`Unexpected: ${type}`)
  return socket
}
