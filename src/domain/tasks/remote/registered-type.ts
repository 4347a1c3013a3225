import { z } from 'zod'
import { retryInput } from '#domain/tasks/retry-input.ts'
import type { RetryPolicy } from '#domain/tasks/retry-plan.ts'
import { priorities } from '#domain/tasks/task.ts'
import { namePattern, type TaskType } from '#domain/tasks/task-type.ts'
import { isStorable, unstorable } from '#lib/json.ts'
import type { Actor } from '#platform/journal/entry.ts'

/** How many types an account can register, and how many in one request. */
export const maxRegisteredTypes = 500
export const maxTypesAtOnce = 100
const maxDescriptionLength = 1_000
const dayMs = 24 * 60 * 60 * 1000
const maxConcurrency = 10_000

const settings = z.strictObject({
  priority: z.enum(priorities).optional(),
  timeoutMs: z
    .int()
    .min(1_000)
    .max(7 * dayMs)
    .optional(),
  retry: retryInput.optional(),
  onWorkerLost: z.enum(['fail', 'retry']).optional(),
  concurrency: z.int().min(1).max(maxConcurrency).optional(),
  rateLimit: z.strictObject({ limit: z.int().min(1).max(1_000_000), perMs: z.int().min(1).max(dayMs) }).optional(),
})

/** What a type gives to its tasks. */
type TypeSettings = z.output<typeof settings>

export const typeRegistration = settings
  .extend({
    name: z.string().regex(namePattern, `must match ${namePattern.source}`),
    description: z.string().max(maxDescriptionLength).refine(isStorable, unstorable).default(''),
    inputSchema: z.unknown(),
    resultSchema: z.unknown().optional(),
  })
  .transform(({ name, description, inputSchema, resultSchema, ...settings }): TypeRegistration => {
    return { name, description, inputSchema, resultSchema: resultSchema ?? undefined, settings }
  })
export type TypeRequest = z.input<typeof typeRegistration>

/** A task type as somebody registers it. */
export interface TypeRegistration {
  readonly name: string
  readonly description: string
  /** JSON Schema 2020-12 of its tasks' input. */
  readonly inputSchema: unknown
  /** The same of their results; undefined: any. */
  readonly resultSchema: unknown
  readonly settings: TypeSettings
}

export interface RegisteredTypeRow extends Omit<TypeRegistration, 'resultSchema'> {
  readonly accountId: string
  readonly resultSchema: unknown
  readonly registeredBy: Actor
  readonly registeredAt: Date
}

/** Checks JSON against schemas that callers have written, within bounds of time and memory. */
export interface JsonSchemas {
  /** @throws {InvalidInput} with the path `schema` when it can't be used. */
  mustBeUsable(accountId: string, schema: unknown): Promise<void>
  /** What is wrong with data by a schema that can be used; undefined when nothing is. */
  faultOf(
    accountId: string,
    schema: unknown,
    value: { readonly data: unknown; readonly sizeBytes: number },
  ): Promise<{ readonly path: string; readonly reason: string } | undefined>
}

/** A type that was registered over the API: its tasks are for remote workers of its account. */
export interface RegisteredType extends Omit<TaskType, 'run' | 'input'> {
  readonly row: RegisteredTypeRow
}

/** A row as the engine takes a task type. */
export function toRegisteredType(row: RegisteredTypeRow): RegisteredType {
  const { priority, timeoutMs, retry, onWorkerLost, concurrency, rateLimit } = row.settings
  return {
    name: row.name,
    description: row.description,
    ...(priority && { priority }),
    ...(timeoutMs && { timeoutMs }),
    ...(retry && { retry: retry as Partial<RetryPolicy> }),
    ...(onWorkerLost && { onWorkerLost }),
    ...(concurrency && { concurrency: { limit: concurrency } }),
    ...(rateLimit && { rateLimit }),
    row,
  }
}
