import { GraphQLError } from 'graphql'
import { AppError, errorTable } from '#lib/errors.ts'
import { newId } from '#lib/ids.ts'
import type { Logger } from '#platform/telemetry/log.ts'

/** What clients see of an error: expected ones with their code, bugs as an id under which the log has them whole. */
export function createErrorMask(log: Logger): (error: unknown) => GraphQLError {
  return (error) => {
    const cause = rootCause(error)
    if (cause instanceof AppError) return expected(cause, error)
    if (error instanceof GraphQLError && error.originalError === undefined) return withCode(error)
    return unexpected(cause, error, log)
  }
}

function rootCause(error: unknown): unknown {
  let cause = error
  while (cause instanceof GraphQLError && cause.originalError) cause = cause.originalError
  return cause
}

function expected(cause: AppError, error: unknown): GraphQLError {
  const { status } = errorTable[cause.kind]
  const issues = 'issues' in cause ? { issues: cause.issues } : {}
  const http = cause.kind === 'unauthenticated' || cause.kind === 'unavailable' ? { http: { status } } : {}
  return new GraphQLError(cause.message, {
    ...placeOf(error),
    extensions: { code: cause.code, ...issues, ...http },
  })
}

/** The query itself was wrong: graphql's own words, with a code. */
function withCode(error: GraphQLError): GraphQLError {
  if (error.extensions['code'] !== undefined) return error
  return new GraphQLError(error.message, {
    ...placeOf(error),
    extensions: { ...error.extensions, code: 'INVALID_INPUT' },
  })
}

function unexpected(cause: unknown, error: unknown, log: Logger): GraphQLError {
  if (isDatabaseOutage(cause)) {
    log.warn({ err: cause }, 'the database did not answer')
    return new GraphQLError('The database does not answer at the moment; try again.', {
      ...placeOf(error),
      extensions: { code: 'UNAVAILABLE', http: { status: 503 } },
    })
  }
  const errorId = newId()
  log.error({ err: cause, errorId }, 'a request failed unexpectedly')
  return new GraphQLError(`Something went wrong here, not in the request. The log has it as ${errorId}.`, {
    ...placeOf(error),
    extensions: { code: 'INTERNAL', errorId },
  })
}

/** SQLSTATE classes and system errors that say that the database can't be had now. */
const outage = /^(08|57P|53)|^(ECONNREFUSED|ECONNRESET|ENOTFOUND|ETIMEDOUT|EPIPE|P1001|P1002|P1017)$/

function isDatabaseOutage(cause: unknown): boolean {
  const code = (cause as { code?: unknown } | undefined)?.code
  return typeof code === 'string' && outage.test(code)
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
