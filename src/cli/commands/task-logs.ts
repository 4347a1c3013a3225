import type { Command } from 'commander'
import { interruption } from '#cli/interrupt.ts'
import { reconnectionRemarks } from '#cli/reconnection.ts'
import { type Api, examples, type Session } from '#cli/session.ts'
import { type LogLine, TaskLogReader } from '#cli/task-log-reader.ts'
import { moment, printable } from '#cli/text.ts'
import { followTask } from '#client/index.ts'

interface LogsOptions {
  readonly follow?: boolean
  readonly times?: boolean
}

export function addTaskLogsCommand(parent: Command, session: Session): void {
  const command = parent
    .command('logs <id>')
    .summary('what a task has logged')
    .description('Prints what a task has logged; with --follow goes on until it has ended.')
    .option('-f, --follow', 'go on until the task has ended')
    .option('-t, --times', 'begin each line with its time')
    .addHelpText('after', () => examples(`${session.invocation} task logs 0197e2c4-… --follow`))
  session.api(command, async (api, options: LogsOptions, id: string) => {
    const lines: LogLine[] = []
    const take = collector(api, options, lines)
    if (options.follow) return follow(api, id, take)
    await new TaskLogReader(api.client, id, take).drain()
    if (api.json) api.output.document(lines)
    return undefined
  })
}

/** One document holds all lines; a stream has each as it comes. */
function collector({ output, json }: Api, { follow, times }: LogsOptions, lines: LogLine[]): (line: LogLine) => void {
  if (json) return follow ? (line) => output.record(line) : (line) => void lines.push(line)
  return ({ at, message }) =>
    output.line(`${times ? `${output.styled('dim', moment(at))}  ` : ''}${printable(message)}`)
}

async function follow({ client, output }: Api, id: string, take: (line: LogLine) => void): Promise<undefined> {
  using interrupted = interruption()
  const { signal } = interrupted
  try {
    const reader = new TaskLogReader(client, id, take, { signal })
    const remarks = reconnectionRemarks((text) => output.remark(text))
    for await (const { kind } of followTask(client, id, { signal, ...remarks })) {
      if (kind === 'LOG' || kind === 'STATE') reader.hint()
    }
    await reader.drain()
  } catch (error) {
    throw signal.aborted ? signal.reason : error
  }
}
