import type { IncomingHttpHeaders } from 'node:http'
import { AppError } from '#lib/errors.ts'
import { isEncodedUtf8, parseForm } from '#lib/form.ts'
import { decodeUtf8, notUtf8 } from '#lib/utf8.ts'

/** The body is compressed, or in another charset than UTF-8. */
class UnsupportedEncoding extends AppError {
  readonly code = 'UNSUPPORTED_MEDIA_TYPE'
}

/** Bytes that should be a text are not UTF-8. */
class NotUtf8 extends AppError {
  readonly code = 'MALFORMED_REQUEST'
}

/** The media type of forms. */
export const formType = 'application/x-www-form-urlencoded'

/** UTF-8 by its names, and ASCII, which is part of it. */
const utf8Names = new Set(['utf-8', 'utf8', 'us-ascii', 'ascii'])

/** The media type of a body in lower case, without parameters; empty when there is none (RFC 9110 §8.3.1). */
export function mediaTypeOf(headers: IncomingHttpHeaders): string {
  const [type = ''] = (headers['content-type'] ?? '').split(';', 1)
  return type.trim().toLowerCase()
}

/**
 * The rule for the bodies of all APIs: UTF-8, not compressed.
 * @throws {UnsupportedEncoding} when the headers announce something else
 */
export function mustBePlainUtf8(headers: IncomingHttpHeaders): void {
  const encoding = headers['content-encoding']?.trim().toLowerCase() ?? ''
  if (encoding !== '' && encoding !== 'identity')
    throw new UnsupportedEncoding(`The body must not be compressed: send it without "Content-Encoding: ${encoding}".`)
  const [, charset] = /;\s*charset\s*=\s*"?([^\s";]*)/i.exec(headers['content-type'] ?? '') ?? []
  if (charset !== undefined && !utf8Names.has(charset.toLowerCase()))
    throw new UnsupportedEncoding(`The body must be UTF-8, not ${charset}.`)
}

/** A body's text without its byte order mark. @throws {NotUtf8} */
export function textOf(body: Buffer): string {
  const text = decodeUtf8(body)
  if (text === undefined) throw new NotUtf8(`The body ${notUtf8}.`)
  return text
}

/** The fields of a form. @throws {NotUtf8} */
export function formOf(body: Buffer): URLSearchParams {
  const form = parseForm(body)
  if (form === undefined) throw new NotUtf8(`The form ${notUtf8}.`)
  return form
}

/** Refuses a query whose percent-encoded bytes would become other characters. @throws {NotUtf8} */
export function mustBeEncodedUtf8(query: string): void {
  if (!isEncodedUtf8(query)) throw new NotUtf8('The query is not percent-encoded UTF-8.')
}
