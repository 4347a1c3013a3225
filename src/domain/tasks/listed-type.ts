import type { Caller } from '#domain/access/service.ts'
import type { RegisteredType } from './remote/registered-type.ts'
import type { RegisteredTypes } from './remote/registered-types.ts'
import type { Priority } from './task.ts'
import { secretForms } from './task-secrets.ts'
import { inputJsonSchema, type TaskType, type TaskTypes } from './task-type.ts'

/** A task type as callers see it. */
export interface ListedType {
  readonly name: string
  readonly description: string
  readonly priority: Priority
  /** What submitting needs beside `tasks:write`. */
  readonly scope: string | undefined
  /** Whether a BATCH attempt of it can be asked to stop for CRITICAL tasks. */
  readonly preemptible: boolean
  /** The names of the secrets that its attempts get; empty when that depends on the input. */
  readonly secrets: readonly string[]
  /** Whether remote workers run its tasks. */
  readonly isRemote: boolean
  /** JSON Schema 2020-12 of its tasks' input. */
  inputSchema(): unknown
  /** The same of their results; null: any. */
  readonly resultSchema: unknown
}

function toListed(type: TaskType): ListedType {
  const { name, description, priority = 'NORMAL', scope, preemptible = false } = type
  return {
    name,
    description,
    priority,
    scope,
    preemptible,
    secrets: typeof type.secrets === 'function' ? [] : [...secretForms(type.secrets).keys()],
    isRemote: false,
    inputSchema: () => inputJsonSchema(type),
    resultSchema: null,
  }
}

function toListedRemote({ name, description, priority = 'NORMAL', row }: RegisteredType): ListedType {
  const { inputSchema, resultSchema } = row
  return {
    name,
    description,
    priority,
    scope: undefined,
    preemptible: false,
    secrets: [],
    isRemote: true,
    inputSchema: () => inputSchema,
    resultSchema,
  }
}

/** What can be submitted, by name: the types of this server, and those that the account has registered. */
export async function listTypes(
  { types, registered }: { readonly types: TaskTypes; readonly registered: RegisteredTypes },
  caller: Caller,
): Promise<ListedType[]> {
  caller.must('tasks:read')
  const others = (await registered.list(caller.accountId)).filter(({ name }) => types.get(name) === undefined)
  return [...types.list().map(toListed), ...others.map(toListedRemote)]
    .filter(({ name }) => caller.can('tasks:read', name))
    .sort((a, b) => a.name.localeCompare(b.name))
}
