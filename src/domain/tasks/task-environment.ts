import { z } from 'zod'

/**
 * Environment variables that a task gets beside the usual ones: names of the server's own that are passed on, or an
 * object in which `true` passes the server's variable on and a text is the value itself.
 */
export type TaskEnvironment = readonly string[] | Readonly<Record<string, true | string>>

export const taskEnvironmentSchema = z.preprocess(
  (given) => (isNames(given) ? Object.fromEntries(entriesOf(given)) : given),
  z.record(
    z.string().regex(/^[^=\0]+$/, 'is not a variable name'),
    z.union([z.literal(true), z.string()], 'must be true or a string'),
    'must be a list of names, or an object of names with true or a string',
  ),
)

/** The server's variables that it passes on. */
export function inheritedNames(environment: TaskEnvironment = []): string[] {
  return entriesOf(environment).flatMap(([name, value]) => (value === true ? [name] : []))
}

/** The variables with their values; those that the server doesn't have are left out. */
export function resolveEnvironment(
  environment: TaskEnvironment = [],
  server: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const resolved = entriesOf(environment).map(([name, value]) => [name, value === true ? server[name] : value] as const)
  return Object.fromEntries(resolved.filter((entry): entry is [string, string] => entry[1] !== undefined))
}

function entriesOf(environment: TaskEnvironment): readonly (readonly [string, true | string])[] {
  return isNames(environment) ? environment.map((name) => [name, true] as const) : Object.entries(environment)
}

function isNames(given: unknown): given is readonly string[] {
  return Array.isArray(given) && given.every((name) => typeof name === 'string')
}
