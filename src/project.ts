import { hooksOf } from '#domain/hooks/configured-hooks.ts'
import type { Hook } from '#domain/hooks/verification.ts'
import type { TaskTypes } from '#domain/tasks/task-type.ts'
import { loadTaskTypes } from './app/task-types.ts'
import type { Config } from './config.ts'
import { loadProjectConfig } from './project/config-file.ts'
import type { ProjectConfig } from './project/project-config.ts'

/** What the project's configuration file adds to a server, checked. */
export interface Project {
  readonly file: ProjectConfig
  readonly types: TaskTypes
  readonly hooks: readonly Hook[]
}

/**
 * Reads the configuration file and checks all of it, as a start does, and `doctor` too.
 * @throws {StartupError} with what is wrong, and what would be right
 */
export async function loadProject(
  config: Pick<Config, 'configFile' | 'workingDirectory' | 'egressAllow' | 'salesforce' | 'env'>,
): Promise<Project> {
  const file = await loadProjectConfig({ file: config.configFile, cwd: config.workingDirectory })
  const types = loadTaskTypes(file, config)
  const typeNames = types.list().map(({ name }) => name)
  return { file, types, hooks: hooksOf(file.hooks, { env: config.env, typeNames }) }
}
