import { DurableContext } from '#domain/tasks/durable/durable-context.ts'
import type { AttemptOutput } from '#domain/tasks/runner.ts'
import type { Attempt, OpenWait } from '#domain/tasks/task.ts'
import { PermanentFailure } from '#domain/tasks/task-failure.ts'
import type { AttemptSecret } from '#domain/tasks/task-secrets.ts'
import type { ChildTask, PartData, ServerTaskContext, SubmittedChild } from '#domain/tasks/task-type.ts'
import { attemptJson } from './attempt-json.ts'
import { checkpointKind } from './limited-output.ts'
import { secretVariables } from './secret-files.ts'
import { SecretMask } from './secret-mask.ts'

/** What of an attempt its handler may know. */
export type AttemptFacts = Pick<Attempt, 'taskId' | 'type' | 'input' | 'labels' | 'number' | 'checkpoint'>

export interface ContextOptions {
  readonly attempt: AttemptFacts
  readonly output: AttemptOutput
  readonly signal: AbortSignal
  /** Called at each look at `context.workspace`, so that it need not exist before. */
  readonly workspace: () => string
  readonly env: Readonly<Record<string, string>>
  readonly secrets: readonly AttemptSecret[]
  /** Has the server answer a request of the handler. */
  readonly request: (request: unknown) => Promise<unknown>
  /** Has the server submit a child of the task. */
  readonly submit: (task: ChildTask) => Promise<SubmittedChild>
  /** Has the server answer a request about what the task remembers. */
  readonly remember: (request: unknown) => Promise<unknown>
}

const maxPartNameLength = 200

/** What one attempt's handler works with; also knows which parts are still being written. */
export class AttemptContext implements ServerTaskContext {
  readonly input: unknown
  readonly task: ServerTaskContext['task']
  readonly attempt: number
  readonly lastCheckpoint: unknown
  readonly signal: AbortSignal
  readonly env: Readonly<Record<string, string>>
  readonly secrets: Readonly<Record<string, string>>
  readonly request: (request: unknown) => Promise<unknown>
  readonly submit: (task: ChildTask) => Promise<SubmittedChild>
  readonly #mask: SecretMask | undefined
  readonly #output: AttemptOutput
  readonly #workspace: () => string
  readonly #durable: DurableContext
  readonly #parts = new Set<Promise<void>>()

  constructor(options: ContextOptions, input: unknown) {
    const { attempt } = options
    this.input = input
    this.task = { id: attempt.taskId, type: attempt.type, labels: attempt.labels }
    this.attempt = attempt.number
    this.lastCheckpoint = attempt.checkpoint ?? undefined
    this.signal = options.signal
    this.env = options.env
    this.secrets = secretVariables(options.secrets, options.workspace)
    this.#mask = SecretMask.of(options.secrets.map(({ value }) => value))
    this.request = options.request
    this.submit = options.submit
    this.#output = options.output
    this.#workspace = options.workspace
    this.#durable = new DurableContext({
      ask: options.remember,
      onStep: (name) => this.#output.step(name),
      holdsSecret: (text) => this.mask(text) !== text,
    })
  }

  get workspace(): string {
    return this.#workspace()
  }

  // Arrow functions, so that a handler may take them out of the context: `const { log } = context`.
  progress = (percent: number, step?: string): void => {
    const clamped = Number.isFinite(percent) ? Math.min(100, Math.max(0, percent)) : 0
    this.#output.progress(clamped, step)
  }

  step = ((name: string, work?: () => unknown) => {
    if (work !== undefined) return this.#durable.step(String(name), work)
    return this.#output.step(String(name))
  }) as ServerTaskContext['step']

  waitFor: ServerTaskContext['waitFor'] = (what, options) => this.#durable.waitFor(what, options)

  /** Resolves when the attempt is to end because the task waits. */
  get suspended(): Promise<OpenWait> {
    return this.#durable.suspended
  }

  log = (message: string): void => {
    for (const line of this.mask(String(message)).split(/\r?\n/)) this.#output.log(line)
  }

  mask = (text: string): string => this.#mask?.text(text) ?? text

  part = (name: string, data: PartData, contentType?: string): Promise<void> => {
    const writing = this.#writePart(name, data, contentType).finally(() => this.#parts.delete(writing))
    this.#parts.add(writing)
    // A handler that does not await it learns of a failure from `partsWritten`, not from an unhandled rejection.
    writing.catch(() => undefined)
    return writing
  }

  checkpoint = async (value: unknown): Promise<void> => {
    const json = attemptJson(value, checkpointKind)
    if (this.mask(json) !== json)
      throw new PermanentFailure(
        'The checkpoint holds a secret of the task, which must not be stored.',
        'SECRET_IN_CHECKPOINT',
      )
    await this.#output.checkpoint(json)
  }

  /** Resolves when no part is being written any more, rejects when one that the handler didn't await failed. */
  async partsWritten(): Promise<void> {
    await Promise.all(this.#parts)
  }

  async #writePart(name: string, data: PartData, contentType?: string): Promise<void> {
    if (name.length === 0 || name.length > maxPartNameLength || /\p{Cc}/u.test(name))
      throw new Error(`A part's name has 1 to ${maxPartNameLength} characters, none of them a control character.`)
    if (contentType !== undefined && !/^[\x20-\x7e]{1,200}$/.test(contentType))
      throw new Error('A content type has 1 to 200 printable ASCII characters.')
    const encoded = encode(data)
    const part = await this.#output.openPart(name.toWellFormed(), contentType ?? encoded.contentType)
    try {
      for await (const chunk of encoded.chunks) await part.write(typeof chunk === 'string' ? Buffer.from(chunk) : chunk)
    } catch (error) {
      await part.abort?.()
      throw error
    }
    await part.close()
  }
}

interface EncodedPart {
  readonly contentType: string
  readonly chunks: Iterable<Uint8Array | string> | AsyncIterable<Uint8Array | string>
}

function encode(data: PartData): EncodedPart {
  if (typeof data === 'string') return { contentType: 'text/plain; charset=utf-8', chunks: [data] }
  if (data instanceof Uint8Array) return { contentType: 'application/octet-stream', chunks: [data] }
  if (isStream(data)) return { contentType: 'application/octet-stream', chunks: data }
  return { contentType: 'application/json', chunks: [JSON.stringify(data)] }
}

function isStream(data: object): data is AsyncIterable<Uint8Array | string> {
  return Symbol.asyncIterator in data
}
