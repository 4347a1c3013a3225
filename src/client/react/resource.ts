import type { SignalboxClient } from '#client/client.ts'
import { SignalboxError } from '#client/errors.ts'
import type { FollowOptions } from '#client/resume.ts'
import { ConnectionTracker } from './connection.ts'
import { cancelFrame, onNextFrame } from './frame.ts'
import { type Live, loading } from './live.ts'

/** What keeps a resource up to date. */
export interface Sink<Data> {
  readonly client: SignalboxClient
  /** Aborts when no component is interested any more. */
  readonly signal: AbortSignal
  /** The latest data. */
  readonly data: Data | undefined
  set(data: Data): void
  /** Notes a failure, beside the data that there is. */
  fail(error: unknown): void
  /** The options of a stream that the resource follows: `onConnected` is called at each connection. */
  follow(onConnected?: () => void): FollowOptions
  /** Registers what {@link Resource.refresh} calls. */
  onRefresh(refresh: () => Promise<void>): void
}

/** Fills a sink until its signal aborts; what it throws is the resource's error. */
export type Source<Data> = (sink: Sink<Data>) => Promise<void>

/** How long a resource stays after its last component, so that one that is mounted again finds it. */
const lingerMs = 300
/** Outages are waited out for as long as somebody looks. */
const forever = Number.POSITIVE_INFINITY

/** Something on the server that components share, followed for as long as one of them shows it. */
class Resource<Data> {
  #state: Live<Data> = loading
  #refresh: (() => Promise<void>) | undefined
  readonly #listeners = new Set<() => void>()
  readonly #ending = new AbortController()
  readonly #notify = () => {
    for (const listener of this.#listeners) listener()
  }

  constructor(client: SignalboxClient, tracker: ConnectionTracker, source: Source<Data>) {
    const { signal } = this.#ending
    const resource = this
    const sink: Sink<Data> = {
      client,
      signal,
      get data() {
        return resource.#state.data
      },
      set: (data) => this.#set({ data, error: undefined, isLoading: false }),
      fail: (error) => this.#fail(tracker, error),
      follow: (onConnected) => ({
        signal,
        waitForServer: true,
        giveUpAfterMs: forever,
        onConnected: () => {
          tracker.opened()
          this.#set({ isLive: true })
          onConnected?.()
        },
        onReconnect: ({ reason, attempt }) => {
          if (reason !== 'lost') return
          tracker.lost(attempt)
          this.#set({ isLive: false })
        },
      }),
      onRefresh: (refresh) => {
        this.#refresh = refresh
      },
    }
    tracker.connecting()
    source(sink).catch((error: unknown) => {
      if (signal.aborted) return
      this.#set({ isLive: false })
      this.#fail(tracker, error)
    })
  }

  get state(): Live<Data> {
    return this.#state
  }

  listen(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async refresh(): Promise<void> {
    await this.#refresh?.()
  }

  get isUnused(): boolean {
    return this.#listeners.size === 0
  }

  end(): void {
    cancelFrame(this.#notify)
    this.#ending.abort()
  }

  #fail(tracker: ConnectionTracker, error: unknown): void {
    const known = toError(error)
    if (known.code === 'UNAUTHENTICATED') tracker.refused()
    this.#set({ error: known, isLoading: false })
  }

  #set(change: Partial<Live<Data>>): void {
    if (this.#ending.signal.aborted) return
    this.#state = { ...this.#state, ...change }
    onNextFrame(this.#notify)
  }
}

/** The resources of one client, by their keys. */
export class Resources {
  readonly connection = new ConnectionTracker()
  readonly #client: SignalboxClient
  readonly #resources = new Map<string, Resource<unknown>>()

  constructor(client: SignalboxClient) {
    this.#client = client
  }

  /** Follows what the key stands for while the listener is there; the first one's source is everybody's. */
  subscribe<Data>(key: string, source: Source<Data>, listener: () => void): () => void {
    const known = this.#resources.get(key)
    const resource = known ?? new Resource<unknown>(this.#client, this.connection, source as Source<unknown>)
    this.#resources.set(key, resource)
    const forget = resource.listen(listener)
    return () => {
      forget()
      if (resource.isUnused) setTimeout(() => this.#endUnused(key, resource), lingerMs)
    }
  }

  peek<Data>(key: string): Live<Data> {
    return (this.#resources.get(key)?.state ?? loading) as Live<Data>
  }

  async refresh(key: string): Promise<void> {
    await this.#resources.get(key)?.refresh()
  }

  #endUnused(key: string, resource: Resource<unknown>): void {
    if (!resource.isUnused || this.#resources.get(key) !== resource) return
    this.#resources.delete(key)
    resource.end()
  }
}

const byClient = new WeakMap<SignalboxClient, Resources>()

/** The resources of a client, the same for all its components. */
export function resourcesOf(client: SignalboxClient): Resources {
  const known = byClient.get(client)
  if (known !== undefined) return known
  const resources = new Resources(client)
  byClient.set(client, resources)
  return resources
}

function toError(error: unknown): SignalboxError {
  if (error instanceof SignalboxError) return error
  return new SignalboxError(error instanceof Error ? error.message : String(error), { code: 'INTERNAL', cause: error })
}
