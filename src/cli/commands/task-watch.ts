import type { Command } from 'commander'
import { exitCodeHelp } from '#cli/exit-codes.ts'
import { found } from '#cli/found.ts'
import { examples, type Session } from '#cli/session.ts'
import { watchTask } from '#cli/watch-task.ts'
import { TaskOutcomeDocument } from '#client/index.ts'

export function addTaskWatchCommand(parent: Command, session: Session): void {
  const command = parent
    .command('watch <id>')
    .summary('show a task until it has ended')
    .description(
      'Shows a task, with its log, until it has ended; reconnects when the server restarts. Ctrl-C leaves the task running. ' +
        'With --json: one update a line, and { "kind": "END", "task": … } as the last.',
    )
    .addHelpText('after', () => exitCodeHelp + examples(`${session.invocation} task watch 0197e2c4-… --json`))
  session.api(command, async (api, _options: object, id: string) => {
    const { task } = await api.client.request(TaskOutcomeDocument, { id })
    return watchTask(api, found(task, `task ${id}`))
  })
}
