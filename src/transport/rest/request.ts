import { z } from 'zod'
import type { InputIssue } from '#lib/errors.ts'
import { inWords } from '#lib/parse.ts'
import type { RefusalCode } from './codes.ts'
import type { Operations } from './operations.ts'
import { Refused, refusedInput } from './refused.ts'
import { hintFor, namesAt } from './unknown-names.ts'

/** A request as the bridge hands it to a row. */
export interface RestRequest {
  readonly method: string
  /** The request's path as clients know it: with the path of `PUBLIC_URL`, for links to this very thing. */
  readonly path: string
  /** What links to other rows start with: the path of `PUBLIC_URL`, and `/api` or `/sfp/api` within them. */
  readonly prefix: string
  readonly params: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  /** By their lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  /** Parsed JSON; undefined when the row takes no body. */
  readonly body: unknown
  /** Aborts when the client goes away. */
  readonly signal: AbortSignal
  /** The caller's way into GraphQL; for anonymous ones, whom only open rows let in, to what is for everybody. */
  readonly operations: Operations
  readonly isAnonymous: boolean
}

/** The schemas of a request's pieces; what is absent is not looked at. */
export interface RequestSchemas {
  readonly params?: z.ZodType | undefined
  readonly query?: z.ZodObject | undefined
  readonly headers?: z.ZodObject | undefined
  readonly body?: z.ZodType | undefined
}

/** A request's pieces as the row's schemas give them. */
export interface ParsedRequest<
  Params extends z.ZodType,
  Query extends z.ZodType,
  Headers extends z.ZodType,
  Body extends z.ZodType,
> {
  readonly params: z.output<Params>
  readonly query: z.output<Query>
  readonly headers: z.output<Headers>
  readonly body: z.output<Body>
}

/** Parses what the row looks at. @throws {Refused} 400 for the address and headers, 422 for the body. */
export function parseRequest<
  Params extends z.ZodType,
  Query extends z.ZodObject,
  Headers extends z.ZodObject,
  Body extends z.ZodType,
>(schemas: RequestSchemas, request: RestRequest): ParsedRequest<Params, Query, Headers, Body> {
  const { params, query, headers, body } = schemas
  refuseNul(request)
  refuseUnknown(request, query)
  return {
    params: parse(params, request.params, 'MALFORMED_REQUEST', 'The path'),
    query: parse(query, query && queryValues(query, request.query), 'MALFORMED_REQUEST', 'The query'),
    headers: parse(headers, request.headers, 'MALFORMED_REQUEST', 'The headers'),
    body: parse(body, request.body, 'INVALID_INPUT', 'The body', Object.keys(headers?.shape ?? {})),
  } as ParsedRequest<Params, Query, Headers, Body>
}

/** Nothing has a NUL in its name, and PostgreSQL can't even be asked for it. */
function refuseNul({ params, query }: RestRequest): void {
  if (Object.values(params).some(hasNul)) throw new Refused('NOT_FOUND', 'There is nothing with that name.')
  if ([...query.values()].some(hasNul)) throw new Refused('MALFORMED_REQUEST', 'The query holds a NUL character.')
}

/** A parameter that is misspelt would be one that was never given, and a list would hold everything. */
function refuseUnknown({ query }: RestRequest, schema: z.ZodObject | undefined): void {
  if (schema?.def.catchall instanceof z.ZodUnknown) return
  const known = Object.keys(schema?.shape ?? {})
  const issues = [...new Set(query.keys())]
    .filter((name) => !known.includes(name))
    .map((name) => ({ path: name.slice(0, maxShownLength), message: unknownParameter(name, known) }))
  if (issues.length === 0) return
  throw refusedInput('MALFORMED_REQUEST', 'The query', issues)
}

const maxShownLength = 100

function unknownParameter(name: string, known: readonly string[]): string {
  if (known.length === 0) return 'is not known here, where no parameters are taken'
  return `is not known here${hintFor(name, known) || `; known are ${known.join(', ')}`}`
}

function hasNul(text: string): boolean {
  return text.includes('\0')
}

function parse(
  schema: z.ZodType | undefined,
  value: unknown,
  code: RefusalCode,
  what: string,
  headers: readonly string[] = [],
): unknown {
  if (schema === undefined) return {}
  const parsed = schema.safeParse(value, inWords)
  if (parsed.success) return parsed.data
  throw refusedInput(
    code,
    what,
    parsed.error.issues.map((issue) => issueOf(issue, schema, headers)),
  )
}

function issueOf(issue: z.core.$ZodIssue, schema: z.ZodType, headers: readonly string[]): InputIssue {
  const path = issue.path.map(String).join('.')
  if (issue.code !== 'unrecognized_keys') return { path, message: issue.message }
  const known = namesAt(schema, issue.path)
  const keys = issue.keys.map((key) => `${JSON.stringify(key.slice(0, maxShownLength))}${hintFor(key, known, headers)}`)
  return { path, message: `Unrecognized key${keys.length === 1 ? '' : 's'}: ${keys.join(', ')}` }
}

/** Parameters that are lists may be repeated or separated by commas; one that is empty counts as absent. */
function queryValues(schema: z.ZodObject, query: URLSearchParams): Record<string, unknown> {
  const entries = Object.entries(schema.shape).map(([name, field]) => {
    const values = query.getAll(name).filter((value) => value !== '')
    return [name, isList(field) ? values.flatMap((value) => value.split(',')) : values.at(-1)] as const
  })
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined && value.length > 0))
}

function isList(field: z.core.$ZodType): boolean {
  if (field instanceof z.ZodOptional || field instanceof z.ZodDefault) return isList(field.unwrap())
  return field instanceof z.ZodArray
}
