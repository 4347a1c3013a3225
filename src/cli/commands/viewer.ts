import type { Command } from 'commander'
import type { Session } from '#cli/session.ts'
import { moment, printable } from '#cli/text.ts'
import { ViewerDocument } from '#client/index.ts'

export function addViewerCommand(parent: Command, session: Session): void {
  const command = parent
    .command('viewer')
    .alias('whoami')
    .summary('show whose token this is, and what it allows')
    .description('Shows the caller: whose token this is, and its scopes.')
  session.api(command, async ({ client, output, json }) => {
    const { viewer } = await client.request(ViewerDocument, {})
    if (json) return output.document(viewer)
    output.properties([
      ['name', `${printable(viewer.name)} (${viewer.kind})`],
      ['account', printable(viewer.account.name)],
      ['role', viewer.role],
      ['scopes', viewer.scopes.join(', ')],
      ['token ends', viewer.tokenExpiresAt === null ? 'never' : moment(viewer.tokenExpiresAt)],
      ['server', client.url],
    ])
  })
}
