import type { Command } from 'commander'
import { describe, expect, it } from 'vitest'
import { Output } from '#cli/output.ts'
import { createProgram } from '#cli/program.ts'
import type { ServerCommands } from '#cli/server-commands.ts'
import { Session } from '#cli/session.ts'

async function allCommands(): Promise<Command[]> {
  const stream = { write: () => true }
  const output = new Output({ stdout: stream, stderr: stream, env: {} })
  const server = {} as ServerCommands
  const session = new Session({ server, invocation: 'signalbox', env: {}, output })
  return withChildren(await createProgram([], session, () => undefined))
}

function withChildren(command: Command): Command[] {
  return [command, ...command.commands.flatMap(withChildren)]
}

describe('the help of every command', () => {
  it('shows each default once', async () => {
    const options = (await allCommands()).flatMap((command) => {
      const help = command.createHelp()
      return help.visibleOptions(command).map((option) => `${command.name()} ${help.optionDescription(option)}`)
    })
    expect(options.length).toBeGreaterThan(100)
    expect(options.filter((text) => text.split('(default').length > 2)).toEqual([])
  })

  it('breaks no paragraph in the middle', async () => {
    const broken = (await allCommands()).filter((command) => /[^.:\n]\n[a-z]/.test(command.description()))
    expect(broken.map((command) => command.name())).toEqual([])
  })
})
