import type { Command } from 'commander'
import { Output } from '#cli/output.ts'
import { createProgram } from '#cli/program.ts'
import type { ServerCommands } from '#cli/server-commands.ts'
import { Session } from '#cli/session.ts'

/** The command line as it is when nothing calls it. */
export async function commandTree(): Promise<Command> {
  const output = new Output({ stdout: process.stdout, stderr: process.stderr, env: {} })
  // No action of it runs.
  const server = {} as ServerCommands
  return createProgram([], new Session({ server, invocation: 'signalbox', env: {}, output }), () => {})
}

export interface CommandFacts {
  /** With its arguments, such as `task submit <type>`. */
  readonly usage: string
  /** The first sentence of its help. */
  readonly description: string
}

/** Every command that does something, in the order of the help. */
export function commandsOf(program: Command): readonly CommandFacts[] {
  return program.commands.flatMap((command) => leaves(command, []))
}

function leaves(command: Command, parents: readonly string[]): readonly CommandFacts[] {
  const path = [...parents, command.name()]
  if (command.commands.length > 0) return command.commands.flatMap((child) => leaves(child, path))
  const usage = [...path, ...command.registeredArguments.map(argumentText)].join(' ')
  return [{ usage, description: firstSentence(command.description() || command.summary()) }]
}

function argumentText(argument: Command['registeredArguments'][number]): string {
  const name = argument.variadic ? `${argument.name()}...` : argument.name()
  return argument.required ? `<${name}>` : `[${name}]`
}

function firstSentence(text: string): string {
  const flat = text.replaceAll(/\s+/g, ' ').trim()
  return /^.*?[.:](?=\s|$)/.exec(flat)?.[0].replace(/:$/, '.') ?? flat
}
