import { statSync } from 'node:fs'
import { access } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { TrustRuleConfig } from '#domain/access/trust/trust-rule.ts'
import type { HookConfig } from '#domain/hooks/hook.ts'
import type { CommandConfig } from '#domain/tasks/handlers/command-line.ts'
import type { TaskType } from '#domain/tasks/task-type.ts'
import { errorMessage, StartupError } from '#lib/errors.ts'
import { provideConfigModules } from './config-modules.ts'
import { parseConfig } from './config-schema.ts'
import { defaultProjectConfig, defaultRoots, type ProjectConfig } from './project-config.ts'

const fileNames = ['signalbox.config.ts', 'signalbox.config.js', 'signalbox.config.mjs']

/**
 * Loads the named file, or the one that lies in `cwd`, or the defaults when there is none.
 * @throws {StartupError} when the named file is missing, or a file can't be loaded or says something impossible.
 */
export async function loadProjectConfig(options: { file?: string | undefined; cwd: string }): Promise<ProjectConfig> {
  const file = options.file === undefined ? await findFile(options.cwd) : resolve(options.cwd, options.file)
  if (file === undefined) return defaultProjectConfig(options.cwd)
  if (!(await exists(file)))
    throw new StartupError(
      `The configuration file ${file} does not exist: create it, or correct --config or SIGNALBOX_CONFIG.`,
    )
  const input = parseConfig(file, await importDefault(file))
  const directory = dirname(file)
  return {
    commands: mapValues(input.commands ?? {}, (command) => absoluteCwd(command, directory)),
    taskTypes: (input.taskTypes ?? []) as readonly TaskType[],
    roots: (input.roots ?? defaultRoots(options.cwd)).map((root) => existingDirectory(file, resolve(directory, root))),
    hooks: (input.hooks ?? {}) as Readonly<Record<string, HookConfig>>,
    trust: Object.entries(input.trust ?? {}).map(([name, rule]) => ({ ...(rule as TrustRuleConfig), name })),
    file,
  }
}

async function findFile(cwd: string): Promise<string | undefined> {
  for (const name of fileNames) if (await exists(resolve(cwd, name))) return resolve(cwd, name)
  return undefined
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  )
}

async function importDefault(file: string): Promise<unknown> {
  provideConfigModules()
  try {
    const module: { default?: unknown } = await import(pathToFileURL(file).href)
    return module.default
  } catch (cause) {
    throw new StartupError(`The configuration file ${file} can't be loaded: ${loadFailure(cause)}`, { cause })
  }
}

/** A syntax error's message doesn't say where it is; the first line of its stack does. */
function loadFailure(cause: unknown): string {
  const [where = ''] = cause instanceof SyntaxError ? (cause.stack?.split('\n', 1) ?? []) : []
  const line = /:(\d+)$/.exec(where)?.[1]
  return `${cause instanceof Error ? `${cause.name}: ` : ''}${errorMessage(cause)}${line ? ` (line ${line})` : ''}`
}

function absoluteCwd(command: CommandConfig, directory: string): CommandConfig {
  return command.cwd === undefined ? command : { ...command, cwd: resolve(directory, command.cwd) }
}

function existingDirectory(file: string, path: string): string {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return path
  throw new StartupError(`The configuration file ${file} is refused: roots names ${path}, which is not a directory.`)
}

function mapValues<In, Out>(record: Readonly<Record<string, In>>, change: (value: In) => Out): Record<string, Out> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value)]))
}
