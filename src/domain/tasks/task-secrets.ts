import { z } from 'zod'
import { secretNameFault } from '#lib/secret-rule.ts'
import type { Attempt } from './task.ts'

/** How an attempt gets a secret: `env`, its value; `file`, the path of a file with its value that only the attempt's user can read. */
export type SecretForm = 'env' | 'file'

/** The secrets that an attempt gets: names, or an object that says in which form. */
export type TaskSecrets = readonly string[] | Readonly<Record<string, SecretForm>>

/** A secret on its way to an attempt. */
export interface AttemptSecret {
  readonly name: string
  readonly form: SecretForm
  readonly value: string
}

/**
 * Reads secrets of an attempt's account, and records that it uses them. Where some don't exist the answer is without them,
 * and nothing is recorded.
 */
export type GiveSecrets = (attempt: Attempt, names: readonly string[]) => Promise<ReadonlyMap<string, string>>

const maxSecretsOfType = 50

const secretName = z.string().superRefine((name, issues) => {
  const fault = secretNameFault(name)
  if (fault !== undefined) issues.addIssue({ code: 'custom', message: fault })
})

export const taskSecretsSchema = z.preprocess(
  (given) =>
    Array.isArray(given) && given.every((name) => typeof name === 'string')
      ? Object.fromEntries(given.map((name) => [name, 'env']))
      : given,
  z
    .record(
      secretName,
      z.enum(['env', 'file'], 'must be env or file'),
      'must be a list of names, or an object of names with env or file',
    )
    .refine((secrets) => Object.keys(secrets).length <= maxSecretsOfType, `must name at most ${maxSecretsOfType}`),
)

/** Each secret with its form. */
export function secretForms(secrets: TaskSecrets = []): ReadonlyMap<string, SecretForm> {
  return new Map(
    isNames(secrets)
      ? secrets.map((name) => [name, 'env'] as const)
      : (Object.entries(secrets) as [string, SecretForm][]),
  )
}

function isNames(secrets: TaskSecrets): secrets is readonly string[] {
  return Array.isArray(secrets)
}
