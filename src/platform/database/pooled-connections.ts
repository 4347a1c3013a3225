import pg from 'pg'
import { type DatabaseServer, inspectServer, movedCodes } from './database-server.ts'

/** After how long a silent machine's TCP is asked whether it is still there, in milliseconds. */
const keepAliveMs = 5_000
/** A connection that takes longer than this may be on its way to where the address led before, in milliseconds. */
const connectingMs = 1_000
/** Each connection is replaced after this time, in seconds: in the end all lead to where new ones do. */
const lifetimeSeconds = 600
/** A failover refuses hundreds of statements; one of them is reason enough to replace connections, once in this time. */
const suspicionMs = 1_000

export interface PooledConnectionsOptions {
  /** After how long the database gives a connection up when this machine can't be reached. */
  readonly patienceMs: number
  readonly onError: (error: Error) => void
}

/**
 * Why the database's address may lead elsewhere than these connections do: the server refuses what only a primary does,
 * or breaks a connection; or a new connection has come to another server.
 */
export type Suspicion = 'refused' | 'other-server'

type PoolOptions = Omit<pg.PoolConfig, 'Client' | 'stream' | 'keepAlive' | 'keepAliveInitialDelayMillis'>

/**
 * The connections of all pools of this process. None of them ever leads to a standby, and all can be replaced together
 * when the database has moved to another server: a pool by itself keeps a connection for as long as it seems to work.
 */
export class PooledConnections {
  readonly #options: PooledConnectionsOptions
  readonly #pools = new Set<pg.Pool>()
  readonly #clients = new Set<PooledClient>()
  readonly #suspicionListeners = new Set<(suspicion: Suspicion) => void>()
  #server: string | undefined
  #suspectedAt = Number.NEGATIVE_INFINITY

  constructor(options: PooledConnectionsOptions) {
    this.#options = options
  }

  /** Opens a pool whose connections are watched; it is closed by its own `end`. */
  openPool(options: PoolOptions): pg.Pool {
    const { onError } = this.#options
    const pool: pg.Pool = new pg.Pool({
      ...options,
      keepAlive: true,
      keepAliveInitialDelayMillis: keepAliveMs,
      maxLifetimeSeconds: lifetimeSeconds,
      Client: this.#clientClass(),
      onConnect: async (client) => {
        await this.#admit(client as PooledClient)
        await options.onConnect?.(client)
      },
    })
    // A connection that breaks is replaced by the next statement. Without listeners it would end the process: the pool
    // hears of idle ones only, and a transaction's own may break between two statements.
    pool.on('error', onError)
    pool.on('connect', (client) =>
      client.on('error', (error) => {
        onError(error)
        this.#suspect('refused')
      }),
    )
    pool.on('release', (_error, client) => discardStale(client as unknown as PooledClient))
    this.#pools.add(pool)
    return pool
  }

  /** Calls `listener` when what the database answers suggests that it has moved, at most once a second. */
  onSuspicion(listener: (suspicion: Suspicion) => void): void {
    this.#suspicionListeners.add(listener)
  }

  /** Replaces each connection as soon as no statement is under way on it. */
  replaceAll(): void {
    for (const client of this.#clients) client.isStale = true
    for (const pool of this.#pools) discardIdle(pool)
  }

  /** Ends all connections at once; statements under way fail. For when nobody answers at the other end. */
  breakAll(): void {
    for (const client of this.#clients) client.break()
  }

  /** Ends the connections that lead to any other server, and those that have been on their way for too long. */
  keepOnly({ identity }: DatabaseServer): void {
    this.#server = identity
    for (const client of this.#clients)
      if (client.server === undefined ? client.ageMs > connectingMs : client.server !== identity) client.break()
  }

  async #admit(client: PooledClient): Promise<void> {
    const ask = async (text: string, values: readonly unknown[]) => (await client.query(text, [...values])).rows
    const { identity } = await inspectServer(ask, this.#options.patienceMs)
    client.server = identity
    if (this.#server !== undefined && this.#server !== identity) this.#suspect('other-server')
  }

  #suspect(suspicion: Suspicion): void {
    const now = performance.now()
    if (now - this.#suspectedAt < suspicionMs) return
    this.#suspectedAt = now
    if (suspicion === 'refused') this.replaceAll()
    for (const listener of this.#suspicionListeners) listener(suspicion)
  }

  #clientClass() {
    const clients = this.#clients
    const onMoved = () => this.#suspect('refused')
    return class extends PooledClient {
      constructor(config?: pg.ClientConfig) {
        super(config)
        clients.add(this)
        this.once('end', () => clients.delete(this))
        this.connection.on('errorMessage', ({ code }: { code?: string }) => {
          if (code !== undefined && movedCodes.has(code)) onMoved()
        })
      }
    }
  }
}

class PooledClient extends pg.Client {
  /** The server that it leads to; undefined while it is being made. */
  server: string | undefined
  /** It goes as soon as nothing is under way on it. */
  isStale = false
  readonly #createdAt = performance.now()

  get ageMs(): number {
    return performance.now() - this.#createdAt
  }

  break(): void {
    this.isStale = true
    this.connection.stream.destroy()
  }
}

/** The pool is about to take it back, and removes what is ending instead. */
function discardStale(client: PooledClient): void {
  if (!client.isStale) return
  client.end().catch(() => {})
  client.break()
}

/** Takes idle connections out, and gives them back, when stale ones are discarded. */
function discardIdle(pool: pg.Pool): void {
  for (let left = pool.idleCount; left > 0; left -= 1)
    pool.connect().then(
      (client) => client.release(),
      () => {},
    )
}
