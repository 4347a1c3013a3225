import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** One connection through a forwarder. */
interface Pair {
  readonly client: Socket
  readonly upstream: Socket
  isSilent: boolean
}

/**
 * A TCP address of loopback that leads to a port which can be changed, like the virtual address or the load balancer in
 * front of a highly available PostgreSQL. It can also do to its connections what networks do.
 */
export class Forwarder {
  readonly #server: Server
  readonly #pairs = new Set<Pair>()
  #target: number | undefined

  /** Opens an address that leads to the port; to nothing when undefined. */
  static async open(target?: number): Promise<Forwarder> {
    const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new Forwarder(server, target)
  }

  private constructor(server: Server, target: number | undefined) {
    this.#server = server
    this.#target = target
    server.on('connection', (client) => this.#accept(client))
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** How many connections pass through it now. */
  get connections(): number {
    return [...this.#pairs].filter(({ isSilent }) => !isSilent).length
  }

  /** Sends new connections to this port, or ends them at once when undefined; existing ones stay where they lead. */
  switchTo(target: number | undefined): void {
    this.#target = target
  }

  /** Ends all connections at both ends, as a proxy does after a switchover. */
  endConnections(): void {
    for (const { client, upstream } of this.#pairs) {
      client.end()
      client.destroySoon()
      upstream.destroy()
    }
  }

  /**
   * Makes all connections half-open, as when a machine or a route is gone: they stay open at both ends, and neither data
   * nor their end passes any more.
   */
  dropPackets(): void {
    for (const pair of this.#pairs) pair.isSilent = true
  }

  async close(): Promise<void> {
    this.#server.close()
    for (const { client, upstream } of this.#pairs) {
      client.destroy()
      upstream.destroy()
    }
    await once(this.#server, 'close')
  }

  #accept(client: Socket): void {
    if (this.#target === undefined) {
      client.on('error', () => {})
      client.destroy()
      return
    }
    const upstream = connect({ port: this.#target, host: '127.0.0.1', allowHalfOpen: true })
    const pair: Pair = { client, upstream, isSilent: false }
    this.#pairs.add(pair)
    this.#pass(pair, client, upstream)
    this.#pass(pair, upstream, client)
  }

  #pass(pair: Pair, from: Socket, to: Socket): void {
    from.setNoDelay(true)
    from.on('data', (data) => {
      if (pair.isSilent || to.destroyed || to.write(data)) return
      from.pause()
      to.once('drain', () => from.resume())
    })
    from.on('end', () => {
      if (!pair.isSilent) to.end()
    })
    // Its `close` follows.
    from.on('error', () => {})
    from.on('close', () => {
      if (!pair.isSilent) to.destroySoon()
      if (pair.client.destroyed && pair.upstream.destroyed) this.#pairs.delete(pair)
    })
  }
}
