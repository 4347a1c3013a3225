import type { Command } from 'commander'
import { examples, type Session } from '#cli/session.ts'
import { CancelTaskDocument, payloadOf } from '#client/index.ts'

export function addTaskCancelCommand(parent: Command, session: Session): void {
  const command = parent
    .command('cancel <id>')
    .summary('ask a task to stop')
    .description(
      'Cancels a task: one that waits ends at once, one that runs is asked to stop, and killed after its grace period.',
    )
    .option('--reason <text>', 'why, for those who look at it later')
    .addHelpText('after', () => examples(`${session.invocation} task cancel 0197e2c4-… --reason 'wrong branch'`))
  session.api(command, async ({ client, output, json }, { reason }: { reason?: string }, id: string) => {
    const { task } = payloadOf((await client.request(CancelTaskDocument, { input: { id, reason } })).cancelTask)
    if (json) return output.document(task)
    output.line(
      task.status === 'CANCELLED' ? `Task ${id} is cancelled.` : `Task ${id} was asked to stop; it is ${task.status}.`,
    )
  })
}
