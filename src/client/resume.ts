import { isPassing, SignalboxError, SignalboxUnreachable } from './errors.ts'
import { Outage, type Patience } from './outage.ts'

/** Why a stream was opened again. */
export interface Reconnection {
  /**
   * `lost`: the server did not answer. `lagged`: the reader was too slow, and gets what was dropped again.
   * `expired`: the events after the last update have expired; the stream continues from the current state.
   */
  readonly reason: 'lost' | 'lagged' | 'expired'
  /** `lost`: 1 for the first attempt since the server was last heard. */
  readonly attempt: number
  readonly error?: SignalboxError | undefined
}

export interface FollowOptions extends Patience {
  /** Resume after this cursor (from any stream). */
  readonly after?: string | undefined
  readonly signal?: AbortSignal | undefined
  /**
   * Whether to keep trying when the first connection fails, as for a lost one. Default: false, so that a wrong address is
   * an error at once.
   */
  readonly waitForServer?: boolean | undefined
  /** Before each attempt to open the stream again. */
  readonly onReconnect?: ((reconnection: Reconnection) => void) | undefined
  /** When the server has let the connection in, the first one and each later one. */
  readonly onConnected?: (() => void) | undefined
}

/** A stream of the API that can be opened again behind any of its items. */
export interface ResumableStream<Item> {
  open(after: string | undefined, onConnected: () => void): AsyncIterable<Item>
  /** The cursor to resume from after the item; undefined: the stream has to start over. */
  cursorOf(item: Item): string | undefined
  /** Stands for items that were dropped, and can be had again from its cursor. */
  isLagged(item: Item): boolean
  /** Nothing can come after it. */
  isLast(item: Item): boolean
  /** Whether nothing more will happen, asked when the server has completed the stream without a last item. */
  isOver(): Promise<boolean>
}

/**
 * Reads a stream to its end across restarts of the server: each item once, in order. Where that can't be, because the
 * journal keeps the next item no longer, `onReconnect` says so.
 * @throws {SignalboxUnreachable} with the cause, when the first connection fails and nothing is to wait for the server
 */
export async function* resume<Item>(stream: ResumableStream<Item>, options: FollowOptions): AsyncGenerator<Item, void> {
  const outage = new Outage(options)
  let wasOpen = options.waitForServer ?? false
  const connected = () => {
    wasOpen = true
    outage.end()
    options.onConnected?.()
  }
  let after = options.after
  let wasOver = false
  for (;;) {
    let isLagging = false
    try {
      for await (const item of stream.open(after, connected)) {
        wasOpen = true
        after = stream.cursorOf(item)
        isLagging = stream.isLagged(item)
        if (isLagging) break
        yield item
        if (stream.isLast(item)) return
      }
      if (isLagging) options.onReconnect?.({ reason: 'lagged', attempt: 0 })
      else if (wasOver) return
      // One more look: what happened between the completion and the answer is still to be told.
      else wasOver = await stream.isOver()
      if (isLagging || wasOver) continue
      throw new SignalboxError('The server has ended the stream.', { code: 'UNAVAILABLE' })
    } catch (error) {
      options.signal?.throwIfAborted()
      if (!wasOpen && error instanceof SignalboxUnreachable) throw error
      after = await recover(error, after, outage, options)
    }
  }
}

/** Waits until it is worth trying again, and says behind which cursor. @throws what trying again can't help. */
async function recover(
  error: unknown,
  after: string | undefined,
  outage: Outage,
  { signal, onReconnect }: FollowOptions,
): Promise<string | undefined> {
  if (!(error instanceof SignalboxError)) throw error
  if (error.code === 'READER_TOO_SLOW') {
    onReconnect?.({ reason: 'lagged', attempt: 0, error })
    return after
  }
  if (error.code === 'CURSOR_EXPIRED' && after !== undefined) {
    onReconnect?.({ reason: 'expired', attempt: 0, error })
    return undefined
  }
  if (!isPassing(error)) throw error
  outage.note(error)
  onReconnect?.({ reason: 'lost', attempt: outage.attempts, error })
  await outage.wait(signal)
  return after
}

/** Runs something that may be repeated until the server answers. @throws the last error, when patience ends. */
export async function persist<T>(work: () => Promise<T>, options: Omit<FollowOptions, 'after'> = {}): Promise<T> {
  const outage = new Outage(options)
  for (;;) {
    try {
      return await work()
    } catch (error) {
      options.signal?.throwIfAborted()
      await recover(error, undefined, outage, options)
    }
  }
}
