import { z } from 'zod'
import { trustSchema } from '#domain/access/trust/trust-rule.ts'
import { hooksSchema } from '#domain/hooks/hook.ts'
import { commandsSchema } from '#domain/tasks/handlers/command-schema.ts'
import { taskTypesSchema } from '#domain/tasks/task-type-schema.ts'
import { StartupError } from '#lib/errors.ts'
import { isRecord } from '#lib/json.ts'

const configSchema = z.strictObject({
  commands: commandsSchema.optional(),
  taskTypes: taskTypesSchema.optional(),
  roots: z
    .array(z.string('must be a text'), 'must be a list of directories')
    .min(1, 'must name a directory')
    .optional(),
  hooks: hooksSchema.optional(),
  trust: trustSchema.optional(),
})

/**
 * Checks what a configuration file exports by default.
 * @throws {StartupError} with a sentence for everything that is wrong
 */
export function parseConfig(file: string, exported: unknown): z.output<typeof configSchema> {
  if (!isRecord(exported))
    throw new StartupError(`The configuration file ${file} must export an object by default: export default { … }`)
  const result = configSchema.safeParse(exported)
  if (result.success) return result.data
  const sentences = result.error.issues.map(sentence)
  throw new StartupError(`The configuration file ${file} is refused: ${sentences.join(' ')}`)
}

function sentence(issue: z.core.$ZodIssue): string {
  const path = pathText(issue.path)
  if (issue.code === 'unrecognized_keys')
    return `${path || 'The configuration'} must not have ${issue.keys.map((key) => `"${key}"`).join(', ')}.`
  if (issue.code === 'invalid_key') return `${path} ${issue.issues[0]?.message}.`
  return `${path} ${issue.message}.`
}

function pathText(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (text, key) => (typeof key === 'number' ? `${text}[${key}]` : text ? `${text}.${String(key)}` : String(key)),
    '',
  )
}
