import { attemptJson, shallow } from '#domain/tasks/runner/attempt-json.ts'
import type { OpenWait } from '#domain/tasks/task.ts'
import { PermanentFailure } from '#domain/tasks/task-failure.ts'
import { type CompositeKey, compositeKey } from '#lib/composite-key.ts'
import { type DurableReplies, type DurableReply, type DurableRequest, durableLimits } from './protocol.ts'
import {
  ApprovalRejected,
  type AwaitedTask,
  type WaitFor,
  type WaitOptions,
  type WaitResult,
  WaitTimedOut,
} from './wait.ts'

/** Asks the server's process. */
type AskDurable = (request: DurableRequest) => Promise<unknown>

export interface DurableContextOptions {
  readonly ask: AskDurable
  /** Called when a step's work begins. */
  readonly onStep: (name: string) => void
  /** Whether a text holds a secret of the attempt. */
  readonly holdsSecret: (text: string) => boolean
}

type Wait = Omit<Extract<DurableRequest, { kind: 'wait' }>, 'kind' | 'occurrence'>

/** What one attempt knows of its task's earlier ones: results of steps, and how waits have ended. */
export class DurableContext {
  readonly #options: DurableContextOptions
  readonly #stepNames = new Set<string>()
  readonly #running = new Set<Promise<unknown>>()
  readonly #occurrences = new Map<CompositeKey, number>()
  readonly #suspension = Promise.withResolvers<OpenWait>()
  #isWaiting = false

  constructor(options: DurableContextOptions) {
    this.#options = options
  }

  /** Resolves when the attempt is to end because it waits; never, when it doesn't. */
  get suspended(): Promise<OpenWait> {
    return this.#suspension.promise
  }

  /** Does the work unless an earlier attempt has; returns its result either way, as JSON has it. */
  async step<Result>(name: string, work: () => Result | Promise<Result>): Promise<Result> {
    if (this.#stepNames.has(name))
      throw new PermanentFailure(`The step "${name}" occurs twice; each needs a name of its own.`, 'STEP_REPEATED')
    this.#stepNames.add(name)
    const doing = this.#step(name, work)
    this.#running.add(doing)
    return doing.finally(() => this.#running.delete(doing)) as Promise<Result>
  }

  async #step(name: string, work: () => unknown): Promise<unknown> {
    const known = await this.#ask<'findStep'>({ kind: 'findStep', name })
    if (known.json !== undefined) return JSON.parse(known.json)
    this.#options.onStep(name)
    const startedAt = new Date()
    const json = this.#stepJson(name, await work())
    await this.#ask<'keepStep'>({ kind: 'keepStep', name, startedAt, json })
    return JSON.parse(json)
  }

  #stepJson(name: string, result: unknown): string {
    const what = `The result of the step "${name}"`
    const kept = { what, code: 'INVALID_STEP_RESULT' }
    const json = attemptJson(result, kept)
    shallow(JSON.parse(json), kept)
    const refuse = (reason: string, code: string) => new PermanentFailure(`${what} ${reason}.`, code)
    const bytes = Buffer.byteLength(json)
    if (bytes > durableLimits.stepBytes)
      throw refuse(
        `is ${bytes.toLocaleString('en')} bytes; at most ${durableLimits.stepBytes.toLocaleString('en')} can be kept`,
        'STEP_RESULT_TOO_LARGE',
      )
    if (this.#options.holdsSecret(json))
      throw refuse('holds a secret of the task, which must not be stored', 'SECRET_IN_STEP')
    return json
  }

  /** Resolves when it has come what an earlier attempt has waited for; else the attempt ends, and this never resolves. */
  async waitFor<What extends WaitFor>(what: What, options: WaitOptions = {}): Promise<WaitResult<What>> {
    const wait = waitOf(what, options)
    if (this.#isWaiting)
      throw new PermanentFailure(
        'A task can wait for one thing at a time: await each waitFor before the next.',
        'WAITS_TWICE',
      )
    this.#isWaiting = true
    const answer = await this.#ask<'wait'>({
      kind: 'wait',
      ...wait,
      occurrence: this.#next(compositeKey(wait.for, wait.name)),
    })
    if ('over' in answer) {
      this.#isWaiting = false
      return resultOf(wait, answer.over) as WaitResult<What>
    }
    // What is being done at the same time is done to its end first.
    while (this.#running.size > 0) await Promise.allSettled(this.#running)
    this.#suspension.resolve(answer.open)
    return new Promise(() => {
      // The attempt ends here.
    })
  }

  #next(key: CompositeKey): number {
    const occurrence = (this.#occurrences.get(key) ?? 0) + 1
    this.#occurrences.set(key, occurrence)
    return occurrence
  }

  async #ask<Kind extends DurableRequest['kind']>(
    request: Extract<DurableRequest, { kind: Kind }>,
  ): Promise<DurableReplies[Kind]> {
    const reply = (await this.#options.ask(request)) as DurableReply
    if ('answer' in reply) return reply.answer as DurableReplies[Kind]
    throw new PermanentFailure(reply.refused.message, reply.refused.code)
  }
}

function waitOf(what: WaitFor, { timeoutMs = durableLimits.defaultTimeoutMs }: WaitOptions): Wait {
  const given = Object.entries(what)
  const [[kind, value] = []] = given
  if (given.length !== 1 || kind === undefined || !(kind in kinds))
    throw new PermanentFailure('waitFor takes exactly one of event, approval, until and task.', 'INVALID_WAIT')
  if (kind === 'until') return untilWait(value)
  if (!(timeoutMs >= 0 && timeoutMs <= durableLimits.maxTimeoutMs))
    throw new PermanentFailure(
      `timeoutMs must be 0 to ${durableLimits.maxTimeoutMs.toLocaleString('en')}, but is ${timeoutMs}.`,
      'INVALID_WAIT',
    )
  return { for: kinds[kind as keyof typeof kinds], name: String(value), timeoutMs }
}

const kinds = { event: 'EVENT', approval: 'APPROVAL', until: 'UNTIL', task: 'TASK' } as const

function untilWait(value: unknown): Wait {
  const timeoutMs = value instanceof Date ? value.getTime() - Date.now() : Number.NaN
  if (!(timeoutMs <= durableLimits.maxTimeoutMs))
    throw new PermanentFailure('`until` must be a Date within the next 366 days.', 'INVALID_WAIT')
  return { for: 'UNTIL', name: 'until', timeoutMs: Math.max(0, timeoutMs) }
}

function resultOf(
  wait: Wait,
  { outcome, value, by, comment, at }: Extract<DurableReplies['wait'], { over: unknown }>['over'],
): unknown {
  const who = by ?? { kind: 'system', id: 'unknown', name: 'somebody' }
  switch (outcome) {
    case 'SIGNALLED':
      return { value, by: who, at }
    case 'APPROVED':
      return { by: who, comment, at }
    case 'ENDED':
      return value as AwaitedTask
    case 'PASSED':
      return undefined
    case 'REJECTED':
      throw new ApprovalRejected(wait.name, who, comment)
    case 'TIMED_OUT':
      throw new WaitTimedOut(textOf(wait))
  }
}

function textOf({ for: kind, name }: Wait): string {
  return { EVENT: `the event "${name}"`, APPROVAL: `the approval "${name}"`, TASK: `task ${name}`, UNTIL: 'a time' }[
    kind
  ]
}
