import type { Command } from 'commander'
import { examples, type Session } from '#cli/session.ts'
import { printable } from '#cli/text.ts'
import { payloadOf, RevokeApplicationTokenDocument } from '#client/index.ts'

export function addTokenRevokeCommand(parent: Command, session: Session): void {
  const command = parent
    .command('revoke <id>')
    .summary('revoke an application token')
    .description(
      'Revokes an application token, given as its id or the token itself, and ends everything running under it.',
    )
    .option('--reason <text>', 'the reason, for those who look at it later')
    .addHelpText('after', () => examples(`${session.invocation} token revoke 01a20d99-… --reason 'was in a log'`))
  session.api(command, async ({ client, output, json }, { reason }: { reason?: string }, id: string) => {
    const { revokeApplicationToken } = await client.request(RevokeApplicationTokenDocument, { input: { id, reason } })
    const { applicationToken } = payloadOf(revokeApplicationToken)
    if (json) return output.document(applicationToken)
    output.line(`Application token ${applicationToken.id} was revoked: ${printable(applicationToken.name)}.`)
  })
}
