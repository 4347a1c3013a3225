import type { GraphQLError } from 'graphql'
import type { InputIssue } from '#lib/errors.ts'
import type { RefusalCode } from './codes.ts'

/** A request is not done; the caller is told why as a problem document. */
export class Refused extends Error {
  readonly code: string
  readonly issues: readonly InputIssue[]
  readonly headers: Readonly<Record<string, string>>

  constructor(
    code: RefusalCode | (string & {}),
    message: string,
    more: { issues?: readonly InputIssue[] | undefined; headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(message)
    this.code = code
    this.issues = more.issues ?? []
    this.headers = more.headers ?? {}
  }
}

/** What GraphQL refused, in this door's words; `failure` is a member of a mutation's result. */
export function refusedByGraphql(failure: {
  readonly code: string
  readonly message: string
  readonly issues?: readonly InputIssue[] | undefined
}): Refused {
  return new Refused(failure.code, failure.message, { issues: failure.issues })
}

/** The same refusal with the first step of each issue's path as this door calls it, such as `data` for `input`. */
export function renamed(refused: Refused, names: Readonly<Record<string, string>>): Refused {
  const issues = refused.issues.map(({ path, message }) => {
    const [first = '', ...rest] = path.split('.')
    return { path: [Object.hasOwn(names, first) ? names[first] : first, ...rest].join('.'), message }
  })
  const message = refused.issues.reduce(
    (text, { path }, index) => (path ? text.replace(`${path}: `, `${issues[index]?.path}: `) : text),
    refused.message,
  )
  return new Refused(refused.code, message, { issues, headers: refused.headers })
}

/** A masked top-level error, in this door's words. */
export function refusedByError({ message, extensions }: GraphQLError): Refused {
  const code = typeof extensions['code'] === 'string' ? extensions['code'] : 'INTERNAL'
  const issues = Array.isArray(extensions['issues']) ? (extensions['issues'] as InputIssue[]) : []
  return refusedByGraphql({ code, message, issues })
}

/** The value that was looked for. @throws {Refused} 404 when there is none. */
export function found<T>(value: T | null | undefined, what: string): T {
  if (value == null) throw new Refused('NOT_FOUND', `There is no ${what}.`)
  return value
}
