import type { Command } from 'commander'
import { choice } from '#cli/options.ts'
import { examples, type Session } from '#cli/session.ts'
import { moment, printable } from '#cli/text.ts'
import { PauseTasksDocument, type Priority, payloadOf, ResumeTasksDocument, TaskPausesDocument } from '#client/index.ts'

interface Paused {
  readonly priority?: Priority
  readonly type?: string
  readonly concurrencyKey?: string
}

/** Adds the options of which exactly one names what is paused; the server says so when it is not one. */
function pausable(command: Command): Command {
  return command
    .option('-p, --priority <priority>', 'tasks of this priority', choice<Priority>(['CRITICAL', 'NORMAL', 'BATCH']))
    .option('-t, --type <type>', 'tasks of this type')
    .option('--concurrency-key <key>', 'tasks with this concurrency key')
}

function named({ priority, type, concurrencyKey }: Paused): string {
  if (priority !== undefined) return `of the priority ${priority}`
  return type === undefined ? `with the concurrency key ${printable(concurrencyKey ?? '')}` : `of the type ${type}`
}

export function addTaskPauseCommand(parent: Command, session: Session): void {
  const command = pausable(
    parent
      .command('pause')
      .summary('keep tasks from starting')
      .description(
        'Keeps tasks of a priority, of a type, or with a concurrency key from starting; those that run go on.',
      ),
  )
    .option('--reason <text>', 'why, for those who look at it later')
    .addHelpText('after', () =>
      examples(`${session.invocation} task pause --type salesforce.deploy --reason 'release freeze'`),
    )
  session.api(command, async ({ client, output, json }, options: Paused & { reason?: string }) => {
    const { pause } = payloadOf((await client.request(PauseTasksDocument, { input: options })).pauseTasks)
    if (json) output.document(pause)
    else output.line(`Tasks ${named(options)} are paused.`)
  })
}

export function addTaskResumeCommand(parent: Command, session: Session): void {
  const command = pausable(
    parent
      .command('resume')
      .summary('let paused tasks start again')
      .description('Ends a pause: the tasks start again.'),
  )
  session.api(command, async ({ client, output, json }, options: Paused) => {
    const payload = payloadOf((await client.request(ResumeTasksDocument, { input: options })).resumeTasks)
    if (json) output.document({ wasPaused: payload.wasPaused })
    else output.line(`Tasks ${named(options)} ${payload.wasPaused ? 'are resumed' : 'were not paused'}.`)
  })
}

export function addTaskPausesCommand(parent: Command, session: Session): void {
  const command = parent
    .command('pauses')
    .summary('what is paused')
    .description('Shows what is paused, why, and by whom.')
  session.api(command, async ({ client, output, json }) => {
    const { taskPauses } = await client.request(TaskPausesDocument, {})
    if (json) return output.document(taskPauses)
    if (taskPauses.length === 0) return output.line('Nothing is paused.')
    output.table(taskPauses, [
      { title: 'PAUSED', text: ({ kind }) => kind.toLowerCase().replace('_', ' ') },
      { title: 'VALUE', text: ({ value }) => printable(value) },
      { title: 'SINCE', text: ({ pausedAt }) => moment(pausedAt) },
      { title: 'BY', text: ({ pausedBy }) => printable(pausedBy.name) },
      { title: 'REASON', text: ({ reason }) => printable(reason ?? ''), flexible: true },
    ])
  })
}
