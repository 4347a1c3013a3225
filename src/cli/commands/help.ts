import type { Command } from 'commander'
import { CommandFailure } from '#cli/exit-codes.ts'
import { examples, type Session } from '#cli/session.ts'
import { wrap } from '#cli/text.ts'
import { isTopic, listTopics, readTopic } from '#docs/topics.ts'

/** How wide a page is where the terminal is wider, or there is none. */
const maxColumns = 80
/** Where their descriptions begin, beside their names. */
const topicColumns = 21

export function addHelpCommand(parent: Command, session: Session): void {
  parent
    .command('help')
    .argument('[words...]', 'a topic of the documentation, or a command')
    .summary('print a page of the documentation, or the help of a command')
    .description(
      'Prints a page of the documentation, without a server; without arguments, the commands and topics. ' +
        'With the name of a command, prints its help.',
    )
    .addHelpText('after', () =>
      examples(`${session.invocation} help quickstart`, `${session.invocation} help task submit`),
    )
    .action(async (words: readonly string[]) => {
      const [topic = ''] = words
      if (topic === '') return parent.outputHelp()
      if (words.length === 1 && isTopic(topic)) return printTopic(topic, parent, session)
      commandNamed(words, parent, session).outputHelp()
    })
}

/** All topics, for the help. */
export function topicHelp(invocation: string): string {
  const rows = listTopics().flatMap(({ topics }) =>
    topics.map(({ name, summary }) => {
      const text = wrap(summary, maxColumns - topicColumns).replaceAll('\n', `\n${' '.repeat(topicColumns)}`)
      return `  ${name}`.padEnd(topicColumns) + text
    }),
  )
  return `\nTopics (${invocation} help <topic>):\n${rows.join('\n')}\n`
}

async function printTopic(name: string, parent: Command, { output, invocation }: Session): Promise<void> {
  const { topicText } = await import('#cli/topic-text.ts')
  const columns = Math.min(maxColumns, output.columns)
  output.line(topicText(readTopic(name) ?? '', { columns, styled: (style, text) => output.styled(style, text) }))
  const isCommand = parent.commands.some((command) => command.name() === name)
  if (isCommand) output.line(`\nFor the command of this name: ${invocation} ${name} --help`)
}

function commandNamed(words: readonly string[], parent: Command, { invocation }: Session): Command {
  return words.reduce((command, word) => {
    const found = command.commands.find((one) => one.name() === word || one.aliases().includes(word))
    if (found !== undefined) return found
    const names = listTopics().flatMap(({ topics }) => topics.map(({ name }) => name))
    throw new CommandFailure(
      `There is no topic or command "${words.join(' ')}". The topics are ${names.join(', ')}; ` +
        `\`${invocation} help\` lists the commands.`,
    )
  }, parent)
}
