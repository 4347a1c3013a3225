import type { Command } from 'commander'
import { parseValue, readJsonFile } from '#cli/input.ts'
import { examples, type Session } from '#cli/session.ts'
import { printable } from '#cli/text.ts'
import { ApproveTaskDocument, payloadOf, RejectTaskDocument, SignalTaskDocument } from '#client/index.ts'

interface DecisionOptions {
  readonly approval?: string
  readonly comment?: string
}

/** Adds the options of a decision. */
function deciding(command: Command): Command {
  return command
    .option('--approval <name>', 'only if this is what it waits for')
    .option('--comment <text>', 'why, for the audit log and those who look at the task')
}

export function addTaskApproveCommand(parent: Command, session: Session): void {
  const command = deciding(parent.command('approve <id>'))
    .summary('approve what a task waits for')
    .description('Approves what a task waits for; it continues.')
    .addHelpText('after', () => examples(`${session.invocation} task approve 0197e2c4-… --comment 'tested on staging'`))
  session.api(command, async ({ client, output, json }, options: DecisionOptions, id: string) => {
    const payload = payloadOf((await client.request(ApproveTaskDocument, { input: { id, ...options } })).approveTask)
    if (json) output.document(payload.task)
    else output.line(`Task ${id} is approved; it continues.`)
  })
}

export function addTaskRejectCommand(parent: Command, session: Session): void {
  const command = deciding(parent.command('reject <id>'))
    .summary('refuse what a task waits for')
    .description('Refuses what a task waits for; it fails, unless its type handles that.')
    .addHelpText('after', () =>
      examples(`${session.invocation} task reject 0197e2c4-… --comment 'freeze until Monday'`),
    )
  session.api(command, async ({ client, output, json }, options: DecisionOptions, id: string) => {
    const payload = payloadOf((await client.request(RejectTaskDocument, { input: { id, ...options } })).rejectTask)
    if (json) output.document(payload.task)
    else output.line(`Task ${id} is rejected.`)
  })
}

interface SignalOptions {
  readonly value?: string
  readonly valueFile?: string
}

export function addTaskSignalCommand(parent: Command, session: Session): void {
  const command = parent
    .command('signal <id> <name>')
    .summary('send a task an event')
    .description('Sends an event to a task: one that waits for it continues; else it is kept until the task does.')
    .option('--value <value>', 'what the task receives; JSON, or else a text')
    .option('--value-file <path>', 'the JSON in this file (-: standard input)')
    .addHelpText('after', () =>
      examples(`${session.invocation} task signal 0197e2c4-… tested --value '{"passed": 212}'`),
    )
  session.api(command, async ({ client, output, json }, options: SignalOptions, id: string, name: string) => {
    const { value: text, valueFile } = options
    const value = valueFile === undefined ? text && parseValue(text) : await readJsonFile(valueFile)
    const payload = payloadOf((await client.request(SignalTaskDocument, { input: { id, name, value } })).signalTask)
    if (json) return output.document({ ...payload.task, isDelivered: payload.isDelivered })
    output.line(
      payload.isDelivered
        ? `Task ${id} received ${printable(name)}.`
        : `Task ${id} does not wait for ${printable(name)} yet; it is kept.`,
    )
  })
}
