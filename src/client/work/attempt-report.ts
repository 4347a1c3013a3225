import type { SignalboxClient } from '#client/client.ts'
import { ReportTaskDocument, type TaskPartInput } from '#client/generated/graphql.ts'
import { payloadOf } from '#client/payload.ts'
import { persist } from '#client/resume.ts'

/** What was said within this time is sent together, in milliseconds. */
const delayMs = 200
/** Lines in one request, and those that wait to be sent at most: an attempt can't have more. */
const linesAtOnce = 1_000
const maxLines = 10_000

interface Ref {
  readonly taskId: string
  readonly fence: number
}

/** Sends what an attempt says: lines in order and together, of progress the newest. */
export class AttemptReport {
  readonly #client: SignalboxClient
  readonly #ref: Ref
  readonly #signal: AbortSignal
  #lines: string[] = []
  #count = 0
  #progress: number | undefined
  #step: string | undefined
  #timer: NodeJS.Timeout | undefined
  #sending: Promise<void> = Promise.resolve()

  /** Nothing more is sent once the signal aborts. */
  constructor(client: SignalboxClient, ref: Ref, signal: AbortSignal) {
    this.#client = client
    this.#ref = ref
    this.#signal = signal
  }

  log(message: string): void {
    for (const line of message.split(/\r?\n/)) {
      // Beyond the limit, one more lets the server say that lines were dropped.
      if (this.#count <= maxLines) this.#lines.push(line)
      this.#count += 1
    }
    this.#schedule()
  }

  progress(percent: number, step: string | undefined): void {
    if (Number.isFinite(percent)) this.#progress = Math.min(100, Math.max(0, percent))
    if (step !== undefined && step !== '') this.#step = step.slice(0, 200)
    this.#schedule()
  }

  /** Sends a part, after what was said before. */
  async part(name: string, data: unknown, contentType: string | undefined): Promise<void> {
    await this.flush()
    await this.#send({ parts: [partOf(name, data, contentType)] })
  }

  /** Resolves when everything is sent, or given up. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    while (this.#hasNews) {
      const { lines, more } = this.#take()
      this.#sending = this.#sending.then(() => this.#send({ ...more, ...(lines.length > 0 && { logs: lines }) }))
    }
    await this.#sending
  }

  get #hasNews(): boolean {
    return this.#lines.length > 0 || this.#progress !== undefined || this.#step !== undefined
  }

  #take() {
    const lines = this.#lines.slice(0, linesAtOnce)
    this.#lines = this.#lines.slice(linesAtOnce)
    const more = {
      ...(this.#progress !== undefined && { progress: this.#progress }),
      ...(this.#step !== undefined && { step: this.#step }),
    }
    this.#progress = undefined
    this.#step = undefined
    return { lines, more }
  }

  #schedule(): void {
    // What can't be sent is noticed by the heartbeat.
    this.#timer ??= setTimeout(() => void this.flush().catch(() => undefined), delayMs)
  }

  async #send(report: object): Promise<void> {
    if (this.#signal.aborted) return
    const input = { ...this.#ref, ...report }
    const options = { signal: this.#signal }
    const send = () => this.#client.request(ReportTaskDocument, { input }, options)
    payloadOf((await persist(send, options)).reportTask)
  }
}

function partOf(name: string, data: unknown, contentType: string | undefined): TaskPartInput {
  const part = { name, ...(contentType !== undefined && { contentType }) }
  if (typeof data === 'string') return { ...part, text: data }
  if (data instanceof Uint8Array) return { ...part, bytes: Buffer.from(data).toString('base64') }
  return { ...part, json: data }
}
