import type { z } from 'zod'
import type { RetryPolicy } from '#domain/tasks/retry-plan.ts'
import type { Priority } from '#domain/tasks/task.ts'
import type { TaskEnvironment } from '#domain/tasks/task-environment.ts'
import type { TaskSecrets } from '#domain/tasks/task-secrets.ts'

/** A program that callers may run by name, as a task of the type `command`. */
export interface CommandConfig {
  /**
   * The program and its arguments; no shell ever sees them. `{{args.path}}` is replaced by that argument: where it is a
   * whole element, a list becomes several elements. An element that names a missing argument is left out.
   */
  readonly command: readonly string[]
  readonly description?: string | undefined
  /** What callers may, or must, give: `z.object({ path: z.string() })`. Default: nothing. */
  readonly args?: z.ZodObject | undefined
  /** Admits arguments that begin with `-` where a placeholder begins an element; the program may take them for options. */
  readonly allowDashArgs?: boolean | undefined
  /** Its environment beside the usual. */
  readonly env?: TaskEnvironment | undefined
  /** The account's secrets that it gets, in variables of their names: their values, or the paths of their files. */
  readonly secrets?: TaskSecrets | undefined
  /**
   * Which of the lines `::progress`, `::step` and `::part` that the program prints are obeyed: `any` (the default);
   * `marked`, only those that carry the attempt's marker, `::$SIGNALBOX_MARKER::progress 40`, so that text of others which
   * the program prints cannot steer the task; or `none`.
   */
  readonly directives?: 'any' | 'marked' | 'none' | undefined
  /** What somebody has to approve before it runs; another attempt that follows needs no second approval. */
  readonly approval?: string | undefined
  /** False: the caller that submitted the task may not approve it. Default: true. */
  readonly selfApproval?: boolean | undefined
  /** How long an approval may take, in milliseconds: 7 days by default, at most 366. */
  readonly approvalTimeoutMs?: number | undefined
  /** Where it runs, relative to the configuration file. Default: the task's workspace. */
  readonly cwd?: string | undefined
  readonly timeoutMs?: number | undefined
  readonly graceMs?: number | undefined
  readonly retry?: { readonly [Key in keyof RetryPolicy]?: RetryPolicy[Key] | undefined } | undefined
  readonly priority?: Priority | undefined
}

type Arguments = Readonly<Record<string, unknown>>

/** An argument that can't be put into the command line. */
export class RefusedArgument extends Error {
  /** Which one. */
  readonly argument: string
  constructor(argument: string, reason: string) {
    super(`The argument "${argument}" ${reason}.`)
    this.argument = argument
  }
}

const placeholder = /\{\{args\.([A-Za-z0-9_$]+)\}\}/g
const wholePlaceholder = /^\{\{args\.([A-Za-z0-9_$]+)\}\}$/

/** Placeholders that name an argument which the command doesn't have. */
export function unknownPlaceholders({ command, args }: Pick<CommandConfig, 'command' | 'args'>): string[] {
  const named = command.flatMap((element) => [...element.matchAll(placeholder)].map(([, name = '']) => name))
  return named.filter((name) => !Object.hasOwn(args?.shape ?? {}, name))
}

/**
 * The program and its arguments, filled in. One argument stays one element, whatever is in it, save for a list that
 * fills an element alone.
 * @throws {RefusedArgument}
 */
export function commandLine(config: CommandConfig, args: Arguments): string[] {
  return config.command.flatMap((element) => {
    const [, name] = wholePlaceholder.exec(element) ?? []
    if (name !== undefined) return listOf(args[name]).map((value) => whole(config, name, valueText(name, value)))
    return filled(config, element, args)
  })
}

function listOf(value: unknown): readonly unknown[] {
  if (value === undefined || value === null) return []
  return Array.isArray(value) ? value : [value]
}

function filled(config: CommandConfig, element: string, args: Arguments): string[] {
  const names = [...element.matchAll(placeholder)].map(([, name = '']) => name)
  if (names.some((name) => args[name] === undefined || args[name] === null)) return []
  const text = element.replaceAll(placeholder, (_, name: string) => valueText(name, args[name]))
  // `{{args.name}}.txt` is as dangerous as `{{args.name}}` alone.
  const [first] = names
  return [first !== undefined && element.startsWith('{{args.') ? whole(config, first, text) : text]
}

function whole(config: CommandConfig, name: string, text: string): string {
  if (text.startsWith('-') && !config.allowDashArgs)
    throw new RefusedArgument(name, 'must not begin with "-", which the program would take for an option')
  return text
}

function valueText(name: string, value: unknown): string {
  if (!['string', 'number', 'boolean', 'bigint'].includes(typeof value))
    throw new RefusedArgument(name, 'must be a text, a number or a truth value there')
  const text = String(value)
  if (text.includes('\0')) throw new RefusedArgument(name, 'must not contain a NUL character')
  return text
}
