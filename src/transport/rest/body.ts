import type { IncomingMessage } from 'node:http'
import { isNestedBeyond, maxRequestDepth, tooDeep } from '#lib/json-depth.ts'
import { createNegotiation } from '#transport/accepted-types.ts'
import { formOf, formType, mediaTypeOf, mustBePlainUtf8, textOf } from '#transport/content.ts'
import type { RequestAuth } from '#transport/request-auth.ts'
import { Refused } from './refused.ts'

const jsonType = /^application\/(json|[\w.+-]+\+json)$/

/**
 * A request's body, parsed.
 * @throws {Refused} 415 for what is not JSON, 400 for what can't be parsed. @throws {UnsupportedEncoding} @throws {NotUtf8}
 * @throws {BodyTooLarge} @throws {BodyTooSlow}
 * @throws {AddressBodiesFull} @throws {AnonymousBodiesFull}
 */
export async function readJson(incoming: IncomingMessage, auth: RequestAuth, limit: number): Promise<unknown> {
  if (!jsonType.test(mediaTypeOf(incoming.headers)))
    throw new Refused('UNSUPPORTED_MEDIA_TYPE', 'The body must be JSON: send it with "Content-Type: application/json".')
  mustBePlainUtf8(incoming.headers)
  return parse(await auth.readBody(incoming, limit))
}

/** Whether the body is a form. */
export function isForm({ headers }: IncomingMessage): boolean {
  return mediaTypeOf(headers) === formType
}

/** A form's fields. @throws {UnsupportedEncoding} @throws {NotUtf8} and as {@link readJson} */
export async function readForm(incoming: IncomingMessage, auth: RequestAuth, limit: number): Promise<URLSearchParams> {
  mustBePlainUtf8(incoming.headers)
  return formOf(await auth.readBody(incoming, limit))
}

/** Whether a body comes with the request (RFC 9112 §6.3). */
export function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

function parse(bytes: Buffer): unknown {
  const parsed = parseText(textOf(bytes))
  if (isNestedBeyond(parsed, maxRequestDepth))
    throw new Refused('INVALID_INPUT', `The body ${tooDeep(maxRequestDepth)}.`)
  return parsed
}

function parseText(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new Refused('MALFORMED_REQUEST', `The body is not JSON: ${(cause as Error).message}.`)
  }
}

const allowedTypes = createNegotiation(['application/json'])

/** @throws {Refused} 406 when the `Accept` header leaves no way to answer in JSON. */
export function acceptsJson(header: string | undefined): void {
  if (allowedTypes(header).length === 0)
    throw new Refused('NOT_ACCEPTABLE', 'The response is JSON: accept "application/json".')
}
