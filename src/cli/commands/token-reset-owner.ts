import type { Command } from 'commander'
import { examples, type Session } from '#cli/session.ts'

export function addTokenResetOwnerCommand(parent: Command, session: Session): void {
  parent
    .command('reset-owner')
    .summary("replace the owner's token, on the machine of the server")
    .description(
      "Revokes the owner's token and creates a new one, with access to the database rather than to the API. Needs the " +
        'settings of the server (DATABASE_URL, or DATA_DIR). Standard output has the new token and nothing else; the file ' +
        'owner-token in DATA_DIR, where the first start wrote it, is rewritten.',
    )
    .option('--account <name>', 'whose owner, where there are several accounts')
    .addHelpText('after', () => examples(`${session.invocation} token reset-owner > owner-token`))
    .action(async ({ account }: { account?: string }) => {
      const { output } = session
      const { token, file } = await session.server.resetOwnerToken({ account })
      output.line(token)
      output.remark("The owner's earlier token is not accepted from now on.")
      if (file !== undefined) output.remark(`${file} has the new one.`)
    })
}
