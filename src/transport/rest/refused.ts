import type { GraphQLError } from 'graphql'
import { rolesWithAny } from '#domain/access/scope.ts'
import type { Caller } from '#domain/access/service.ts'
import { type InputIssue, withIssues } from '#lib/errors.ts'
import type { RefusalCode } from './codes.ts'

/** A refused request; the caller receives the reason as a problem document. */
export class Refused extends Error {
  readonly code: string
  /** The message without the issues, where there are any. */
  readonly summary: string
  readonly issues: readonly InputIssue[]
  readonly headers: Readonly<Record<string, string>>
  /** Of a caller who lacks a scope: any of these would have been enough. */
  readonly sufficientScopes: readonly string[]

  constructor(code: RefusalCode | (string & {}), message: string, more: RefusalDetails = {}) {
    super(message)
    this.code = code
    this.summary = more.summary ?? message
    this.issues = more.issues ?? []
    this.headers = more.headers ?? {}
    this.sufficientScopes = more.sufficientScopes ?? []
  }
}

interface RefusalDetails {
  readonly summary?: string | undefined
  readonly issues?: readonly InputIssue[] | undefined
  readonly headers?: Readonly<Record<string, string>>
  readonly sufficientScopes?: readonly string[]
}

/** Refuses a part of the request, such as `The body`, for everything that is wrong with it. */
export function refusedInput(code: RefusalCode, what: string, issues: readonly InputIssue[]): Refused {
  const summary = `${what} is not valid.`
  return new Refused(code, withIssues(summary, issues), { summary, issues })
}

/** What GraphQL refused, in REST's words; `failure` is a member of a mutation's result. */
export function refusedByGraphql(failure: {
  readonly code: string
  readonly message: string
  readonly summary?: string
  readonly issues?: readonly InputIssue[] | undefined
}): Refused {
  return new Refused(failure.code, failure.message, { summary: failure.summary, issues: failure.issues })
}

/** The same refusal with the first step of each issue's path as REST calls it, such as `data` for `input`. */
export function renamed(refused: Refused, names: Readonly<Record<string, string>>): Refused {
  const issues = refused.issues.map(({ path, message }) => {
    const [first = '', ...rest] = path.split('.')
    return { path: [Object.hasOwn(names, first) ? names[first] : first, ...rest].join('.'), message }
  })
  if (issues.every(({ path }, index) => path === refused.issues[index]?.path)) return refused
  const { code, summary, headers, sufficientScopes } = refused
  return new Refused(code, withIssues(summary, issues), { summary, issues, headers, sufficientScopes })
}

/** A masked top-level error, in REST's words. */
export function refusedByError({ message, extensions }: GraphQLError): Refused {
  const code = typeof extensions['code'] === 'string' ? extensions['code'] : 'INTERNAL'
  const issues = listOf<InputIssue>(extensions['issues'])
  const wait = extensions['retryAfterMs']
  const headers = typeof wait === 'number' ? { 'retry-after': String(Math.max(1, Math.ceil(wait / 1000))) } : {}
  const summary = extensions['summary']
  return new Refused(code, message, {
    summary: typeof summary === 'string' ? summary : undefined,
    issues,
    headers,
    sufficientScopes: listOf<string>(extensions['sufficientScopes']),
  })
}

function listOf<Item>(value: unknown): Item[] {
  return Array.isArray(value) ? value : []
}

/**
 * A refusal as it is said to this caller: people hear which roles would have been enough, in the documented words; a
 * token has scopes, and keeps hearing of those.
 */
export function addressed(error: unknown, caller: Pick<Caller, 'actor'> | undefined): unknown {
  if (!(error instanceof Refused) || caller?.actor.kind !== 'user') return error
  const roles = rolesWithAny(error.sufficientScopes).map((role) => role.toLowerCase())
  if (roles.length === 0) return error
  return new Refused(error.code, `Forbidden - Requires role: ${roles.join(', ')}`)
}

/** The value that was looked for. @throws {Refused} 404 when there is none. */
export function found<T>(value: T | null | undefined, what: string): T {
  if (value == null) throw new Refused('NOT_FOUND', `There is no ${what}.`)
  return value
}
