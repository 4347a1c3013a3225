import { connect, type Socket } from 'node:net'

/** A keep-alive connection that costs the load generator as little as it can, so that the server has the machine. */
export class BareConnection {
  readonly #url: URL
  #socket: Socket
  readonly #head: string
  readonly #request: Buffer | undefined
  #waiting: PromiseWithResolvers<string> | undefined
  #received = ''

  /** With a body of its own, which costs less than to put one together for each request. */
  constructor(url: string, path: string, headers: Record<string, string>, body?: string) {
    this.#url = new URL(url)
    const lines = Object.entries({ host: this.#url.host, ...headers })
    this.#head = [`POST ${path} HTTP/1.1`, ...lines.map(([name, value]) => `${name}: ${value}`)].join('\r\n')
    this.#request = body === undefined ? undefined : this.#requestOf(body)
    this.#socket = this.#open()
  }

  #open(): Socket {
    const socket = connect(Number(this.#url.port), this.#url.hostname).setNoDelay(true).setEncoding('latin1')
    socket.on('data', (text: string) => this.#onData(text))
    socket.on('error', (error) => this.#waiting?.reject(error))
    socket.on('close', () => this.#waiting?.reject(new Error('The server has closed the connection.')))
    return socket
  }

  /** Sends a request, or its own once more; resolves with the answer's body. @throws when the status is not 200. */
  send(body?: string): Promise<string> {
    this.#waiting = Promise.withResolvers()
    const request = body === undefined ? this.#request : this.#requestOf(body)
    // While it waits for the others, the server may close an idle connection.
    if (this.#socket.closed) this.#socket = this.#open()
    if (request !== undefined) this.#socket.write(request)
    return this.#waiting.promise
  }

  #requestOf(body: string): Buffer {
    return Buffer.from(`${this.#head}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`)
  }

  close(): void {
    this.#socket.destroy()
  }

  #onData(text: string): void {
    this.#received += text
    const bodyAt = this.#received.indexOf('\r\n\r\n') + 4
    const length = /content-length: (\d+)/i.exec(this.#received)
    if (bodyAt === 3 || length === null || this.#received.length < bodyAt + Number(length[1])) return
    const body = this.#received.slice(bodyAt)
    const isFine = this.#received.startsWith('HTTP/1.1 200')
    this.#received = ''
    if (isFine) this.#waiting?.resolve(body)
    else this.#waiting?.reject(new Error(body))
  }
}
