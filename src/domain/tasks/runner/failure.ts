import { maxRetryAfterMs } from '#domain/tasks/retry-plan.ts'
import type { ReportedEnd } from '#domain/tasks/task.ts'
import type { TaskError } from '#domain/tasks/task-error.ts'
import { TaskFailure } from '#domain/tasks/task-type.ts'
import { sourceStack } from '#platform/telemetry/source-stack.ts'
import type { SecretMask } from './secret-mask.ts'
import { cutText, storableText } from './text.ts'

const maxMessageLength = 8_192
const maxStackLength = 16_384

/** The end of an attempt that has failed. */
export function failed(code: string, message: string, retryable: boolean): ReportedEnd {
  return { kind: 'failed', error: { code, message: cutText(storableText(message), maxMessageLength), retryable } }
}

/** What an attempt's failure looks like from outside, from whatever its handler threw; without secrets that `mask` knows. */
export function taskError(thrown: unknown, mask?: SecretMask): TaskError {
  const masked = (text: string) => storableText(mask?.text(text) ?? text)
  const reason = { ...verdict(thrown), message: cutText(masked(thrownText(thrown)), maxMessageLength) }
  // A TaskFailure is thrown on purpose, and its message says it all; the stack is only useful for other errors.
  const isMeant = thrown instanceof TaskFailure || !(thrown instanceof Error)
  if (isMeant || thrown.stack === undefined) return reason
  return { ...reason, stack: cutText(masked(sourceStack(thrown.stack)), maxStackLength) }
}

function verdict(thrown: unknown): Pick<TaskError, 'code' | 'retryable' | 'retryAfterMs'> {
  if (thrown instanceof TaskFailure)
    return { code: storableText(thrown.code), retryable: thrown.retryable, ...waitOf(thrown.retryAfterMs) }
  // A configuration outside this package may bring a second copy of it, whose classes are others than ours.
  if (thrown instanceof Error && thrown.name === 'PermanentFailure')
    return { code: 'code' in thrown ? storableText(String(thrown.code)) : 'PERMANENT_FAILURE', retryable: false }
  if (thrown instanceof Error && thrown.name === 'TaskFailure' && 'code' in thrown)
    return {
      code: storableText(String(thrown.code)),
      retryable: true,
      ...waitOf('retryAfterMs' in thrown ? thrown.retryAfterMs : undefined),
    }
  return { code: 'HANDLER_FAILED', retryable: true }
}

/** A handler may compute what it asks for, and ask for nonsense. */
function waitOf(retryAfterMs: unknown): Pick<TaskError, 'retryAfterMs'> {
  if (typeof retryAfterMs !== 'number' || Number.isNaN(retryAfterMs)) return {}
  return { retryAfterMs: Math.round(Math.min(Math.max(retryAfterMs, 0), maxRetryAfterMs)) }
}

const deepestCause = 5

/** Libraries keep the reason in the cause: of a connection that is refused, fetch itself only says "fetch failed". */
function messageWithCauses(error: Error): string {
  const texts: string[] = []
  let cause: unknown = error
  while (cause instanceof Error && texts.length < deepestCause) {
    const text = ownText(cause)
    if (!texts.some((earlier) => earlier.includes(text))) texts.push(text)
    cause = cause.cause
  }
  return texts.join(': ')
}

/** A connection that was tried at several addresses fails with one error for each, and no message. */
function ownText(error: Error): string {
  if (error.message !== '') return error.message
  const messages =
    error instanceof AggregateError ? error.errors.map((one) => (one instanceof Error ? one.message : '')) : []
  return messages.filter(Boolean).join(', ') || error.name
}

function thrownText(thrown: unknown): string {
  if (thrown instanceof TaskFailure) return thrown.message || thrown.name
  if (thrown instanceof Error) return messageWithCauses(thrown)
  try {
    return String(thrown)
  } catch {
    // An object without a prototype has no text, and must not hide that the attempt failed.
    return Object.prototype.toString.call(thrown)
  }
}
