/** How long somebody goes on trying while the server can't be reached. */
export interface Patience {
  /** Gives up, with the last error, after this long without an answer, in milliseconds. Default: 300,000. */
  readonly giveUpAfterMs?: number | undefined
}

const defaultGiveUpAfterMs = 300_000
const firstDelayMs = 100
const maxDelayMs = 5_000

/** The waits of one reader through the times in which its server doesn't answer. */
export class Outage {
  readonly #giveUpAfterMs: number
  #startedAt: number | undefined
  #attempts = 0

  constructor({ giveUpAfterMs = defaultGiveUpAfterMs }: Patience) {
    this.#giveUpAfterMs = giveUpAfterMs
  }

  /** How many attempts have failed in a row. */
  get attempts(): number {
    return this.#attempts
  }

  /** Notes that an attempt has failed. @throws the error, when it has lasted too long by now. */
  note(error: unknown): void {
    const now = performance.now()
    this.#startedAt ??= now
    this.#attempts += 1
    if (now - this.#startedAt >= this.#giveUpAfterMs) throw error
  }

  /** Waits before the next attempt: twice as long each time, at most five seconds, and spread by chance. */
  async wait(signal: AbortSignal | undefined): Promise<void> {
    const fullMs = Math.min(maxDelayMs, firstDelayMs * 2 ** Math.min(this.#attempts - 1, 10))
    await pause(fullMs * (0.5 + Math.random() / 2), signal)
  }

  /** Notes that the server answers again. */
  end(): void {
    this.#startedAt = undefined
    this.#attempts = 0
  }
}

function pause(durationMs: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const abort = () => {
      clearTimeout(timer)
      reject(signal?.reason)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abort)
      resolve()
    }, durationMs)
    signal?.addEventListener('abort', abort, { once: true })
  })
}
