import { isRecord } from '#lib/json.ts'
import { matchesPattern } from '#lib/path-pattern.ts'

/** Names whose values look like credentials, wherever they stand. */
const sensitiveName =
  /^(.*[_-])?(pass(word|wd|phrase)?|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|client[_-]?secret|authorization|cookie|set[_-]?cookie|credentials?|session[_-]?id|otp)$/i
const camelHump = /([a-z0-9])([A-Z])/g

/** What stands in the place of a value that is not told. */
const redacted = '[redacted]'

/** Whether a property of this name, in any spelling, holds a credential. */
export function looksSensitive(name: string): boolean {
  return sensitiveName.test(name.replace(camelHump, '$1_$2'))
}

/**
 * A copy without what must not leave: everything that looks like a credential, and the named paths of the data, such as
 * `input.customer.email`; `*` stands for any one name or index, `**` for any number of them.
 */
export function redact(data: unknown, paths: readonly string[]): unknown {
  const patterns = paths.map((path) => path.replaceAll('.', '/'))
  return walk(data, '', patterns)
}

function walk(value: unknown, path: string, patterns: readonly string[]): unknown {
  if (Array.isArray(value)) return value.map((one, index) => below(one, path, String(index), patterns))
  if (!isRecord(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [
      name,
      looksSensitive(name) && one !== null ? redacted : below(one, path, name, patterns),
    ]),
  )
}

function below(value: unknown, path: string, name: string, patterns: readonly string[]): unknown {
  const here = path === '' ? name : `${path}/${name}`
  return patterns.some((pattern) => matchesPattern(pattern, here)) ? redacted : walk(value, here, patterns)
}
