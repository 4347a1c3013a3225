import { PermanentFailure } from '#domain/tasks/task-type.ts'
import { isNestedBeyond, tooDeep } from '#lib/json-depth.ts'
import { storableText } from './text.ts'

/** What a handler hands over to be kept as JSON, and the code of the failure when it can't be. */
export interface Kept {
  /** Begins a sentence, such as `The result`. */
  readonly what: string
  readonly code: string
}

/**
 * A value of a handler as JSON text that the database can keep; undefined is `null`.
 * @throws {PermanentFailure} when it holds what JSON cannot: a function, a symbol, a BigInt, NaN, Infinity, a cycle, too
 * many levels.
 */
export function attemptJson(value: unknown, kept: Kept): string {
  try {
    return storableJson(JSON.stringify(value === undefined ? null : value, refuseUnwritable) ?? 'null')
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split('\n', 1)[0] : String(cause)
    if (cause instanceof RangeError && /call stack/i.test(cause.message)) throw nestedTooDeep(kept, cause)
    throw new PermanentFailure(`${kept.what} cannot be written as JSON: ${reason}`, kept.code, { cause })
  }
}

/** The value itself. @throws {PermanentFailure} when it is nested too deeply */
export function shallow(value: unknown, kept: Kept): unknown {
  if (isNestedBeyond(value)) throw nestedTooDeep(kept)
  return value
}

function refuseUnwritable(key: string, value: unknown): unknown {
  if (typeof value === 'function' || typeof value === 'symbol')
    throw new TypeError(key === '' ? `it is a ${typeof value}.` : `"${key}" is a ${typeof value}.`)
  if (typeof value === 'number' && !Number.isFinite(value))
    throw new TypeError(key === '' ? `it is ${value}.` : `"${key}" is ${value}.`)
  return value
}

function nestedTooDeep({ what, code }: Kept, cause?: unknown): PermanentFailure {
  return new PermanentFailure(`${what} ${tooDeep()}.`, code, { cause })
}

/** PostgreSQL's jsonb refuses these, and a task that has done its work must not fail for one character. */
const unstorable = /\\u0000|\\ud[89a-f]/

function storableJson(json: string): string {
  return unstorable.test(json) ? JSON.stringify(storable(JSON.parse(json))) : json
}

function storable(value: unknown): unknown {
  if (typeof value === 'string') return storableText(value)
  if (Array.isArray(value)) return value.map(storable)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [storableText(key), storable(inner)]))
}
