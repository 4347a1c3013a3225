import type { AttemptOutput } from '#domain/tasks/runner.ts'
import { outputLimits, PermanentFailure } from '#domain/tasks/task-type.ts'
import { isNestedBeyond, tooDeep } from '#lib/json-depth.ts'
import { resultPartName } from './limited-output.ts'
import { storableText } from './text.ts'

/**
 * A handler's result as JSON text; nothing returned is `null`.
 * @throws {PermanentFailure} when it holds what JSON cannot: a function, a symbol, a BigInt, NaN, Infinity, a cycle, too
 * many levels.
 */
function resultJson(value: unknown): string {
  try {
    return storableJson(JSON.stringify(value === undefined ? null : value, refuseUnwritable) ?? 'null')
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split('\n', 1)[0] : String(cause)
    if (cause instanceof RangeError && /call stack/i.test(cause.message)) throw nestedTooDeep(cause)
    throw new PermanentFailure(`The result cannot be written as JSON: ${reason}`, 'INVALID_RESULT', { cause })
  }
}

function refuseUnwritable(key: string, value: unknown): unknown {
  if (typeof value === 'function' || typeof value === 'symbol')
    throw new TypeError(key === '' ? `it is a ${typeof value}.` : `"${key}" is a ${typeof value}.`)
  if (typeof value === 'number' && !Number.isFinite(value))
    throw new TypeError(key === '' ? `it is ${value}.` : `"${key}" is ${value}.`)
  return value
}

/** The value itself. @throws {PermanentFailure} when it is nested too deeply */
function shallow(value: unknown): unknown {
  if (isNestedBeyond(value)) throw nestedTooDeep()
  return value
}

function nestedTooDeep(cause?: unknown): PermanentFailure {
  return new PermanentFailure(`The result ${tooDeep()}.`, 'INVALID_RESULT', { cause })
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

/**
 * The result as the outcome carries it: itself, or, when it is too large for that, a pointer to the part that holds it.
 * @throws {PermanentFailure} when it is too large even for a part, or nested too deeply.
 */
export async function deliverResult(value: unknown, output: AttemptOutput): Promise<unknown> {
  const json = resultJson(value)
  const sizeBytes = Buffer.byteLength(json)
  if (sizeBytes <= outputLimits.resultBytes) return shallow(JSON.parse(json))
  if (sizeBytes > outputLimits.partBytes)
    throw new PermanentFailure(
      `The result is ${sizeBytes.toLocaleString('en')} bytes; at most ${outputLimits.partBytes.toLocaleString('en')} can be kept.`,
      'RESULT_TOO_LARGE',
    )
  shallow(value)
  const part = await output.openPart(resultPartName, 'application/json')
  await part.write(Buffer.from(json))
  await part.close()
  return { truncated: true, sizeBytes, part: resultPartName }
}
