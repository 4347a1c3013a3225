import type { IncomingMessage } from 'node:http'
import { GraphQLError } from 'graphql'
import { isRecord } from '#lib/json.ts'
import { mustBeEncodedUtf8 } from '#transport/content.ts'

/** What the query string of a GET has that decides how it is answered. */
interface QueryString {
  readonly query?: string | null
  readonly extensions?: unknown
}

/**
 * Reads the parameters of a GET (GraphQL over HTTP §6.3.2). Yoga would answer those that can't be read as a bug of ours.
 * @throws {NotUtf8} @throws {GraphQLError}
 */
export function readQueryString({ url = '' }: IncomingMessage): QueryString {
  const at = url.indexOf('?')
  if (at === -1) return {}
  mustBeEncodedUtf8(url.slice(at + 1))
  const parameters = new URLSearchParams(url.slice(at + 1))
  readObject(parameters, 'variables')
  return { query: parameters.get('query'), extensions: readObject(parameters, 'extensions') }
}

function readObject(parameters: URLSearchParams, name: string): unknown {
  const text = parameters.get(name) ?? ''
  if (text === '') return undefined
  const value = parse(text)
  if (value === null || isRecord(value)) return value
  throw new GraphQLError(`The parameter "${name}" must be a JSON object.`, { extensions: { http: { status: 400 } } })
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
