import { maxRetryAfterMs } from '#domain/tasks/retry-plan.ts'
import { type ReportedEnd, waitKinds } from '#domain/tasks/task.ts'
import type { AttemptSecret } from '#domain/tasks/task-secrets.ts'
import { isNestedBeyond } from '#lib/json-depth.ts'
import type { AttemptFacts } from './context.ts'
import type { AttemptUser } from './task-user.ts'

/** Server to host, once: what to run. */
export interface StartMessage {
  readonly kind: 'start'
  readonly attempt: AttemptFacts
  readonly workspace: string
  /** As whom to go on once everything is loaded; undefined: as the server. */
  readonly user?: AttemptUser
  /** The variables that the type may see; `HOME` and `TMPDIR` are the workspace. */
  readonly env: Readonly<Record<string, string>>
  /** Only ever in this message: the arguments and the environment that a process starts with can be seen from outside. */
  readonly secrets: readonly AttemptSecret[]
  /** From the {@link TaskHost}: what the host's program loads the task types with. */
  readonly settings: unknown
  readonly heartbeatMs: number
}

/** Server to host: the message of that id has been dealt with, or why it could not be. */
interface AckMessage {
  readonly kind: 'ack'
  readonly id: number
  /** To a request, or a submission. */
  readonly answer?: unknown
  readonly error?: string
}

export type ServerMessage = StartMessage | AckMessage

/** One thing that a handler said; their order is kept. */
export type OutputEvent =
  | { readonly kind: 'progress'; readonly percent: number; readonly step?: string }
  | { readonly kind: 'step'; readonly name: string }
  | { readonly kind: 'log'; readonly line: string; readonly cutBytes: number }
  | { readonly kind: 'skip'; readonly lines: number }

/** Host to server. Whatever has an `id` is answered with an ack. */
export type HostMessage =
  | { readonly kind: 'alive' }
  | { readonly kind: 'events'; readonly id: number; readonly events: readonly OutputEvent[] }
  | {
      readonly kind: 'part-open'
      readonly id: number
      readonly part: number
      readonly name: string
      readonly contentType: string
    }
  | { readonly kind: 'part-chunk'; readonly id: number; readonly part: number; readonly bytes: Uint8Array }
  | { readonly kind: 'part-close'; readonly id: number; readonly part: number; readonly keep: boolean }
  | { readonly kind: 'checkpoint'; readonly id: number; readonly json: string }
  | { readonly kind: 'request'; readonly id: number; readonly request: unknown }
  | { readonly kind: 'submit'; readonly id: number; readonly task: unknown }
  /** About what the task remembers from one attempt to the next. */
  | { readonly kind: 'remember'; readonly id: number; readonly request: unknown }
  | { readonly kind: 'ended'; readonly outcome: ReportedEnd }

/** The largest piece of a part in one message. */
export const chunkBytes = 256 * 1024

type Fields = Readonly<Record<string, unknown>>

const isNumber = (value: unknown): value is number => typeof value === 'number'
const isText = (value: unknown): value is string => typeof value === 'string'

const hostMessageForms: Record<HostMessage['kind'], (message: Fields) => boolean> = {
  alive: () => true,
  events: ({ id, events }) => isNumber(id) && Array.isArray(events) && events.every(isOutputEvent),
  'part-open': ({ id, part, name, contentType }) =>
    isNumber(id) && isNumber(part) && isText(name) && isText(contentType),
  'part-chunk': ({ id, part, bytes }) => isNumber(id) && isNumber(part) && bytes instanceof Uint8Array,
  'part-close': ({ id, part, keep }) => isNumber(id) && isNumber(part) && typeof keep === 'boolean',
  checkpoint: ({ id, json }) => isNumber(id) && isText(json),
  request: ({ id }) => isNumber(id),
  submit: ({ id }) => isNumber(id),
  remember: ({ id }) => isNumber(id),
  ended: ({ outcome }) => isOutcome(outcome),
}

/** The message when it is one of the protocol, else undefined: a handler's own code shares the host's channel. */
export function asHostMessage(message: unknown): HostMessage | undefined {
  if (!isFields(message) || !isText(message['kind'])) return undefined
  const isForm = isKnownKind(message['kind']) ? hostMessageForms[message['kind']] : undefined
  return isForm?.(message) ? (message as unknown as HostMessage) : undefined
}

function isKnownKind(kind: string): kind is HostMessage['kind'] {
  return Object.hasOwn(hostMessageForms, kind)
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null
}

function isOutputEvent(event: unknown): event is OutputEvent {
  if (!isFields(event)) return false
  const { kind, percent, step, name, line, cutBytes, lines } = event
  if (kind === 'progress') return isNumber(percent) && (step === undefined || isText(step))
  if (kind === 'log') return isText(line) && isNumber(cutBytes)
  return (kind === 'step' && isText(name)) || (kind === 'skip' && isNumber(lines))
}

function isWait(ms: unknown): boolean {
  return ms === undefined || (isNumber(ms) && Number.isInteger(ms) && ms >= 0 && ms <= maxRetryAfterMs)
}

function isOutcome(outcome: unknown): outcome is ReportedEnd {
  if (!isFields(outcome)) return false
  if (outcome['kind'] === 'waiting') return isOpenWait(outcome['wait'])
  // A handler's own code can send what its host would have refused.
  if (outcome['kind'] !== 'failed') return outcome['kind'] === 'completed' && !isNestedBeyond(outcome['result'])
  const error = outcome['error']
  if (!isFields(error) || !isText(error['code']) || !isText(error['message'])) return false
  return typeof error['retryable'] === 'boolean' && isWait(error['retryAfterMs'])
}

function isOpenWait(wait: unknown): boolean {
  return (
    isFields(wait) && isText(wait['key']) && isText(wait['name']) && waitKinds.some((kind) => kind === wait['kind'])
  )
}
