import { setTimeout as sleep } from 'node:timers/promises'
import { createClient } from 'graphql-ws'
import WebSocket from 'ws'
import { isOutage } from './outages.ts'
import type { ServerProcess } from './process.ts'

interface WithCursor {
  readonly cursor: string
}

/**
 * What a client knows that resumes after the cursor of its last item. An item whose cursor has expired is taken back,
 * as the server asks for: the item before it is tried next.
 */
class ResumedItems<Item extends WithCursor> {
  readonly #items: Item[] = []
  readonly #beginning: string
  #refused: string | undefined
  #takenBack = 0
  #expirations = 0

  constructor(beginning: string) {
    this.#beginning = beginning
  }

  /** Received and not taken back, in order. */
  get items(): readonly Item[] {
    return this.#items
  }

  /** How often an item was taken back. */
  get takenBack(): number {
    return this.#takenBack
  }

  /** How often a stream or a page was answered with CURSOR_EXPIRED that went on from an item. */
  get expirations(): number {
    return this.#expirations
  }

  get cursor(): string {
    return this.#items.at(-1)?.cursor ?? this.#beginning
  }

  add(item: Item): void {
    this.#refused = undefined
    this.#items.push(item)
  }

  /** The server accepted the current cursor. */
  accepted(): void {
    this.#refused = undefined
  }

  /**
   * The server refused to go on. An open stream ends like this as well when items were lost before its last one, so only
   * a second refusal says that it is the current cursor itself that has expired.
   */
  expired(): void {
    if (this.#refused === undefined) {
      this.#refused = this.cursor
      this.#expirations += 1
      return
    }
    if (this.#items.pop() === undefined) throw new Error('The cursor from before the first item has expired.')
    this.#takenBack += 1
  }
}

export interface ResumedLog<Item> {
  readonly items: readonly Item[]
  readonly takenBack: number
  readonly expirations: number
  /** Answers that nothing explains. */
  readonly complaints: readonly string[]
  close(): Promise<void>
}

export interface StreamOptions<Item> {
  /** Read in turn: when a stream at one of them ends, it is resumed at the next one. */
  readonly servers: readonly ServerProcess[]
  readonly query: string
  readonly variables?: Readonly<Record<string, unknown>>
  /** What a result stands for; undefined: nothing. @returns 'lagged' where something was dropped. */
  readonly read: (data: Readonly<Record<string, unknown>>) => Item | 'lagged' | undefined
  /** The cursor to begin after. */
  readonly beginning: string
}

/** Reads a subscription, whose variable `$after` is a cursor, until it is closed, and resumes it whenever it ends. */
export class ResumedStream<Item extends WithCursor> implements ResumedLog<Item> {
  readonly complaints: string[] = []
  readonly #options: StreamOptions<Item>
  readonly #known: ResumedItems<Item>
  readonly #reading: Promise<void>
  #isClosed = false
  #end: () => void | Promise<void> = () => {}

  constructor(options: StreamOptions<Item>) {
    this.#options = options
    this.#known = new ResumedItems(options.beginning)
    this.#reading = this.#follow()
  }

  get items(): readonly Item[] {
    return this.#known.items
  }

  get takenBack(): number {
    return this.#known.takenBack
  }

  get expirations(): number {
    return this.#known.expirations
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#end()
    await this.#reading
  }

  async #follow(): Promise<void> {
    const { servers } = this.#options
    for (let turn = 0; !this.#isClosed; turn += 1) {
      await this.#readAt(servers[turn % servers.length] as ServerProcess).catch((error: unknown) =>
        this.#complain(error),
      )
      await sleep(50)
    }
  }

  /** Reads over one connection, until it breaks. */
  async #readAt({ url, token }: ServerProcess): Promise<void> {
    const client = createClient({
      url: `${url.replace('http', 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      connectionParams: { token },
      retryAttempts: 0,
      // The connection stays when a cursor was refused.
      lazyCloseTimeout: 1_000,
      // A server that stands still is left for the next one.
      keepAlive: 2_000,
    })
    this.#end = () => client.dispose()
    try {
      while (!this.#isClosed && (await this.#readOnce(client)));
    } finally {
      await client.dispose()
    }
  }

  /** @returns whether to try again over the same connection: the cursor was refused. */
  async #readOnce(client: ReturnType<typeof createClient>): Promise<boolean> {
    const { query, variables, read } = this.#options
    try {
      const results = client.iterate<Record<string, unknown>>({
        query,
        variables: { ...variables, after: this.#known.cursor },
      })
      for await (const { data, errors } of results) {
        if (errors !== undefined) throw errors
        const item = read(data ?? {})
        if (item === 'lagged') return true
        if (item !== undefined) this.#known.add(item)
      }
      return false
    } catch (error) {
      if (!isExpired(error)) {
        this.#complain(error)
        return false
      }
      this.#known.expired()
      return true
    }
  }

  #complain(error: unknown): void {
    if (!this.#isClosed && !isDisconnection(error)) this.complaints.push(describe(error))
  }
}

export interface PollOptions<Item> {
  /** Asks for the page after a cursor. @throws what the server says */
  readonly readPage: (after: string, turn: number) => Promise<readonly Item[]>
  readonly beginning: string
  readonly pauseMs: number
}

/** Reads page after page, until it is closed. */
export class ResumedPages<Item extends WithCursor> implements ResumedLog<Item> {
  readonly complaints: string[] = []
  readonly #options: PollOptions<Item>
  readonly #known: ResumedItems<Item>
  readonly #reading: Promise<void>
  #isClosed = false

  constructor(options: PollOptions<Item>) {
    this.#options = options
    this.#known = new ResumedItems(options.beginning)
    this.#reading = this.#follow()
  }

  get items(): readonly Item[] {
    return this.#known.items
  }

  get takenBack(): number {
    return this.#known.takenBack
  }

  get expirations(): number {
    return this.#known.expirations
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#reading
  }

  async #follow(): Promise<void> {
    for (let turn = 0; !this.#isClosed; turn += 1) await this.#readNext(turn)
  }

  async #readNext(turn: number): Promise<void> {
    const { readPage, pauseMs } = this.#options
    try {
      const page = await readPage(this.#known.cursor, turn)
      this.#known.accepted()
      for (const item of page) this.#known.add(item)
      if (page.length > 0) return
    } catch (error) {
      if (isExpired(error)) return this.#known.expired()
      if (!isOutage(error)) this.complaints.push(describe(error))
    }
    await sleep(pauseMs)
  }
}

function isExpired(error: unknown): boolean {
  return describe(error).includes('"CURSOR_EXPIRED"')
}

/** Close codes by which a server refuses a caller, rather than goes away. */
const refusals: readonly unknown[] = [4400, 4401, 4403]

/** The connection could not be made or ended, or the server says that it or its database is not available. */
function isDisconnection(error: unknown): boolean {
  if (Array.isArray(error) || error instanceof Error) return isOutage(error)
  return !refusals.includes((error as { code?: unknown }).code)
}

function describe(error: unknown): string {
  if (error instanceof Error) return `${error.name}: ${error.message}`
  return Array.isArray(error) ? JSON.stringify(error) : `closed with ${(error as { code?: unknown }).code}`
}
