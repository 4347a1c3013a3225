import { scopes } from '#domain/access/scope.ts'
import { createSalesforceTypes } from '#domain/salesforce/tasks/task-types.ts'
import type { RepositoryArchives } from '#domain/salesforce/tasks/type-options.ts'
import { createBuiltInTypes } from '#domain/tasks/handlers/built-in-types.ts'
import type { TaskHost } from '#domain/tasks/runner/own-process.ts'
import { type TaskType, TaskTypes } from '#domain/tasks/task-type.ts'
import { errorMessage, StartupError } from '#lib/errors.ts'
import { loadProjectConfig } from '#src/project/config-file.ts'
import { defaultProjectConfig, type ProjectConfig } from '#src/project/project-config.ts'

export interface TaskTypeOptions {
  /** Networks (CIDR) that built-in task types may reach although they are private. */
  readonly egressAllow: readonly string[]
  readonly salesforce: {
    /** Hosts that count as Salesforce's beside its own. */
    readonly hosts: readonly string[]
  }
}

/**
 * All task types of this installation: those that domains contribute, and the project's own. They are created again in
 * each process that runs one attempt, and thus without services: a type that needs one asks for it by
 * `context.request`, which a handler of {@link file://./worker.ts} answers.
 * @throws {StartupError} when two have the same name.
 */
export function loadTaskTypes(config: ProjectConfig, options: TaskTypeOptions): TaskTypes {
  try {
    const rules = { roots: config.roots, egressAllow: options.egressAllow }
    const salesforceTypes = createSalesforceTypes({
      egressAllow: options.egressAllow,
      salesforceHosts: options.salesforce.hosts,
      repositories: repositoryArchives(rules),
    })
    for (const type of config.taskTypes) mustHaveKnownScope(type)
    return new TaskTypes([...createBuiltInTypes({ ...config, ...options }), ...salesforceTypes, ...config.taskTypes])
  } catch (cause) {
    throw new StartupError(`${config.file ?? 'The built-in task types'}: ${errorMessage(cause)}`, { cause })
  }
}

function mustHaveKnownScope({ name, scope }: TaskType): void {
  if (scope === undefined || scopes.some((known) => known === scope)) return
  throw new Error(`The task type "${name}" has the scope ${scope}; it must be one of ${scopes.join(', ')}.`)
}

/** Loaded with the first task that reads a repository: whatever a task's process loads delays each of its starts. */
function repositoryArchives(rules: { roots: readonly string[]; egressAllow: readonly string[] }): RepositoryArchives {
  const archive = () => import('#domain/tasks/handlers/repository/archive.ts')
  return {
    prepare: async (context, directory) => (await archive()).prepareArchive(rules, context, directory),
    write: async (context, directory, to) => (await archive()).writeArchive(rules, context, directory, to),
  }
}

/** What the process of one attempt loads the same task types with. */
interface HostSettings extends TaskTypeOptions {
  readonly configFile?: string
}

/** The program that runs one attempt in a process of its own. */
export function taskHost({ file }: ProjectConfig, { egressAllow, salesforce: { hosts } }: TaskTypeOptions): TaskHost {
  const settings: HostSettings = { egressAllow, salesforce: { hosts }, ...(file !== undefined && { configFile: file }) }
  return { program: new URL('./task-host.ts', import.meta.url), settings }
}

/** The task types in the process of one attempt, with the settings of {@link taskHost}. */
export async function loadHostedTaskTypes(settings: unknown): Promise<TaskTypes> {
  const { configFile, egressAllow, salesforce } = settings as HostSettings
  const cwd = process.cwd()
  const config = configFile ? await loadProjectConfig({ file: configFile, cwd }) : defaultProjectConfig(cwd)
  return loadTaskTypes(config, { egressAllow, salesforce })
}
