import { GraphQLError, type GraphQLFormattedError } from 'graphql'
import { type ErrorKind, errorCodes, errorTable } from '#lib/error-codes.ts'
import { AppError } from '#lib/errors.ts'
import { newId } from '#lib/ids.ts'
import type { Logger } from '#platform/telemetry/log.ts'
import { RepeatedWarnings } from '#platform/telemetry/repeated-warnings.ts'

/** What an error says of the HTTP response; `spec`: only where the media type lets GraphQL errors have a status. */
export interface HttpHint {
  readonly status?: number
  readonly spec?: boolean
  /** After which time trying again can help. */
  readonly retryAfterMs?: number
}

/**
 * What clients see of an error: expected ones with their code, bugs as an id under which the log has them whole.
 * Masking what was masked before changes nothing.
 */
export function createErrorMask(log: Logger): (error: unknown) => GraphQLError {
  const outages = new RepeatedWarnings(log)
  const masked = new WeakSet<GraphQLError>()
  return (error) => {
    const cause = rootCause(error)
    if (cause instanceof GraphQLError && masked.has(cause)) return cause
    const result = mask(cause, error, { log, outages })
    masked.add(result)
    return result
  }
}

/** An error as clients get it: what it says of HTTP is for us. */
export function formatError(error: GraphQLError): GraphQLFormattedError {
  const { extensions, ...rest } = error.toJSON()
  const { http: _, ...told } = extensions ?? {}
  return { ...rest, extensions: told }
}

/** What kind of failure an error is that was masked; undefined for a bug. */
export function kindOf({ extensions: { code } }: GraphQLError): ErrorKind | undefined {
  const kinds: Readonly<Record<string, ErrorKind>> = errorCodes
  return typeof code === 'string' && Object.hasOwn(kinds, code) ? kinds[code] : undefined
}

/** Why a WebSocket is closed, in the 123 bytes that its close frame has for that (RFC 6455 §5.5). */
export function closeReason({ message }: GraphQLError): string {
  const bytes = Buffer.from(message)
  if (bytes.length <= maxReasonBytes) return message
  return bytes
    .subarray(0, maxReasonBytes)
    .toString()
    .replace(/\ufffd+$/, '')
}

const maxReasonBytes = 123

export function httpHint(error: GraphQLError): HttpHint {
  return (error.extensions['http'] ?? {}) as HttpHint
}

interface Logs {
  readonly log: Logger
  readonly outages: RepeatedWarnings
}

function mask(cause: unknown, error: unknown, { log, outages }: Logs): GraphQLError {
  if (cause instanceof AppError) return expected(cause, error)
  if (error instanceof GraphQLError && isAboutRequest(cause, error)) return refused(error)
  if (isUnstorableText(cause)) return unstorable(error)
  return isDatabaseOutage(cause) ? outage(cause, error, outages) : unexpected(cause, error, log)
}

function rootCause(error: unknown): unknown {
  let cause = error
  while (cause instanceof GraphQLError && (cause.originalError ?? cause.cause) instanceof Error)
    cause = cause.originalError ?? cause.cause
  return cause
}

/**
 * Whether graphql found fault with the request itself: before anything was executed, or with an argument, which it
 * knows the place of in the query. A result that can't be put into its type is a bug of ours.
 */
function isAboutRequest(cause: unknown, error: GraphQLError): boolean {
  return cause instanceof GraphQLError && (error.path === undefined || cause.nodes !== undefined)
}

function expected(cause: AppError, error: unknown): GraphQLError {
  const { status } = errorTable[cause.kind]
  const summary = 'summary' in cause ? { summary: cause.summary } : {}
  const issues = 'issues' in cause ? { issues: cause.issues } : {}
  const scopes = 'sufficientScopes' in cause ? { sufficientScopes: cause.sufficientScopes } : {}
  const wait = 'retryAfterMs' in cause ? { retryAfterMs: cause.retryAfterMs } : {}
  const http = isOfRequest(cause, error) ? { http: { status, ...wait } } : {}
  if (cause.code === 'OPERATION_NOT_PERSISTED') Object.assign(http, { http: { status } })
  if (cause.code === 'TOO_COMPLEX' || cause.code === 'PERSISTED_QUERY_NOT_SUPPORTED')
    Object.assign(http, { http: { status: 400, spec: true } })
  return new GraphQLError(cause.message, {
    ...placeOf(error),
    extensions: { code: cause.code, ...summary, ...issues, ...scopes, ...wait, ...http },
  })
}

/** Whether an error says something of the whole request, whatever the media type of its answer. */
function isOfRequest({ kind }: AppError, error: unknown): boolean {
  if (kind === 'rate-limited') return !(error instanceof GraphQLError && error.path !== undefined)
  return ['unauthenticated', 'unavailable', 'too-large', 'timeout', 'malformed', 'unsupported-media-type'].includes(
    kind,
  )
}

const statusCodes: Readonly<Record<number, string>> = { 406: 'NOT_ACCEPTABLE', 413: 'TOO_LARGE' }

/** The request was wrong: graphql's own words, with a code of ours. GraphQL over HTTP §6.4.2 says which status. */
function refused(error: GraphQLError): GraphQLError {
  const http = hintOf(error)
  return new GraphQLError(shortened(error.message), {
    ...placeOf(error),
    extensions: { code: statusCodes[http?.status ?? 400] ?? 'INVALID_INPUT', ...(http && { http }) },
  })
}

