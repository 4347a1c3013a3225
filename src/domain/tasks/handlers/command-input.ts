import { z } from 'zod'
import { type CommandConfig, commandLine, RefusedArgument } from './command-line.ts'

/** What a task of the type `command` is asked to do. */
export interface CommandInput {
  readonly command: string
  readonly args: Readonly<Record<string, unknown>>
}

/** The input of the type `command`: one form for each configured command, so that what can't be run isn't taken in. */
export function commandInputSchema(commands: Readonly<Record<string, CommandConfig>>): z.ZodType<CommandInput> {
  const [first, ...others] = Object.entries(commands).map(([name, config]) => formOf(name, config))
  if (!first) return nothingConfigured
  const names = Object.keys(commands).join(', ')
  return z.discriminatedUnion('command', [first, ...others], {
    error: (issue) => (issue.code === 'invalid_union' ? `must name a configured command: ${names}` : undefined),
  })
}

function formOf(name: string, config: CommandConfig) {
  const form = z.strictObject({ command: z.literal(name), args: argsSchema(config).prefault({}) })
  return form
    .describe(commandDescription(config))
    .superRefine(({ args }, issues) => refuse(config, args, issues, 'args'))
}

/** The input of a command that is a task type of its own: its arguments. */
export function commandArgsSchema(config: CommandConfig): z.ZodType<CommandInput['args']> {
  return argsSchema(config).superRefine((args, issues) => refuse(config, args, issues))
}

function argsSchema({ args }: CommandConfig) {
  return args ?? z.strictObject({})
}

export function commandDescription({ description, command }: CommandConfig): string {
  return description ?? `Runs ${command[0]}.`
}

function refuse(config: CommandConfig, args: CommandInput['args'], issues: z.core.$RefinementCtx, ...path: string[]) {
  try {
    commandLine(config, args)
  } catch (error) {
    if (!(error instanceof RefusedArgument)) throw error
    issues.addIssue({ code: 'custom', path: [...path, error.argument], message: error.message })
  }
}

const nothingConfigured = z.strictObject({
  command: z.never({ error: 'no command is configured; name some under `commands` in signalbox.config.ts' }),
  args: z.record(z.string(), z.unknown()).default({}),
})
