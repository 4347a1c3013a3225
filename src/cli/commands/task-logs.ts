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
    .description('Prints the log of a task; with --follow, until the task has ended.')
    .option('-f, --follow', 'go on until the task has ended')
    .option('-t, --times', 'begin each line with its time')
    .addHelpText('after', () => examples(`${session.invocation} task logs 0197e2c4-… --follow`))
  session.api(command, async (api, options: LogsOptions, id: string) => {
    const lines: LogLine[] = []
    const take = collector(api, options, lines)
    if (options.follow) return follow(api, id, take)
    await new TaskLogReader(api.client, id, take).drain()
    if (api.json) api.output.document(lines)
    else if (lines.length === 0) api.output.remark('Nothing was logged.')
    return undefined
  })
}

/** Tells each line as it comes, save where one document holds all; keeps them where they are not without end. */
function collector({ output, json }: Api, { follow, times }: LogsOptions, lines: LogLine[]): (line: LogLine) => void {
  return (line) => {
    if (!follow) lines.push(line)
    if (json && follow) output.record(line)
    else if (!json)
      output.line(`${times ? `${output.styled('dim', moment(line.at))}  ` : ''}${printable(line.message)}`)
  }
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
