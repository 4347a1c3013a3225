import type { AttemptOutput, PartWriter } from '#domain/tasks/runner.ts'
import { outputLimits, type SubmittedChild } from '#domain/tasks/task-type.ts'
import { chunkBytes, type HostMessage, type OutputEvent, type ServerMessage } from './protocol.ts'

type Send = (message: HostMessage, sent?: () => void) => void
type WithId = Extract<HostMessage, { id: number }>
type Unnumbered<Message> = Message extends WithId ? Omit<Message, 'id'> : never

interface Pending {
  readonly resolve: (answer?: unknown) => void
  readonly reject: (error: Error) => void
}

const eventsAMessage = 256
const maxSilenceMs = 100

/**
 * An attempt's output on its way from the host to the server. One message of events is under way at a time; what
 * comes meanwhile waits here in order, newest progress instead of the one before, and no more log than will be kept.
 */
export class HostOutput implements AttemptOutput {
  readonly #send: Send
  readonly #pending = new Map<number, Pending>()
  #waiting: OutputEvent[] = []
  #isUnderWay = false
  #underWay: Promise<void> = Promise.resolve()
  #isScheduled = false
  #lastFlush = performance.now()
  #lastId = 0
  #lastPart = 0
  #lines = 0

  constructor(send: Send) {
    this.#send = send
  }

  progress(percent: number, step?: string): void {
    const event: OutputEvent = step === undefined ? { kind: 'progress', percent } : { kind: 'progress', percent, step }
    const last = this.#waiting.at(-1)
    if (last?.kind === 'progress' && (last.step === step || step !== undefined)) this.#waiting.pop()
    this.#add(event)
  }

  step(name: string): void {
    this.#add({ kind: 'step', name })
  }

  log(line: string, cutBytes = 0): void {
    this.#lines += 1
    if (this.#lines > outputLimits.logLines) this.#skip()
    else this.#add({ kind: 'log', ...shortened(line, cutBytes) })
  }

  /** Has the server answer a request of the handler. @throws with the message of the server's error. */
  ask(request: unknown): Promise<unknown> {
    return this.#request({ kind: 'request', request })
  }

  /** Has the server submit a child of the task. @throws with the message of the refusal. */
  submit(task: unknown): Promise<SubmittedChild> {
    return this.#request({ kind: 'submit', task })
  }

  /** Has the server answer a request about what the task remembers. */
  remember(request: unknown): Promise<unknown> {
    return this.#request({ kind: 'remember', request })
  }

  async openPart(name: string, contentType: string): Promise<PartWriter> {
    this.#lastPart += 1
    const part = this.#lastPart
    await this.#request({ kind: 'part-open', part, name, contentType })
    return {
      write: async (bytes) => {
        for (let at = 0; at < bytes.length; at += chunkBytes)
          await this.#request({ kind: 'part-chunk', part, bytes: bytes.subarray(at, at + chunkBytes) })
      },
      close: () => this.#request({ kind: 'part-close', part, keep: true }),
      abort: () => this.#request({ kind: 'part-close', part, keep: false }),
    }
  }

  checkpoint(json: string): Promise<void> {
    return this.#request({ kind: 'checkpoint', json })
  }

  async drained(): Promise<void> {
    while (this.#isUnderWay) await this.#underWay
  }

  /** Tells the host that the server has dealt with one of its messages. */
  acknowledge({ id, answer, error }: Extract<ServerMessage, { kind: 'ack' }>): void {
    const pending = this.#pending.get(id)
    this.#pending.delete(id)
    if (error === undefined) pending?.resolve(answer)
    else pending?.reject(new Error(error))
  }

  /** Sends what waits without waiting for the server; for the end of the attempt. */
  flush(): void {
    const events = this.#waiting
    this.#waiting = []
    for (let at = 0; at < events.length; at += eventsAMessage) {
      this.#lastId += 1
      this.#send({ kind: 'events', id: this.#lastId, events: events.slice(at, at + eventsAMessage) })
    }
  }

  #add(event: OutputEvent): void {
    this.#waiting.push(event)
    // A handler that computes without a pause gives no later turn to send in.
    if (performance.now() - this.#lastFlush > maxSilenceMs) this.#sendWaiting()
    if (this.#isScheduled || this.#isUnderWay) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      this.#sendWaiting()
    })
  }

  #skip(): void {
    const last = this.#waiting.at(-1)
    if (last?.kind === 'skip') this.#waiting.splice(-1, 1, { kind: 'skip', lines: last.lines + 1 })
    else this.#add({ kind: 'skip', lines: 1 })
  }

  #sendWaiting(): void {
    if (this.#isUnderWay || this.#waiting.length === 0) return
    this.#isUnderWay = true
    this.#lastFlush = performance.now()
    const events = this.#waiting.splice(0, eventsAMessage)
    const next = () => {
      this.#isUnderWay = false
      this.#sendWaiting()
    }
    this.#underWay = this.#request({ kind: 'events', events }).then(next, next)
  }

  #request<Answer = void>(message: Unnumbered<WithId>): Promise<Answer> {
    this.#lastId += 1
    const id = this.#lastId
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve: (answer) => resolve(answer as Answer), reject })
      this.#send({ ...message, id } as WithId)
    })
  }
}

/** The server marks the cut; here it is only seen to that no message grows without bound. */
function shortened(line: string, cutBytes: number): { line: string; cutBytes: number } {
  const { logLineLength } = outputLimits
  if (line.length <= logLineLength) return { line, cutBytes }
  return { line: line.slice(0, logLineLength), cutBytes: cutBytes + Buffer.byteLength(line.slice(logLineLength)) }
}
