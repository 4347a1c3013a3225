import type { Command } from 'commander'
import { interruption } from '#cli/interrupt.ts'
import type { Output } from '#cli/output.ts'
import { reconnectionRemarks } from '#cli/reconnection.ts'
import { type Api, examples, type Session } from '#cli/session.ts'
import { moment, printable } from '#cli/text.ts'
import { type EnvironmentChange, followEnvironments } from '#client/index.ts'

export function addEnvironmentWatchCommand(parent: Command, session: Session): void {
  const command = parent
    .command('watch')
    .summary('what happens to environments')
    .description(
      'Shows each change of environments, and of who holds them, until Ctrl-C, across restarts of the server.',
    )
    .option('--after <cursor>', 'also what happened after this cursor')
    .addHelpText('after', () => examples(`${session.invocation} environment watch --json`))
  session.api(command, watch)
}

async function watch(api: Api, { after }: { readonly after?: string }): Promise<number> {
  using interrupted = interruption()
  const remarks = reconnectionRemarks((text) => api.output.remark(text))
  try {
    for await (const change of followEnvironments(api.client, { after, signal: interrupted.signal, ...remarks })) {
      if (api.json) api.output.record(change)
      else tell(api.output, change)
    }
  } catch (error) {
    if (!interrupted.signal.aborted) throw error
    throw interrupted.signal.reason
  }
  return 0
}

function tell(output: Output, { kind, at, id, environment, actor }: EnvironmentChange): void {
  const name = printable(environment?.name ?? id ?? '')
  const who = actor === null ? '' : `  ${printable(actor.name)}`
  const reason = kind === 'ACQUIRED' && environment?.lease?.reason ? `: ${printable(environment.lease.reason)}` : ''
  output.line(`${output.styled('dim', moment(at))}  ${kind.toLowerCase()}  ${name}${who}${reason}`)
}
