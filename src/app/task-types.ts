import { createBuiltInTypes } from '#domain/tasks/handlers/built-in-types.ts'
import type { TaskHost } from '#domain/tasks/runner/own-process.ts'
import { TaskTypes } from '#domain/tasks/task-type.ts'
import { errorMessage, StartupError } from '#lib/errors.ts'
import { loadProjectConfig } from '#src/project/config-file.ts'
import { defaultProjectConfig, type ProjectConfig } from '#src/project/project-config.ts'

interface TaskTypeOptions {
  /** Networks (CIDR) that built-in task types may reach although they are private. */
  readonly egressAllow: readonly string[]
}

/**
 * All task types of this installation: those that domains contribute, and the project's own. They are created again in
 * each process that runs one attempt, and thus without services: a type that needs one asks for it by
 * `context.request`, which a handler of {@link file://./worker.ts} answers.
 * @throws {StartupError} when two have the same name.
 */
export function loadTaskTypes(config: ProjectConfig, options: TaskTypeOptions): TaskTypes {
  try {
    return new TaskTypes([...createBuiltInTypes({ ...config, ...options }), ...config.taskTypes])
  } catch (cause) {
    throw new StartupError(`${config.file ?? 'The built-in task types'}: ${errorMessage(cause)}`, { cause })
  }
}

/** What the process of one attempt loads the same task types with. */
interface HostSettings extends TaskTypeOptions {
  readonly configFile?: string
}

/** The program that runs one attempt in a process of its own. */
export function taskHost({ file }: ProjectConfig, { egressAllow }: TaskTypeOptions): TaskHost {
  const settings: HostSettings = { egressAllow, ...(file !== undefined && { configFile: file }) }
  return { program: new URL('./task-host.ts', import.meta.url), settings }
}

/** The task types in the process of one attempt, with the settings of {@link taskHost}. */
export async function loadHostedTaskTypes(settings: unknown): Promise<TaskTypes> {
  const { configFile, egressAllow } = settings as HostSettings
  const cwd = process.cwd()
  const config = configFile ? await loadProjectConfig({ file: configFile, cwd }) : defaultProjectConfig(cwd)
  return loadTaskTypes(config, { egressAllow })
}
