import type { TaskType } from '#domain/tasks/task-type.ts'
import { createCommandType, createNamedCommandTypes } from './command.ts'
import type { CommandConfig } from './command-line.ts'
import { createHttpRequestType } from './http-request.ts'
import { probe } from './probe.ts'
import { createRepositoryInspectType } from './repository-inspect.ts'

export interface BuiltInOptions {
  /** Programs that `command` may run. */
  readonly commands: Readonly<Record<string, CommandConfig>>
  /** Directories below which `repository.inspect` may read. */
  readonly roots: readonly string[]
  /** Networks (CIDR) that `repository.inspect` and `http.request` may reach although they are private. */
  readonly egressAllow: readonly string[]
}

/** The task types that every server has. */
export function createBuiltInTypes(options: BuiltInOptions): TaskType[] {
  return [
    probe,
    createCommandType(options.commands),
    ...createNamedCommandTypes(options.commands),
    createHttpRequestType(options),
    createRepositoryInspectType(options),
  ]
}
