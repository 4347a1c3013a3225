import { isRecord } from '#lib/json.ts'
import { matchesSegments } from '#lib/path-pattern.ts'

/** Names whose values look like credentials, wherever they stand. */
const sensitiveName =
  /^(.*[_-])?(pass(word|wd|phrase)?|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|client[_-]?secret|authorization|cookie|set[_-]?cookie|credentials?|session[_-]?id|otp)$/i
const camelHump = /([a-z0-9])([A-Z])/g

/** What stands in the place of a value that is not shown. */
export const redacted = '[redacted]'

/** Whether a property of this name, in any spelling, holds a credential. */
export function looksSensitive(name: string): boolean {
  return sensitiveName.test(name.replace(camelHump, '$1_$2'))
}

/**
 * A copy without what must not leave: everything that looks like a credential, and the named paths of the data, such as
 * `input.customer.email`; `*` stands for any one name or index, `**` for any number of them. A name with a `/` in it is
 * one name, and is redacted as well when the path leads through its pieces.
 */
export function redact(data: unknown, paths: readonly string[]): unknown {
  const patterns = paths.map((path) => path.split(/[./]/))
  return walk(data, [], patterns)
}

function walk(value: unknown, path: readonly string[], patterns: readonly (readonly string[])[]): unknown {
  if (Array.isArray(value)) return value.map((one, index) => below(one, path, String(index), patterns))
  if (!isRecord(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [
      name,
      looksSensitive(name) && one !== null ? redacted : below(one, path, name, patterns),
    ]),
  )
}

function below(
  value: unknown,
  path: readonly string[],
  name: string,
  patterns: readonly (readonly string[])[],
): unknown {
  const here = [...path, name]
  const spellings = here.some((one) => one.includes('/')) ? [here, here.flatMap((one) => one.split('/'))] : [here]
  const isNamed = patterns.some((pattern) => spellings.some((spelling) => matchesSegments(pattern, spelling)))
  return isNamed ? redacted : walk(value, here, patterns)
}