/** Characters of a message of graphql's, which repeats the value that it finds fault with, however large. */
const maxMessage = 2_000

function shortened(message: string): string {
  return message.length > maxMessage ? `${message.slice(0, maxMessage)}…` : message
}

function hintOf(error: GraphQLError): HttpHint | undefined {
  const given = httpHint(error)
  // A body that is not even JSON is not a GraphQL request, whatever the media type of the response.
  if (error.extensions['originalError'] !== undefined) return { ...given, spec: false }
  if (given.status !== undefined) return given
  return error.path === undefined ? { status: 400, spec: true } : undefined
}

/** What the log and the caller read of an outage; the message is for a caller who can only try again. */
interface OutageText {
  readonly logged: string
  readonly message: string
}

const silent: OutageText = {
  logged: 'the database did not answer',
  message: 'The database does not answer at the moment; try again.',
}
const busy: OutageText = {
  logged: 'the database took too long',
  message: 'The database was too busy to do this in time; try again.',
}
const contended: OutageText = {
  logged: 'transactions kept getting in each other’s way',
  message: 'Others kept changing the same data; try again.',
}

/** By SQLSTATE, where it is worth telling apart. */
const outageTexts: Readonly<Record<string, OutageText>> = {
  '53100': {
    logged: 'the database has no room left on its disk',
    message: 'The database has no room left on its disk; try again once the operator has made some.',
  },
  '25006': {
    logged: 'the database can only be read',
    message: 'The database can only be read at the moment, as during a switchover; try again.',
  },
  '55P03': busy,
  '57014': busy,
  '40001': contended,
  '40P01': contended,
}

/** When trying again is likely to help, in milliseconds. */
const outageWaitMs = 1_000

function outage(cause: unknown, error: unknown, outages: RepeatedWarnings): GraphQLError {
  const { logged, message } = outageTexts[databaseCode(cause) ?? ''] ?? silent
  outages.warn(cause, logged)
  const http: HttpHint = { status: 503, retryAfterMs: outageWaitMs }
  return new GraphQLError(message, {
    ...placeOf(error),
    extensions: { code: 'UNAVAILABLE', retryAfterMs: outageWaitMs, http },
  })
}

/** SQLSTATEs of a text that PostgreSQL can't take in: bytes of no character, and NUL in jsonb. */
const unstorableCodes: ReadonlySet<string> = new Set(['22021', '22P05'])

/** Whether a text of the request is none that the database can store, or look for. */
function isUnstorableText(cause: unknown): boolean {
  return cause instanceof Error && unstorableCodes.has(databaseCode(cause) ?? '')
}

function unstorable(error: unknown): GraphQLError {
  const message = 'A text of the request holds a NUL character, which no text of the server holds.'
  return new GraphQLError(message, { ...placeOf(error), extensions: { code: 'INVALID_INPUT' } })
}

function unexpected(cause: unknown, error: unknown, log: Logger): GraphQLError {
  const errorId = newId()
  log.error({ err: cause, errorId }, 'a request failed unexpectedly')
  const wasExecuted = error instanceof GraphQLError && error.path !== undefined
  return new GraphQLError(`The server failed to handle the request. Its log has the details under ${errorId}.`, {
    ...placeOf(error),
    extensions: { code: 'INTERNAL', errorId, ...(!wasExecuted && { http: { status: 500 } }) },
  })
}

/**
 * SQLSTATEs, system errors and Prisma's codes that say that the database can't do it now: no connection, no resources,
 * a server that stops or is a standby, limits on statements and locks, and conflicts that were tried again in vain.
 */
const outageCode =
  /^(08|57P|53)|^(25006|55P03|57014|40001|40P01)$|^(ECONNREFUSED|ECONNRESET|ENOTFOUND|ETIMEDOUT|EPIPE|P1001|P1002|P1008|P1017|P2024)$/
/** What `pg` says without a code when a connection breaks, stays silent, or none can be had in time. */
const outageMessage =
  /Connection terminated|Query read timeout|timeout exceeded when trying to connect|Client has encountered a connection error/

function isDatabaseOutage(cause: unknown): boolean {
  if (!(cause instanceof Error)) return false
  const code = databaseCode(cause)
  return (code !== undefined && outageCode.test(code)) || outageMessage.test(cause.message)
}

/** Of an error that PostgreSQL gave, as Prisma passes it on. */
interface PassedOn {
  readonly originalCode?: unknown
}

interface DatabaseError {
  readonly code?: unknown
  readonly cause?: PassedOn
  readonly meta?: { readonly driverAdapterError?: { readonly cause?: PassedOn } }
}

/** The code of an error of the database; of one that Prisma passes on, PostgreSQL's own where it is known. */
function databaseCode(error: unknown): string | undefined {
  const { code, cause, meta } = error as DatabaseError
  const found = meta?.driverAdapterError?.cause?.originalCode ?? cause?.originalCode ?? code
  return typeof found === 'string' ? found : undefined
}

function placeOf(error: unknown) {
  if (!(error instanceof GraphQLError)) return {}
  return {
    nodes: error.nodes ?? null,
    path: error.path ?? null,
    source: error.source ?? null,
    positions: error.positions ?? null,
  }
}
