import { statSync } from 'node:fs'
import { access } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { z } from 'zod'
import { type TrustRule, type TrustRuleConfig, trustSchema } from '#domain/access/trust/trust-rule.ts'
import { type HookConfig, hooksSchema } from '#domain/hooks/hook.ts'
import { errorMessage, StartupError } from '#lib/errors.ts'
import { isRecord } from '#lib/json.ts'
import { provideConfigModules } from './config-modules.ts'
import { createBuiltInTypes } from './handlers/built-in-types.ts'
import { type CommandConfig, unknownPlaceholders } from './handlers/command-line.ts'
import { priorities } from './task.ts'
import { taskEnvironmentSchema } from './task-environment.ts'
import { type TaskType, TaskTypes } from './task-type.ts'

/** What a `signalbox.config.ts` exports by default. */
export interface ProjectConfigInput {
  /** Programs that callers may run as tasks of the type `command`, by the name that they use. */
  readonly commands?: Readonly<Record<string, CommandConfig>>
  /** Task types of your own, from `defineTaskType`. */
  readonly taskTypes?: readonly TaskType[]
  /**
   * Directories below which `repository.inspect` may read local repositories, relative to the file's own directory.
   * Default: the directory that the server was started in, unless that is the root of the file system; then none.
   */
  readonly roots?: readonly string[]
  /** Addresses below `/hooks/` that others call, by their ids, and the tasks that follow from a call. */
  readonly hooks?: Readonly<Record<string, HookConfig>>
  /** Which tokens of CI jobs and other OIDC issuers are exchanged for short-lived tokens, by the names of the rules. */
  readonly trust?: Readonly<Record<string, TrustRuleConfig>>
}

/** The configuration of this project, checked, with absolute paths. */
export interface ProjectConfig {
  readonly commands: Readonly<Record<string, CommandConfig>>
  readonly taskTypes: readonly TaskType[]
  readonly roots: readonly string[]
  readonly hooks: Readonly<Record<string, HookConfig>>
  /** In the order of the file. */
  readonly trust: readonly TrustRule[]
  /** Absolute path of the file that it came from. */
  readonly file?: string
}

/** Gives a configuration its types; changes nothing. */
export function defineConfig(config: ProjectConfigInput): ProjectConfigInput {
  return config
}

const fileNames = ['signalbox.config.ts', 'signalbox.config.js', 'signalbox.config.mjs']

/** What holds where there is no configuration file. */
export function defaultProjectConfig(cwd: string): ProjectConfig {
  return { commands: {}, taskTypes: [], roots: defaultRoots(cwd), hooks: {}, trust: [] }
}

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
  const input = parse(file, await importDefault(file))
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

/**
 * All task types of this process: the built-in ones and the project's.
 * @throws {StartupError} when two have the same name.
 */
export function loadTaskTypes(config: ProjectConfig, options: { egressAllow: readonly string[] }): TaskTypes {
  try {
    return new TaskTypes([...createBuiltInTypes({ ...config, ...options }), ...config.taskTypes])
  } catch (cause) {
    throw new StartupError(`${config.file ?? 'The built-in task types'}: ${errorMessage(cause)}`, { cause })
  }
}

/** A service is often started in `/`: a token that may submit tasks must not read every repository of the machine. */
function defaultRoots(cwd: string): string[] {
  return cwd === dirname(cwd) ? [] : [cwd]
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

const isSchema = (value: unknown): value is z.ZodType => typeof value === 'object' && value !== null && '_zod' in value

const argsSchema = z.custom<z.ZodObject>(
  (value) => isSchema(value) && value._zod.def.type === 'object',
  'must be an object schema of zod 4: z.object({ … })',
)
const positive = z.int('must be a whole number').positive('must be above 0')
const text = z.string('must be a text')

const retrySchema = z.strictObject(
  {
    maxAttempts: z
      .int('must be a whole number')
      .min(1, 'must be at least 1')
      .max(100, 'must be at most 100')
      .optional(),
    backoff: z.enum(['fixed', 'linear', 'exponential'], 'must be fixed, linear or exponential').optional(),
    delayMs: z.int('must be a whole number').min(0, 'must not be negative').optional(),
    maxDelayMs: z.int('must be a whole number').min(0, 'must not be negative').optional(),
  },
  'must be an object',
)

const commandSchema = z
  .strictObject({
    command: z
      .array(text, 'must be a list of texts: the program, then its arguments')
      .min(1, 'must name a program')
      .refine(([program]) => !program?.includes('{{args.'), 'must start with a program, not with an argument'),
    description: text.optional(),
    args: argsSchema.optional(),
    allowDashArgs: z.boolean('must be true or false').optional(),
    env: taskEnvironmentSchema.optional(),
    directives: z.enum(['any', 'marked', 'none'], 'must be any, marked or none').optional(),
    cwd: text.optional(),
    timeoutMs: positive.optional(),
    graceMs: z.int('must be a whole number').min(0, 'must not be negative').optional(),
    priority: z.enum(priorities, `must be ${priorities.join(', ')}`).optional(),
    retry: retrySchema.optional(),
  })
  .superRefine((command, issues) => {
    for (const name of unknownPlaceholders(command))
      issues.addIssue({
        code: 'custom',
        path: ['command'],
        message: `names {{args.${name}}}, which its args don't define`,
      })
  })

const typeSchema = z.looseObject(
  {
    name: text,
    description: text,
    input: z.custom(isSchema, 'must be a schema of zod 4'),
    run: z.custom((value) => typeof value === 'function', 'must be a function'),
    prepare: z.custom((value) => typeof value === 'function', 'must be a function').optional(),
    isolation: z.enum(['process', 'none'], 'must be process or none').optional(),
    priority: z.enum(priorities, `must be ${priorities.join(', ')}`).optional(),
    timeoutMs: positive.optional(),
    graceMs: z.int('must be a whole number').min(0, 'must not be negative').optional(),
    retry: retrySchema.optional(),
    env: taskEnvironmentSchema.optional(),
  },
  'must be a task type from defineTaskType',
)

const commandName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$/, 'has a name with other than letters, digits, . _ : -')

const configSchema = z.strictObject({
  commands: z.record(commandName, commandSchema, 'must be an object of commands by their names').optional(),
  taskTypes: z.array(typeSchema, 'must be a list').optional(),
  roots: z.array(text, 'must be a list of directories').min(1, 'must name a directory').optional(),
  hooks: hooksSchema.optional(),
  trust: trustSchema.optional(),
})

function parse(file: string, exported: unknown): z.output<typeof configSchema> {
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

function absoluteCwd(command: z.output<typeof commandSchema>, directory: string): CommandConfig {
  return command.cwd === undefined ? command : { ...command, cwd: resolve(directory, command.cwd) }
}

function existingDirectory(file: string, path: string): string {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return path
  throw new StartupError(`The configuration file ${file} is refused: roots names ${path}, which is not a directory.`)
}

function mapValues<In, Out>(record: Readonly<Record<string, In>>, change: (value: In) => Out): Record<string, Out> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value)]))
}
