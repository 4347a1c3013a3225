import { setTimeout as sleep } from 'node:timers/promises'
import { entriesOf } from '#test/support/entries.ts'
import type { ServerProcess } from '#test/support/process.ts'
import type { Exchange } from './ledger.ts'

/** Keys of what it writes begin with this. */
export const probePrefix = 'probe-'

const intervalMs = 200

interface Attempt extends Exchange {
  readonly isWritten: boolean
}

/** When writes worked again, in milliseconds after the promotion. */
export interface Recovery {
  /** The first write at the slowest server; undefined: there was none. */
  readonly firstMs: number | undefined
  /** The answer to the last attempt that failed; 0: none did. */
  readonly lastFailureMs: number
}

/** Writes at each server five times a second, whether or not earlier attempts were answered. */
export class WriteProbe {
  readonly #attempts: Attempt[][]
  readonly #working: Promise<unknown>
  #isOver = false

  constructor(servers: readonly ServerProcess[]) {
    this.#attempts = servers.map(() => [])
    this.#working = Promise.all(servers.map((server, index) => this.#probe(server, index)))
  }

  /** How writes fared that were sent after the promotion, and before what is next. */
  recoveryAfter(promotedAt: number, before = Number.POSITIVE_INFINITY): Recovery {
    const isMeant = ({ sentAt }: Attempt) => sentAt >= promotedAt && sentAt < before
    const later = this.#attempts.map((attempts) => attempts.filter(isMeant))
    const first = later.map((attempts) => attempts.find(({ isWritten }) => isWritten)?.answeredAt)
    const failures = later.flat().filter(({ isWritten }) => !isWritten)
    return {
      firstMs: first.includes(undefined) ? undefined : Math.max(...first.map(Number)) - promotedAt,
      lastFailureMs: Math.max(0, ...failures.map(({ answeredAt }) => answeredAt - promotedAt)),
    }
  }

  async close(): Promise<void> {
    this.#isOver = true
    await this.#working
  }

  async #probe(server: ServerProcess, index: number): Promise<void> {
    const waiting: Promise<void>[] = []
    while (!this.#isOver) {
      waiting.push(this.#attempt(server, index))
      await sleep(intervalMs)
    }
    await Promise.all(waiting)
  }

  async #attempt(server: ServerProcess, index: number): Promise<void> {
    const sentAt = Date.now()
    const isWritten = await entriesOf(server)
      .set(`${probePrefix}${index}`, sentAt)
      .then(
        ({ entry }) => entry !== undefined,
        () => false,
      )
    this.#attempts[index]?.push({ sentAt, answeredAt: Date.now(), isWritten })
  }
}
