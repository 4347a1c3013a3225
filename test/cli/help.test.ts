import type { Command } from 'commander'
import { describe, expect, it } from 'vitest'
import { Output } from '#cli/output.ts'
import { createProgram } from '#cli/program.ts'
import type { ServerCommands } from '#cli/server-commands.ts'
import { Session } from '#cli/session.ts'
import { topicText } from '#cli/topic-text.ts'
import { listTopics, readTopic } from '#docs/topics.ts'
import { run } from '#test/support/command-line.ts'

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

describe('help', () => {
  const topics = listTopics().flatMap((group) => group.topics)

  it('lists the commands and every topic', async () => {
    const { code, stdout } = await run(['help'])
    expect(code).toBe(0)
    for (const { name } of topics) expect(stdout).toMatch(new RegExp(`^ {2}${name} `, 'm'))
    expect(stdout).toContain('submit tasks and watch them run')
    expect((await run(['--help'])).stdout).toBe(stdout)
  })

  it('prints a topic without a server', async () => {
    const { code, stdout, stderr } = await run(['help', 'tasks'], { env: { SIGNALBOX_URL: 'http://127.0.0.1:1' } })
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/^Tasks\n=====\n/)
    expect(stdout).toContain('signalbox.config.ts')
  })

  it('prints the help of a command, and of one below it', async () => {
    expect((await run(['help', 'task', 'submit'])).stdout).toBe((await run(['task', 'submit', '--help'])).stdout)
    expect((await run(['help', 'kv'])).stdout).toContain('kv [options] [command]')
  })

  it('says of a topic that is also a command how to get that one’s help', async () => {
    expect((await run(['help', 'events'])).stdout).toContain(' events --help')
  })

  it('names the topics when there is none of that name', async () => {
    const { code, stderr } = await run(['help', 'tusks'])
    expect(code).toBe(2)
    expect(stderr).toContain('There is no topic or command "tusks"')
    expect(stderr).toContain('quickstart, tasks, ')
  })

  it.each(topics)('has lines of at most 80 columns in $name, save for code', ({ name }) => {
    const plain = topicText(readTopic(name) ?? '', { columns: 80, styled: (_style, text) => text })
    // A word can't be broken, and blocks of code keep their lines.
    const long = plain.split('\n').filter((line) => line.length > 80 && !/^ {4}|^\S+$|^- \S+$/.test(line))
    expect(long).toEqual([])
    expect(plain).not.toMatch(/<!--|\.md\)/)
  })

  it('is styled word by word, so that no style crosses the end of a line', () => {
    const styled = topicText('# Title\n\nA `code span` and **bold text**.', {
      columns: 16,
      styled: (_style, text) => `\u001b[1m${text}\u001b[0m`,
    })
    expect(styled.replaceAll('\u001b[1m', '<').replaceAll('\u001b[0m', '>')).toBe(
      '<Title>\n=====\n\nA <`code> <span`>\nand <bold> <text>.',
    )
  })
})
