import type { Command } from 'commander'
import { CommandFailure, exitCodeOfStatus, exitCodes } from '#cli/exit-codes.ts'
import { found } from '#cli/found.ts'
import { examples, type Session } from '#cli/session.ts'
import { outcome } from '#cli/task-text.ts'
import type { TaskOutcome } from '#cli/task-view.ts'
import { TaskOutcomeDocument } from '#client/index.ts'

export function addTaskResultCommand(parent: Command, session: Session): void {
  const command = parent
    .command('result <id>')
    .summary('what a task came to, as JSON')
    .description('Prints the result of a COMPLETED task as JSON. For any other task, says why there is none.')
    .addHelpText('after', () => examples(`${session.invocation} task result 0197e2c4-… | jq .lines`))
  session.api(command, async ({ client, output, json, invocation }, _options: object, id: string) => {
    const task = found((await client.request(TaskOutcomeDocument, { id })).task, `task ${id}`)
    refuseWithoutResult(task, invocation)
    if (json) output.document(task.result)
    else output.line(output.value(task.result))
  })
}

function refuseWithoutResult(task: TaskOutcome, invocation: string): void {
  const { id, status, resultExpired } = task
  if (resultExpired) throw new CommandFailure(`The result of task ${id} has expired.`, exitCodes.missing)
  if (status === 'COMPLETED') return
  const code = exitCodeOfStatus(status)
  if (code !== undefined) throw new CommandFailure(`Task ${id} has no result: it ${outcome(task)}.`, code)
  throw new CommandFailure(
    `Task ${id} is ${status}; it has a result once it is COMPLETED. Wait for it: ${invocation} task watch ${id}`,
    exitCodes.conflict,
  )
}
