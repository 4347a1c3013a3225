import { invalidInput } from '#lib/errors.ts'
import { isStorable } from '#lib/json.ts'
import { faultPath, jsonFault } from '#lib/json-rule.ts'

/** Most bytes of a document as JSON. */
export const documentBytes = 1024 * 1024

/** A value that can be kept, and how it is written. */
export interface Value {
  readonly data: unknown
  readonly sizeBytes: number
}

/**
 * Checks what a document is to hold: at most 1 MiB of JSON that can be kept as it is meant ({@link jsonFault}), without
 * U+0000 and halves of surrogate pairs. @throws {InvalidInput}
 */
export function checkValue(data: unknown, at = 'data'): Value {
  return check(data, at, '')
}

/** As {@link checkValue}, for the result of the patch in the input `at`. @throws {InvalidInput} */
export function checkPatched(data: unknown, at: string): Value {
  return check(data, at, 'results in a document that ')
}

function check(data: unknown, at: string, made: string): Value {
  const fault = jsonFault(data)
  if (fault !== undefined) refuse(faultPath(at, fault), `${made}${fault.message}`)
  const text = JSON.stringify(data)
  const sizeBytes = Buffer.byteLength(text)
  if (sizeBytes > documentBytes) refuse(at, `${made}takes ${sizeBytes} bytes as JSON, and may take ${documentBytes}`)
  if (!isStorable(data)) refuse(at, `${made}holds the character U+0000 or half of a surrogate pair`)
  return { data, sizeBytes }
}

function refuse(path: string, message: string): never {
  throw invalidInput('The write', [{ path, message }])
}
