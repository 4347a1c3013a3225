import { InvalidInput } from '#lib/errors.ts'
import { isStorable } from '#lib/json.ts'

/** Most bytes of a document as JSON. */
export const documentBytes = 1024 * 1024
const deepest = 200

/** A value that can be kept, and how it is written. */
export interface Value {
  readonly data: unknown
  readonly sizeBytes: number
}

/**
 * Checks what a document is to hold: at most 1 MiB of JSON, at most 200 levels deep, without U+0000 and halves of
 * surrogate pairs, and without integers beyond 2^53 − 1, which many programs can't read exactly. −0 is kept as 0.
 * @throws {InvalidInput}
 */
export function checkValue(data: unknown, at = 'data'): Value {
  if (data === undefined) refuse(at, 'is missing')
  const fault = findFault(data)
  if (fault !== undefined) refuse(fault.path.length === 0 ? at : `${at}.${fault.path.join('.')}`, fault.message)
  const text = JSON.stringify(data)
  const sizeBytes = Buffer.byteLength(text)
  if (sizeBytes > documentBytes) refuse(at, `takes ${sizeBytes} bytes as JSON, and may take ${documentBytes}`)
  if (!isStorable(data)) refuse(at, 'holds the character U+0000 or half of a surrogate pair')
  return { data, sizeBytes }
}

function refuse(path: string, message: string): never {
  throw new InvalidInput(`\`${path}\` ${message}.`, [{ path, message }])
}

interface Fault {
  readonly path: readonly string[]
  readonly message: string
}

/** The first fault, in depth; stops where it is too deep, so nothing can exhaust the stack. */
function findFault(value: unknown, path: string[] = []): Fault | undefined {
  if (typeof value === 'number') return numberFault(value, path)
  if (typeof value !== 'object' || value === null) return undefined
  if (path.length >= deepest) return { path: path.slice(0, 5), message: `is more than ${deepest} levels deep` }
  for (const [name, inner] of Object.entries(value)) {
    const fault = findFault(inner, [...path, name])
    if (fault !== undefined) return fault
  }
  return undefined
}

function numberFault(value: number, path: readonly string[]): Fault | undefined {
  if (!Number.isFinite(value)) return { path, message: 'is no number that JSON can hold' }
  if (Number.isInteger(value) && !Number.isSafeInteger(value))
    return { path, message: 'is an integer beyond 2^53 − 1, which loses digits: hand it in as a text' }
  return undefined
}
