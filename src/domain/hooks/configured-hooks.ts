import { StartupError } from '#lib/errors.ts'
import { nearest } from '#lib/nearest.ts'
import type { HookConfig } from './hook.ts'
import type { Hook } from './verification.ts'

interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>
  /** The names of all task types. */
  readonly typeNames: readonly string[]
}

const minSecretLength = 16

/**
 * The hooks of a configuration with their secrets.
 * @throws {StartupError} with one sentence for each secret that is missing or unusable, and each unknown task type
 */
export function hooksOf(
  configs: Readonly<Record<string, HookConfig>>,
  { env, typeNames }: Surroundings,
): readonly Hook[] {
  const entries = Object.entries(configs)
  const faults = entries.flatMap(([id, config]) => [
    ...secretFaults(id, config, env),
    ...typeFaults(id, config, typeNames),
  ])
  if (faults.length > 0) throw new StartupError(faults.join(' '))
  return entries.map(([id, config]) => ({ ...config, id, secrets: secretNames(config).map((name) => env[name] ?? '') }))
}

function secretNames({ secretEnv }: HookConfig): readonly string[] {
  return [secretEnv].flat()
}

function secretFaults(id: string, config: HookConfig, env: Surroundings['env']): string[] {
  return secretNames(config).flatMap((name) => {
    const fault = secretFault(config, env[name])
    return fault === undefined ? [] : [`The hook "${id}" takes its secret from ${name}, ${fault}.`]
  })
}

function secretFault({ sender }: HookConfig, value: string | undefined): string | undefined {
  if (value === undefined || value === '') return 'which is not set'
  if (value.length < minSecretLength) return `which has fewer than ${minSecretLength} characters`
  const isBase64 = /^(whsec_)?[A-Za-z0-9+/]+={0,2}$/.test(value)
  return sender === 'standard-webhooks' && !isBase64
    ? 'which must be base64, with or without whsec_ before it'
    : undefined
}

function typeFaults(id: string, { rules }: HookConfig, typeNames: readonly string[]): string[] {
  return rules.flatMap(({ type }, index) => {
    if (typeNames.includes(type)) return []
    const near = nearest(type, typeNames)
    const hint = near === undefined ? `The task types are ${typeNames.join(', ')}.` : `Did you mean "${near}"?`
    return [`hooks.${id}.rules[${index}] submits tasks of the type "${type}", which does not exist. ${hint}`]
  })
}
